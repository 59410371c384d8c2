import {
  type CryptoProvider,
  createSigner,
  type DidResolver,
  issueCapability,
  isTrustError,
  parseAnchors,
  verifyCapability,
} from '@talosprotocol/protocol';
import type { Clock, Random } from '../platform/system.js';
import type { Verification } from './capability/verification.js';

export interface CanaryDeps {
  readonly verification: Verification;
  readonly gateway: string;
  readonly resolver: DidResolver;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
}

/** Tries the gate with a key that exists for this only: a chain of a stranger must be refused by the policy in force,
 *  the same chain under an anchor of its own must pass, and with one bit of its signature changed must not. A gate
 *  that refuses everything is as broken as one that is open. Rejects if any of it came out otherwise. */
export async function tryGate(deps: CanaryDeps): Promise<void> {
  const { crypto, random, resolver, verification } = deps;
  const now = Math.floor(deps.clock.now() / 1000);
  const stranger = createSigner(random(32), crypto);
  const grants = [{ scope: 'tool:canary', ops: ['read' as const] }];
  const options = { sub: stranger.did, aud: [deps.gateway], grants, exp: now + 60 };
  const { chain } = issueCapability(options, stranger, { crypto, now: () => now, randomBytes: random });
  const anchors = parseAnchors([{ iss: stranger.did, tenant: 'canary', grants }], crypto);
  const own = { now, audience: deps.gateway, anchors, isRevoked: () => false, resolver, crypto };

  await expectRefusal(verification.verify(chain), 'UNTRUSTED_ISSUER');
  await verifyCapability(chain, own);
  await expectRefusal(verifyCapability(forge(chain), own), 'SIGNATURE_INVALID');
  const lid = (await verifyCapability(chain, own)).leaf.lid;
  await expectRefusal(verifyCapability(chain, { ...own, isRevoked: (one) => one === lid }), 'REVOKED');
}

const PERIOD_MS = 1_000;

/** `tryGate`, at most once a second: the health check that asks is open to everybody, and a try takes milliseconds. */
export function createGateCheck(deps: CanaryDeps): () => Promise<void> {
  let last: { readonly at: number; readonly outcome: Promise<void> } | undefined;
  return () => {
    const at = deps.clock.monotonic();
    if (last === undefined || at - last.at >= PERIOD_MS) last = { at, outcome: tryGate(deps) };
    return last.outcome;
  };
}

/** Another first character of the signature: still base64url, another R. */
function forge(chain: string): string {
  const at = chain.lastIndexOf('.') + 1;
  return `${chain.slice(0, at)}${chain[at] === 'A' ? 'B' : 'A'}${chain.slice(at + 1)}`;
}

async function expectRefusal(attempt: Promise<unknown>, code: string): Promise<void> {
  const outcome = await attempt.then(
    () => 'accepted',
    (error: unknown) => (isTrustError(error) ? error.code : 'failed'),
  );
  if (outcome !== code) throw new Error(`the canary was not refused with ${code}: ${outcome}`);
}
