import { canonicalize, createSigner } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPolicyHistory, type PolicyHistory } from './policy-history.js';
import { type AuditWorld, openAuditWorld } from './testing/room.js';

let world: AuditWorld;
let history: PolicyHistory;

beforeAll(async () => {
  world = await openAuditWorld();
  history = createPolicyHistory(world.sql);
});
beforeEach(() => world.fresh());
afterAll(() => world.close());

const iss = createSigner(new Uint8Array(32).fill(5), createNodeCrypto()).did;
const hashOf = (number: number) => number.toString(16).padStart(64, '0');
const policy = (number: number, scope = 'tool:*') => ({
  hash: hashOf(number),
  anchors: [{ iss, tenant: 'default', grants: [{ scope, ops: ['read' as const] }] }],
});

describe('the policies a log has seen (AUD-19)', () => {
  it('keeps the anchors of each, once, also if it comes back', async () => {
    for (const number of [2, 1, 2]) await history.record(policy(number, `tool:a${number}`));
    await history.record({ hash: hashOf(3), anchors: [] });
    expect(await history.all()).toEqual([
      { policy: hashOf(1), anchors: policy(1, 'tool:a1').anchors },
      { policy: hashOf(2), anchors: policy(2, 'tool:a2').anchors },
      { policy: hashOf(3), anchors: [] },
    ]);
  });

  it('refuses a policy whose row was changed', async () => {
    await history.record(policy(1, 'tool:a'));
    await expect(history.record(policy(1, 'tool:b'))).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    expect((await history.all())[0]?.anchors).toEqual(policy(1, 'tool:a').anchors);
  });

  it('is recorded by two nodes at the same time, and refused if they differ', async () => {
    const other = world.otherSql();
    // The other node has written, and nobody sees it yet.
    const recordWhile = (number: number, theirs: string) =>
      other.transaction(async (tx) => {
        await tx.query('INSERT INTO audit_policy (hash, anchors) VALUES ($1, $2)', [hashOf(number), theirs]);
        const end = history.record(policy(number)).then(
          () => 'recorded',
          (error: { code?: string; state?: string }) => error.code ?? error.state,
        );
        const waits = () => tx.query('SELECT 1 FROM pg_locks WHERE NOT granted');
        await expect.poll(waits, { timeout: 5_000 }).toHaveLength(1);
        return { end };
      });
    const same = await recordWhile(1, canonicalize(policy(1).anchors));
    expect(await same.end).toBe('recorded');
    const another = await recordWhile(2, '[]');
    expect(await another.end).toBe('LOG_CORRUPT');
    expect(await history.all()).toMatchObject([{ policy: hashOf(1) }, { policy: hashOf(2), anchors: [] }]);
  });

  it('takes no more than a trust file holds, and what it has seen at any time', async () => {
    await world.sql.query(
      `INSERT INTO audit_policy (hash, anchors)
        SELECT lpad(to_hex(n), 64, '0'), '[]' FROM generate_series(1, 4095) AS n`,
    );
    await history.record({ hash: hashOf(4096), anchors: [] });
    const one = history.record({ hash: hashOf(4097), anchors: [] });
    await expect(one).rejects.toMatchObject({ code: 'SETTINGS_INVALID', data: { hint: expect.any(String) } });
    await history.record({ hash: hashOf(1), anchors: [] });
    expect(await history.all()).toHaveLength(4096);
  });

  it('takes no more bytes of anchors than a trust file holds', async () => {
    const size = 1024 * 1024;
    await world.sql.query(
      `INSERT INTO audit_policy (hash, anchors) VALUES ('a', repeat(' ', ${size})), ('b', repeat(' ', ${size}))`,
    );
    const grants = Array.from({ length: 64 }, () => ({
      scope: `tool:${'a'.repeat(1000)}`,
      ops: ['read' as const],
    }));
    const large = (count: number) =>
      Array.from({ length: count }, () => ({ iss, tenant: 'default', grants }));
    await expect(history.record({ hash: hashOf(1), anchors: large(12) })).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
    });
    await history.record({ hash: hashOf(1), anchors: large(11) });
  });
});
