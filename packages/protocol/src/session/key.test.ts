import { hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { deriveSessionKey } from './key.js';

const agent = new Uint8Array(32).fill(3);
const gateway = new Uint8Array(32).fill(4);
const agentEpk = portableCrypto.x25519PublicKey(agent);
const gatewayEpk = portableCrypto.x25519PublicKey(gateway);
const salt = new Uint8Array(32).fill(5);
const sid = `ses_${'A'.repeat(38)}`;
const common = { agentEpk, gatewayEpk, cth: encodeBase64url(salt), sid };
const ofAgent = { ...common, secret: agent, role: 'agent' } as const;
const ofGateway = { ...common, secret: gateway, role: 'gateway' } as const;
const malformed = expect.objectContaining({ code: 'MALFORMED' });

describe('session key (SES-5)', () => {
  it('is the same on both sides', () => {
    const key = deriveSessionKey(ofAgent, portableCrypto);
    expect(key).toHaveLength(32);
    expect(deriveSessionKey(ofGateway, portableCrypto)).toEqual(key);
  });

  it('is HKDF over the bytes the spec names', () => {
    const shared = portableCrypto.x25519(agent, gatewayEpk);
    const info = Buffer.concat([Buffer.from(`talos-session-key-v1\n${sid}\n`), agentEpk, gatewayEpk]);
    const expected = Buffer.from(hkdfSync('sha256', shared, salt, info, 32));
    expect(Buffer.from(deriveSessionKey(ofAgent, portableCrypto))).toEqual(expected);
  });

  it.each([
    ['session', { sid: `ses_${'B'.repeat(38)}` }],
    ['capability', { cth: encodeBase64url(new Uint8Array(32)) }],
    ['agent key', { agentEpk: portableCrypto.x25519PublicKey(new Uint8Array(32).fill(9)) }],
    ['gateway key', { gatewayEpk: portableCrypto.x25519PublicKey(new Uint8Array(32).fill(9)) }],
  ])('changes with the %s', (_, change) => {
    expect(deriveSessionKey({ ...ofAgent, ...change }, portableCrypto)).not.toEqual(
      deriveSessionKey(ofAgent, portableCrypto),
    );
  });

  it('refuses keys whose shared secret everyone knows (ID-7)', () => {
    expect(() => deriveSessionKey({ ...ofGateway, agentEpk: new Uint8Array(32) }, portableCrypto)).toThrow(
      malformed,
    );
    const one = new Uint8Array(32);
    one[0] = 1;
    expect(() => deriveSessionKey({ ...ofAgent, gatewayEpk: one }, portableCrypto)).toThrow(malformed);
  });

  it.each([
    ['own epk', { agentEpk: agentEpk.subarray(1) }],
    ['other epk', { gatewayEpk: new Uint8Array(33) }],
    ['cth', { cth: encodeBase64url(new Uint8Array(31)) }],
    ['cth alphabet', { cth: '!'.repeat(43) }],
  ])('refuses a wrong %s', (_, change) => {
    expect(() => deriveSessionKey({ ...ofAgent, ...change }, portableCrypto)).toThrow(malformed);
  });
});
