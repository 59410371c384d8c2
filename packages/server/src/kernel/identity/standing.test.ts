import { createDidResolver, parseAnchors, portableCrypto } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { createVerification } from '../capability/verification.js';
import { createStanding } from './standing.js';

function setUp() {
  let now = 0;
  let isDown = false;
  const rows: { number: number; did: string; is_end: boolean }[] = [];
  const clock = { now: () => 1_800_000_000_000, monotonic: () => now };
  const turnsAfter = async (number: number) => {
    if (isDown) throw new Error('the database is down');
    return rows.filter((row) => row.number > number);
  };
  const standing = createStanding({ turnsAfter }, clock);
  const verification = createVerification({
    gateway: 'did:web:gateway.example',
    policy: () => ({
      hash: 'ab'.repeat(32),
      defaultTenant: 'acme',
      anchors: parseAnchors([], portableCrypto),
      manifestOf: () => undefined,
    }),
    revocations: {
      isLinkRevoked: () => false,
      isFresh: () => true,
      track: () => undefined,
      isOutdated: () => false,
    },
    standing,
    resolver: createDidResolver({ now: () => 1_800_000_000 }),
    crypto: portableCrypto,
    clock,
  });
  return {
    standing,
    verification,
    rows,
    wait: (ms: number) => (now += ms),
    fail: (down: boolean) => (isDown = down),
  };
}

describe('the standing of identities', () => {
  it('is not fresh before anything was read', () => {
    expect(setUp().standing.isFresh('read')).toBe(false);
  });

  it('refuses writes after 5 s and reads after 60 s of failed polls, though the feed is fresh', async () => {
    const { standing, verification, rows, wait, fail } = setUp();
    await standing.load();
    fail(true);
    rows.push({ number: 1, did: 'did:key:zStolen', is_end: true });
    wait(5_000);
    await expect(standing.poll()).rejects.toThrow('down');
    verification.assertFresh('write');
    wait(1);
    expect(() => verification.assertFresh('write')).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    verification.assertFresh('read');
    wait(55_000);
    expect(() => verification.context()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    fail(false);
    await standing.poll();
    verification.assertFresh('write');
    expect(standing.isInactive('did:key:zStolen')).toBe(true);
  });
});
