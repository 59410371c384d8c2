import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { signDeactivation, signRotation } from '../identity/statement.js';
import {
  agent,
  chainEvent,
  type Draft,
  decisionEvent,
  exportBundle,
  gateway,
  makeChain,
  NOW,
  organisation,
  sequence,
  sessionEvent,
  signerOf,
  stranger,
  trustFile,
  worker,
} from './testing/ledger.js';
import { parseTrustFile } from './trust-file.js';
import { verifyBundle } from './verify-bundle.js';

const trust = parseTrustFile(trustFile(), crypto);
const verify = (drafts: readonly Draft[]) => verifyBundle(exportBundle(sequence(drafts)), trust, crypto);
const chain = makeChain();
const open = [chainEvent(chain), sessionEvent(chain)];
const next = signerOf(12);
const stated = { aud: gateway.did, iat: NOW, jti: 'j' };
const notProven = expect.objectContaining({ code: 'PROOF_NOT_PROVEN' });

/** A statement that nobody here can check. */
const SOME = signDeactivation({ ...stated, iss: stranger.did }, stranger);

const ACTOR = { $c: 'ab'.repeat(32) };

const ended = (did: string, at = 5, change: object = {}): Draft => ({
  type: 'identity.deactivated',
  sub: null,
  at,
  members: { did, by: 'administrator', statement: null, ...change },
});
const rotated = (change: object = {}, at = 5): Draft => ({
  type: 'identity.rotated',
  sub: null,
  at,
  members: {
    did: worker.did,
    successor: next.did,
    version: null,
    statement: signRotation({ ...stated, iss: worker.did, sub: next.did }, worker),
    ...change,
  },
});
const own = (signer = worker, change: object = {}) =>
  ended(worker.did, 5, {
    by: 'identity',
    statement: signDeactivation({ ...stated, iss: worker.did, ...change }, signer),
  });

describe('identities that ended, in a bundle (AUD-22)', () => {
  it.each([organisation, agent, worker])('allow no call by them later: %#', ({ did }) => {
    expect(() => verify([...open, ended(did), decisionEvent(chain, { at: 7 })])).toThrow(notProven);
    expect(verify([...open, ended(did), decisionEvent(chain, { at: 6 })]).counts.allowed).toBe(1);
  });

  it('are others who did not stand in the chain, or changed their own keys', () => {
    const changed = rotated({ successor: null, statement: null, version: `2-Qm${'a'.repeat(44)}` });
    const drafts = [ended(stranger.did), ended(stranger.did), changed, decisionEvent(chain, { at: 9 })];
    expect(verify([...open, ...drafts]).counts.allowed).toBe(1);
  });

  it('handed over by a statement of theirs', () => {
    expect(() => verify([...open, rotated(), decisionEvent(chain, { at: 7 })])).toThrow(notProven);
    expect(verify([...open, rotated()]).counts.allowed).toBe(0);
    const web = { did: 'did:web:example.com', statement: SOME };
    expect(verify([rotated(web)]).counts.allowed).toBe(0);
  });

  it('ended by an administrator, whom the event may name', () => {
    expect(verify([ended(worker.did, 5, { actor: ACTOR })]).counts.allowed).toBe(0);
  });

  it('ended by a statement of theirs', () => {
    expect(verify([own()]).counts.allowed).toBe(0);
    const web = { by: 'identity', statement: SOME };
    expect(verify([ended('did:web:example.com', 5, web)]).counts.allowed).toBe(0);
  });

  it.each<[string, Draft]>([
    ['an end by itself without statement', ended(worker.did, 5, { by: 'identity' })],
    ['an administrator with a statement', ended(worker.did, 5, { statement: SOME })],
    ['an administrator behind an end by a log', ended(worker.did, 5, { by: 'log', actor: ACTOR })],
    ['an end that another signed', own(stranger)],
    ['an end for another gateway', own(worker, { aud: stranger.did })],
    ['an end of another', own(worker, { iss: stranger.did })],
    ['an end stated later than it was logged', own(worker, { iat: NOW + 60 })],
    ['a successor without statement', rotated({ statement: null })],
    ['a statement without successor', rotated({ successor: null })],
    ['a successor and a version', rotated({ version: `2-Qm${'a'.repeat(44)}` })],
    ['another successor than was stated', rotated({ successor: stranger.did })],
    [
      'a succession that another signed',
      rotated({ statement: signRotation({ ...stated, iss: worker.did, sub: next.did }, stranger) }),
    ],
  ])('are not proven by %s', (_, draft) => {
    expect(() => verify([draft])).toThrow(notProven);
  });
});
