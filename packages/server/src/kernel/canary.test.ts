import {
  createDidResolver,
  parseAnchors,
  portableCrypto,
  type VerifiedCapability,
} from '@talosprotocol/protocol';
import { expect, it } from 'vitest';
import { random } from '../platform/system.js';
import { createGateCheck, tryGate } from './canary.js';
import { createVerification } from './capability/verification.js';

const clock = { now: () => 1_800_000_000_000, monotonic: () => 0 };
const gateway = 'did:web:gateway.example';
const resolver = createDidResolver({ now: () => 1_800_000_000 });
const policy = () => ({
  hash: 'ab'.repeat(32),
  defaultTenant: 'acme',
  anchors: parseAnchors([], portableCrypto),
  manifestOf: () => undefined,
});
const verification = createVerification({
  gateway,
  policy,
  revocations: {
    isLinkRevoked: () => false,
    isFresh: () => true,
    track: () => undefined,
    isOutdated: () => false,
  },
  standing: { isInactive: () => false, isFresh: () => true },
  resolver,
  crypto: portableCrypto,
  clock,
});
const deps = { verification, gateway, resolver, crypto: portableCrypto, clock, random };

it('passes where strangers are refused', async () => {
  await tryGate(deps);
});

it('fails where a stranger gets in', async () => {
  const open = { ...verification, verify: async () => ({}) as VerifiedCapability };
  await expect(tryGate({ ...deps, verification: open })).rejects.toThrow('accepted');
});

it('fails where any signature will do', async () => {
  const crypto = { ...portableCrypto, ed25519Verify: () => true };
  await expect(tryGate({ ...deps, crypto })).rejects.toThrow('SIGNATURE_INVALID');
});

it('fails where no signature will do', async () => {
  const crypto = { ...portableCrypto, ed25519Verify: () => false };
  await expect(tryGate({ ...deps, crypto })).rejects.toThrow();
});

it('tries the gate once a second at most, however often somebody asks', async () => {
  let now = 0;
  let tries = 0;
  const count = (length: number) => {
    if (length === 32) tries += 1;
    return random(length);
  };
  const check = createGateCheck({ ...deps, random: count, clock: { ...clock, monotonic: () => now } });
  await Promise.all([check(), check()]);
  now = 999;
  await check();
  expect(tries).toBe(1);
  now = 1_000;
  await check();
  expect(tries).toBe(2);
});
