import type { Grant, Limit, TrustAnchor } from '@talosprotocol/contracts';
import type { Signer } from '../../crypto/jws.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import type { DidResolver } from '../../identity/resolver.js';
import { createDidResolver } from '../../identity/resolver.js';
import { createSigner } from '../../identity/signer.js';
import { type Anchors, parseAnchors } from '../anchor.js';
import type { IssueDeps } from '../issue.js';
import type { VerifyContext } from '../verify.js';

/** A gateway, an organisation it trusts, and who they deal with: everything a test of this room needs. */
export interface World {
  readonly crypto: CryptoProvider;
  readonly deps: IssueDeps;
  readonly gateway: Signer;
  readonly organisation: Signer;
  readonly agent: Signer;
  readonly helper: Signer;
  readonly stranger: Signer;
  readonly resolver: DidResolver;
  signer(seed: number): Signer;
  anchors(...anchors: readonly Partial<TrustAnchor>[]): Anchors;
  context(changes?: Partial<VerifyContext>): VerifyContext;
}

/** The moment all tests take place. */
export const NOW = 1_800_000_000;

export const READ_DOCS: Grant = { scope: 'tool:fs/method:read_file/resource:/docs', ops: ['read'] };
export const FIVE_CALLS: Limit = { per: 'total', calls: 5 };

/** Makes the world; its randomness is a counter. */
export function createWorld(crypto: CryptoProvider): World {
  let counter = 0;
  const signer = (seed: number): Signer => createSigner(new Uint8Array(32).fill(seed), crypto);
  const organisation = signer(1);
  const gateway = signer(2);
  const resolver = createDidResolver({ now: () => NOW });
  const anchors = (...list: readonly Partial<TrustAnchor>[]): Anchors =>
    parseAnchors(
      list.map((anchor) => ({
        iss: organisation.did,
        tenant: 'default',
        grants: [{ scope: 'tool:*', ops: ['read', 'write'] }],
        ...anchor,
      })),
      crypto,
    );
  return {
    crypto,
    deps: { crypto, now: () => NOW, randomBytes: (length) => new Uint8Array(length).fill(++counter) },
    gateway,
    organisation,
    agent: signer(3),
    helper: signer(4),
    stranger: signer(5),
    resolver,
    signer,
    anchors,
    context: (changes = {}) => ({
      now: NOW,
      audience: gateway.did,
      anchors: anchors({}),
      isRevoked: () => false,
      resolver,
      crypto,
      ...changes,
    }),
  };
}
