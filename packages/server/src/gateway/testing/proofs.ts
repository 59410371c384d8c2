import type { CredentialRecord } from '@talosprotocol/contracts';
import {
  didKeyKeys,
  parsePossession,
  parseRequestProof,
  type VerifiedCapability,
  type VerifyContext,
  verifyCapability,
  verifyPossession,
  verifyProvenBody,
  verifyRequestProof,
  verifySignedBody,
} from '@talosprotocol/protocol';
import type { Authenticated, CredentialAuthority } from '../admission/ports.js';

/** Verifies proofs of one request with the protocol's own parts. */
export function createTestProofs({
  gateway,
  context,
  live,
  consumeNonce,
}: {
  readonly gateway: string;
  readonly context: () => VerifyContext;
  readonly live: (capability: VerifiedCapability, credential: CredentialRecord) => Authenticated;
  readonly consumeNonce: (nonce: string) => void;
}): CredentialAuthority['examineProof'] {
  return async (presented, { method, target, host, headers, rawHeaders }) => {
    const capability = await verifyCapability(presented.chain, context());
    const holder = didKeyKeys(capability.holder);
    const { cth } = capability;
    const { now, crypto } = context();
    if (presented.kind === 'proof') {
      const proof = parseRequestProof(presented.proof);
      const url = `http://${host}${target}`;
      verifyRequestProof(proof, { audience: gateway, method, url, cth, headers, holder }, { now, crypto });
      const { rid, iat } = proof.claims;
      return {
        capability,
        finish: async (body) => {
          verifyProvenBody(proof, body, { crypto, consumeNonce });
          const caller = live(capability, { kind: 'proof', cth, rid, proof: presented.proof });
          return { ...caller, provenAt: iat };
        },
      };
    }
    const request = { method, target, authority: host, headers: rawHeaders };
    const signed = verifyPossession(parsePossession(rawHeaders), request, { now, crypto, holder });
    return {
      capability,
      finish: async (body) => {
        verifySignedBody(signed, body, { crypto, consumeNonce });
        return live(capability, { kind: 'signature', cth, signature_hash: signed.hash });
      },
    };
  };
}
