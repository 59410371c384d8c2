import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { hashSignedHeaders, signRequestProof } from '../session/proof-request.js';
import {
  agent,
  chainEvent,
  decisionEvent,
  exportBundle,
  gateway,
  makeChain,
  NOW,
  sequence,
  stranger,
  trustFile,
  worker,
} from './testing/ledger.js';
import { parseTrustFile } from './trust-file.js';
import { verifyBundle } from './verify-bundle.js';

const chain = makeChain();
const RID = '01938e5c-7b1a-7c3d-8e4f-0123456789ab';
const hash = (byte: number) => encodeBase64url(new Uint8Array(32).fill(byte));

function proofOf(change: object = {}, signer = worker): string {
  const claims = {
    aud: gateway.did,
    iat: NOW,
    jti: 'one',
    htm: 'POST',
    htu: 'http://127.0.0.1:8001/mcp',
    cth: chain.cth,
    nonce: encodeBase64url(new Uint8Array(48).fill(1)),
    bh: hash(1),
    hh: hashSignedHeaders({}, crypto),
    rid: RID,
    ...change,
  };
  return signRequestProof(claims, signer);
}

const call = (proof: string | undefined, at = 0) =>
  decisionEvent(chain, {
    credential: { kind: 'proof', sid: undefined, seq: undefined, rid: RID, proof },
    at,
  });

function verify(drafts: Parameters<typeof sequence>[0], range: { from?: number } = {}) {
  const events = sequence(JSON.parse(JSON.stringify([chainEvent(chain), ...drafts])));
  return verifyBundle(exportBundle(events, range), parseTrustFile(trustFile(), crypto), crypto);
}

const refused = (text: string) => expect.objectContaining({ message: expect.stringContaining(text) });

describe('calls that were proven one by one (AUD-22, AUD-5)', () => {
  it('hold by the words of the agent, kept in the event', () => {
    expect(verify([call(proofOf())]).counts).toMatchObject({ allowed: 1, recomputed: 1 });
    expect(verify([call(proofOf(), 300)]).counts.allowed).toBe(1);
  });

  it.each<[string, string | undefined, string]>([
    ['no proof', undefined, 'without the proof'],
    ['a proof for another chain', proofOf({ cth: hash(7) }), 'another chain'],
    ['a proof for another logical call', proofOf({ rid: RID.replace('ab', 'ac') }), 'another logical call'],
    ['a proof for another method', proofOf({ htm: 'GET' }), 'another request'],
    ['a proof for another gateway', proofOf({ aud: stranger.did }), 'another gateway'],
    ['an early proof', proofOf({ iat: NOW + 61 }), 'another time'],
    ['a late proof', proofOf({ iat: NOW - 301 }), 'another time'],
    ['a proof of the delegator', proofOf({}, agent), 'PROOF_INVALID'],
    ['a proof of a stranger', proofOf({}, stranger), 'PROOF_INVALID'],
  ])('are refused with %s', (_, proof, why) => {
    expect(() => verify([call(proof)])).toThrow(refused(why));
  });

  it('are refused when one proof is there for two', () => {
    const proof = proofOf();
    expect(() => verify([call(proof), call(proof)])).toThrow(refused('two calls'));
  });

  it('are not checked where the chain lies before the range', () => {
    expect(verify([call(proofOf())], { from: 1 }).counts).toMatchObject({ allowed: 1, unchecked: 1 });
  });

  it('hold by the word of the gateway where they were signed as messages, once each', () => {
    const signed = (signature_hash: string | undefined) =>
      decisionEvent(chain, {
        credential: { kind: 'signature', sid: undefined, seq: undefined, signature_hash },
      });
    expect(verify([signed('ab'.repeat(32)), signed('cd'.repeat(32))]).counts.allowed).toBe(2);
    expect(() => verify([signed('ab'.repeat(32)), signed('ab'.repeat(32))])).toThrow(refused('two calls'));
    expect(() => verify([signed(undefined)])).toThrow(refused('without the proof'));
  });
});
