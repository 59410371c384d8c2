import type { Limit } from '@talosprotocol/contracts';
import {
  createSigner,
  issueCapability,
  parseAnchors,
  parseManifest,
  TrustError,
  verifyCapabilityAsOf,
} from '@talosprotocol/protocol';
import { expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { crypto } from '../testing/kernel-world.js';
import { createAuthorizing } from './authorizing.js';

const NOW = 1_790_000_000;
const issuer = createSigner(random(32), crypto);
const anchors = parseAnchors(
  [{ iss: issuer.did, tenant: 'acme', grants: [{ scope: 'tool:*', ops: ['read', 'write'] }] }],
  crypto,
);
const MANIFESTS = new Map([
  [
    'files copy',
    parseManifest({
      op: 'write',
      resources: [{ ptr: '/from', kind: 'path', op: 'read', required: true }],
      cost: { amount: 5, currency: 'EUR' },
    }),
  ],
  ['files list', parseManifest({ op: 'read', resources: [] })],
]);

/** Asks with a chain for `tool:files`; the feed has been silent for so long that writes are refused if `isSilent`. */
async function ask(
  tool: string,
  args: Record<string, string>,
  { isSilent = false, limits = [] as Limit[] } = {},
) {
  const issuing = { crypto, now: () => NOW, randomBytes: random };
  const { chain } = issueCapability(
    {
      sub: createSigner(random(32), crypto).did,
      aud: [issuer.did],
      grants: [
        { scope: 'tool:files/method:*/resource:/data', ops: ['read', 'write'] },
        { scope: 'tool:files/method:list', ops: ['read'] },
      ],
      exp: NOW + 60,
      ...(limits.length === 0 ? {} : { limits }),
    },
    issuer,
    issuing,
  );
  const { decide } = createAuthorizing({
    crypto,
    policy: () => ({
      hash: '',
      defaultTenant: 'acme',
      anchors,
      manifestOf: (server, name) => MANIFESTS.get(`${server} ${name}`),
    }),
    revocations: { onEnforced: () => undefined },
    verification: {
      verify: async (text: string) => verifyCapabilityAsOf(text, { time: NOW, anchors, crypto }),
      assertInForce: (_: unknown, op: string) => {
        if (isSilent && op === 'write') throw new TrustError('UNAVAILABLE', 'silent');
      },
    } as never,
  });
  const call = { server: 'files', tool };
  return (await decide({ chain, call, arguments: args } as never)).decision;
}

it('DEC-11 a tool is a write by its manifest, as at a gateway, though all that the call names is only read', async () => {
  const copy = { from: '/data/a' };
  expect(await ask('copy', copy)).toEqual({ effect: 'allow' });
  expect(await ask('copy', copy, { isSilent: true })).toMatchObject({ code: 'UNAVAILABLE' });
  expect(await ask('list', {}, { isSilent: true })).toEqual({ effect: 'allow' });
  expect(await ask('copy', { from: '/etc' }, { isSilent: true })).toMatchObject({ code: 'SCOPE_MISMATCH' });
});

it('DEC-11 a limit that cannot be enforced denies what is allowed but for it, as at a gateway', async () => {
  const limits: Limit[] = [{ per: 'day', cost: { amount: 9, currency: 'USD' } }];
  expect(await ask('copy', { from: '/data/a' }, { limits })).toMatchObject({
    code: 'POLICY_DENIED',
    link: 1,
  });
  expect(await ask('copy', { from: '/etc' }, { limits })).toMatchObject({ code: 'SCOPE_MISMATCH', link: 1 });
  expect(await ask('copy', { from: '/data/a' })).toEqual({ effect: 'allow' });
});
