import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnchorEvidence, AnchorList, TrustFile } from '@talosprotocol/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { type Anvil, startAnvil } from '../../packages/server/src/audit/anchor/evm/testing/anvil.js';
import { usePlatforms } from '../support/own-platforms.js';
import { openTerminal } from '../support/terminal.js';
import { testEnvironment } from '../support/world.js';

const { start } = usePlatforms();

let folder: string;
let anvil: Anvil;
beforeAll(async () => {
  folder = mkdtempSync('/tmp/talos-anchors-');
  // As root the database runs as another user, who must get through.
  chmodSync(folder, 0o711);
  anvil = await startAnvil();
});
afterAll(async () => {
  await anvil?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  readonly code: number;
  readonly text: string;
  json<T>(): T;
}

async function talos(...argv: string[]): Promise<Ran> {
  const { io, out, err } = openTerminal({
    env: { ...testEnvironment(join(folder, 'data')), ANCHOR_RPC: anvil.url },
    cwd: folder,
  });
  const code = await run([...argv], io);
  return { code, text: out() + err(), json: () => JSON.parse(out()) };
}

const file = (name: string): string => join(folder, name);
const write = (name: string, content: object): void => writeFileSync(file(name), JSON.stringify(content));

describe('the log of a platform on a chain, end to end (AUD-40, AUD-44)', () => {
  it('is anchored with the key of the data folder, and verified offline by who looked the block up', async () => {
    const made = await talos('init');
    expect([made.code, made.text]).toEqual([0, expect.any(String)]);
    const deploy = ['audit', 'anchor', 'deploy', '--chain-id', String(anvil.chainId), '--json'];
    const poor = await talos(...deploy);
    expect([poor.code, poor.text]).toEqual([4, expect.any(String)]);
    const [address = ''] = /0x[0-9a-f]{40}/.exec(poor.json<{ error: { hint: string } }>().error.hint) ?? [];
    await anvil.fund(address);
    const deployed = await talos(...deploy);
    expect([deployed.code, deployed.text]).toEqual([0, expect.any(String)]);
    const { contract, trust: told } = deployed.json<{
      contract: string;
      trust: Pick<TrustFile, 'contracts'>;
    }>();

    const yaml = file('data/talos.yaml');
    const rpc = `"\${ANCHOR_RPC}"`;
    const place = `kind: evm, rpc: ${rpc}, chainId: ${anvil.chainId}, contract: "${contract}"`;
    const anchors = `audit: { anchors: [ { ${place}, confirmations: 2, everySeconds: 1 } ] }\n`;
    writeFileSync(yaml, `${readFileSync(yaml, 'utf8')}\n${anchors}`);
    const platform = await start(file('data'), { ANCHOR_RPC: anvil.url });
    const { audit } = platform.ready;
    const at = ['--audit', audit];
    const status = async (): Promise<AnchorList> =>
      (await talos('audit', 'anchor', 'status', ...at, '--json')).json<AnchorList>();
    await expect
      .poll(
        async () => {
          await anvil.mine(1);
          return (await status()).anchors[0];
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toMatchObject({ kind: 'evm', fault: null, proven: { size: expect.any(Number) } });

    expect(
      (await talos('audit', 'export', '--out', 'bundle.json', '--trust-out', 'told.json', ...at)).code,
    ).toBe(0);
    expect((await talos('audit', 'anchor', 'export', '--out', 'anchor.json', ...at)).code).toBe(0);
    const evidence = JSON.parse(readFileSync(file('anchor.json'), 'utf8')) as AnchorEvidence;
    if (evidence.anchor.kind !== 'evm') throw new Error('another kind');
    const { number } = evidence.anchor.block;
    const block = (await anvil.rpc('eth_getBlockByNumber', `0x${number.toString(16)}`, false)) as {
      hash: string;
    };
    // What deploy printed is what the platform says of its talos.yaml.
    const keys = JSON.parse(readFileSync(file('told.json'), 'utf8')) as TrustFile;
    expect(keys.contracts).toEqual(told.contracts);
    const blocks = [{ chain: `eip155:${anvil.chainId}`, number, hash: block.hash }];
    write('keys.json', keys);
    write('trust.json', { ...keys, blocks });

    const verify = (name: string, ...more: string[]) => talos('audit', 'anchor', 'verify', name, ...more);
    const { contracts: _, ...without } = keys;
    write('without.json', { ...without, blocks });
    expect(await verify('anchor.json', '--trust', 'without.json')).toMatchObject({
      code: 3,
      text: expect.stringMatching(
        /names no contract on eip155:\d+ for [\s\S]*hint +add \{ "chain": "eip155:/,
      ),
    });
    const proven = await verify('anchor.json', '--trust', 'trust.json');
    expect(proven.text).toContain('PROVEN');
    expect(proven.code).toBe(0);
    expect(await verify('anchor.json', '--trust', 'keys.json')).toMatchObject({
      code: 3,
      text: expect.stringMatching(`names no block ${number} [\\s\\S]*hint +look block ${number} up`),
    });
    write('forged.json', { ...evidence, anchor: { ...evidence.anchor, size: evidence.anchor.size + 1 } });
    expect(await verify('forged.json', '--trust', 'trust.json')).toMatchObject({ code: 3 });

    await bringElsewhere(platform, evidence);

    const online = ['--trust', 'keys.json', '--rpc', anvil.url, '--confirmations', '2'];
    expect(await verify('anchor.json', ...online)).toMatchObject({
      code: 0,
      text: expect.stringContaining('the word of the endpoint'),
    });
    expect(
      await verify('anchor.json', '--trust', 'keys.json', '--rpc', anvil.url, '--confirmations', '60'),
    ).toMatchObject({ code: 3, text: expect.stringContaining('has not 60 confirmations') });
    const latest = Number(await anvil.rpc('eth_blockNumber'));
    await anvil.rpc('anvil_reorg', latest - number + 1, []);
    expect(await verify('anchor.json', ...online)).toMatchObject({
      code: 3,
      text: expect.stringContaining('dropped this anchor'),
    });
    expect(await verify('anchor.json', '--trust', 'keys.json', '--rpc', 'http://127.0.0.1:1')).toMatchObject({
      code: 4,
    });
    expect(
      await verify('anchor.json', '--trust', 'keys.json', '--rpc', 'http://chain.example'),
    ).toMatchObject({ code: 1 });
    expect(await verify('anchor.json')).toMatchObject({ code: 1 });
  }, 240_000);
});

/** Takes the log away, and has another platform show the same proof of its past. */
async function bringElsewhere(
  platform: Awaited<ReturnType<typeof start>>,
  { anchor }: AnchorEvidence,
): Promise<void> {
  const exported = await talos(
    'audit',
    'log',
    'export',
    'log.tar',
    '--audit',
    platform.ready.audit,
    '--json',
  );
  expect(exported.code).toBe(0);
  await platform.end('SIGTERM');
  const { vkey } = exported.json<{ vkey: string }>();
  const examined = await talos('audit', 'fsck', 'log.tar', '--vkey', vkey, '--json');
  expect([examined.code, examined.json()]).toMatchObject([0, { ok: true, anchors: expect.any(Number) }]);
  expect(examined.json<{ unchecked: string[] }>().unchecked.join()).toContain('whether the chains have');
  mkdirSync(file('restored'), { mode: 0o711 });
  const keys = (path: string): boolean => /keys$|\.key$/.test(path);
  cpSync(file('data/keys'), file('restored/keys'), { recursive: true, filter: keys });
  cpSync(file('data/talos.yaml'), file('restored/talos.yaml'));
  const { anchors } = examined.json<{ anchors: number }>();
  const brought = await talos('audit', 'log', 'import', 'log.tar', '--data', file('restored'));
  expect([brought.code, brought.text]).toEqual([
    0,
    expect.stringContaining(`anchors    ${anchors}; whether`),
  ]);
  const again = await start(file('restored'), { ANCHOR_RPC: anvil.url });
  // The chain is asked for one after the other: a larger one that it is known to have comes before this one until then.
  await expect
    .poll(async () => (await again.audit.anchorEvidence({ size: anchor.size })).anchor, { timeout: 30_000 })
    .toEqual(anchor);
  const bundle = JSON.parse(Buffer.from(await again.audit.bundle({ from: 0, to: anchor.size })).toString());
  expect(bundle.anchors).toMatchObject([{ proof: anchor }]);
  // The chain is asked, and has them; nothing is anchored before there is something new.
  await expect
    .poll(async () => (await again.audit.anchors()).anchors[0], { timeout: 20_000 })
    .toMatchObject({ alarms: [], proven: { size: expect.any(Number) } });
  expect(await again.end('SIGTERM')).toEqual({ code: 0, signal: null });
}
