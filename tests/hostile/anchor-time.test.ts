import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createNoteSigner,
  decodeHex,
  formatVerifierKey,
  portableCrypto,
  signCheckpoint,
} from '@talosprotocol/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestCli, type TestCli } from '../../packages/cli/src/testing/cli.js';
import { proveAnchored, trustOf } from '../../packages/protocol/src/anchor/testing/evm-chain.js';

const origin = 'talos.test/log/default';
const seed = new Uint8Array(32).fill(8);
const publicKey = portableCrypto.ed25519PublicKey(seed);
const root = 'ab'.repeat(32);

let cli: TestCli;
beforeEach(() => {
  cli = createTestCli();
});
afterEach(() => cli.remove());

/** Evidence of an anchor in a block of that second, and a trust file that names the block. */
function writeEvidence(time: number): void {
  const block = { chain: 'eip155:1', contract: `0x${'c0'.repeat(20)}`, number: 9, time };
  const anchor = proveAnchored(block, [{ origin, anchorer: `0x${'a1'.repeat(20)}`, size: 7, root }]);
  const sign = (message: Uint8Array): Uint8Array => portableCrypto.ed25519Sign(message, seed);
  const signer = createNoteSigner(portableCrypto.sha256, { name: origin, publicKey, sign });
  const checkpoint = signCheckpoint({ origin, size: 7, root: decodeHex(root), extensions: [] }, [signer]);
  const trust = {
    format: 'talos-trust-v1',
    logs: [{ origin, vkey: formatVerifierKey(portableCrypto.sha256, origin, publicKey) }],
    exporters: [],
    emitters: [],
    anchors: [],
    ...trustOf(anchor),
  };
  const evidence = { format: 'talos-anchor-v1', checkpoint, consistency: [], anchor };
  for (const [name, value] of Object.entries({ evidence, trust }))
    writeFileSync(join(cli.folder, `${name}.json`), JSON.stringify(value));
}

it.each([
  ['2026-09-21T14:13:20.000Z', 1_790_000_000],
  ['8640000000001 s after 1970', 8_640_000_000_001],
  [`${Number.MAX_SAFE_INTEGER} s after 1970`, Number.MAX_SAFE_INTEGER],
])('an anchor in a block of the time %s is verified, and the time told', async (told, time) => {
  writeEvidence(time);
  const verify = ['audit', 'anchor', 'verify', 'evidence.json', '--trust', 'trust.json'];
  const { code, stdout } = await cli.run(verify);
  expect([code, stdout]).toEqual([0, expect.stringContaining(told)]);
  expect((await cli.run([...verify, '--json'])).json()).toMatchObject({ proven: true, time: told });
});
