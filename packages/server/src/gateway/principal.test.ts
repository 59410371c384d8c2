import { createSigner, issueCapability, parseAnchors, verifyCapabilityAsOf } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { principalName, principalOf } from './principal.js';

const crypto = createNodeCrypto();
const NOW = 1_800_000_000;
const grants = [{ scope: 'llm:*', ops: ['read' as const] }];
const signer = (byte: number) => createSigner(new Uint8Array(32).fill(byte), crypto);
const [ours, others, ann, bob] = [1, 2, 3, 4].map(signer);

function held(issuer = ours!, sub = ann!, prn?: string) {
  const deps = { crypto, now: () => NOW, randomBytes: (length: number) => new Uint8Array(length) };
  const options = { sub: sub.did, aud: [ours!.did], grants, exp: NOW + 60, ...(prn ? { prn } : {}) };
  const anchors = parseAnchors(
    [ours!, others!].map(({ did }) => ({ iss: did, tenant: 'default', grants })),
    crypto,
  );
  const chain = issueCapability(options, issuer, deps);
  return verifyCapabilityAsOf(chain, { time: NOW, anchors, crypto });
}

// LLM-34, LIM-1
describe('whoever a call is made for', () => {
  it('is the holder of the root, or whom its issuer names', () => {
    expect(principalOf(held())).toBe(ann!.did);
    expect(principalName(held())).toBe(ann!.did);
    expect(principalName(held(ours!, bob!, 'ann'))).toBe('ann');
    expect(principalOf(held(ours!, bob!, 'ann'))).toBe(principalOf(held(ours!, ann!, 'ann')));
  });

  it('is nobody whom another issuer names the same, nor the holder of that DID', () => {
    const named = ['ann', ann!.did].flatMap((prn) =>
      [ours!, others!].map((issuer) => principalOf(held(issuer, bob!, prn))),
    );
    expect(new Set([...named, principalOf(held())]).size).toBe(5);
  });
});
