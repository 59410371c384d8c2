import type { AnchorProof } from '@talosprotocol/contracts';
import { encodeHex } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSecret } from '../../platform/secret.js';
import { createTestLog } from '../../platform/testing/test-log.js';
import { createAnchorStore } from '../anchor/anchor-store.js';
import { type AuditWorld, openAuditWorld } from '../testing/room.js';
import { type OldLog, openGrownLog } from './testing/old-log.js';

const PLACE = 'opentimestamps';
let world: AuditWorld;
let log: OldLog;

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(() => log?.stop());
afterAll(() => world?.close());

/** Anchors the log as it is; without a header on the word of calendars alone. */
async function anchor(more: { readonly header?: string } = {}): Promise<void> {
  const store = createAnchorStore(world.sql, createTestLog());
  const { size, root } = log.audit.checkpoint();
  const head = { size, root: encodeHex(root) };
  const proof: AnchorProof = { kind: 'opentimestamps', origin: 'x', ...head, ots: 'AAAA', ...more };
  await store.prove(PLACE, await store.begin(PLACE, head, 1), proof);
}

// AUD-111
describe('pruning a log that is anchored', () => {
  it('waits for an anchor whose block was looked at', async () => {
    const key = async () => createSecret(new Uint8Array(32));
    ({ log } = await openGrownLog(world, { chainAnchors: { settings: [], key } }));
    expect(await log.prune()).toMatchObject({ to: 0, event: null });
    await anchor();
    expect(await log.prune()).toMatchObject({ to: 0, event: null });
    await anchor({ header: 'A'.repeat(107) });
    expect(await log.prune()).toMatchObject({ from: 0, to: 512 });
  });
});
