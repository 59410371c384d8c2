import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { jwtVerify } from 'jose';
import type { Contender } from '../runner.js';
import { expectDecision, folderOf, kindOf, scopeOf, scopeOfFolder } from './calls.js';
import { seconds } from './world.js';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://gateway.example';

/** JWTs with the same right in them, for libraries that know tokens but no capabilities. */
export interface Tokens {
  readonly texts: readonly string[];
  /** The same tokens, each with another signature. */
  readonly forged: string;
  readonly publicKey: KeyObject;
  readonly pem: string;
}

export function issueTokens(count: number): Tokens {
  const { privateKey } = generateKeyPairSync('ed25519');
  const publicKey = createPublicKey(privateKey);
  const header = encode({ alg: 'EdDSA', typ: 'at+jwt' });
  const texts = Array.from({ length: count }, (_, session) => {
    const input = `${header}.${encode(claimsOf(session))}`;
    return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
  });
  const [first = ''] = texts;
  const cut = first.lastIndexOf('.') + 10;
  const forged = `${first.slice(0, cut)}${first[cut] === 'A' ? 'B' : 'A'}${first.slice(cut + 1)}`;
  return { texts, forged, publicKey, pem: publicKey.export({ format: 'pem', type: 'spki' }) as string };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function claimsOf(session: number): object {
  const now = seconds();
  const grants = [{ scope: `${scopeOfFolder(folderOf(session))}/`, ops: ['read'] }];
  const times = { iat: now, nbf: now, exp: now + 3600 };
  return { iss: ISSUER, aud: AUDIENCE, sub: `agent-${session}`, jti: `token-${session}`, ...times, grants };
}

interface Claims {
  readonly grants: readonly { readonly scope: string; readonly ops: readonly string[] }[];
}

/** The least that its users would write behind the library: one prefix and one operation. */
function allows(claims: Claims, op: string, scope: string): boolean {
  return claims.grants.some((grant) => grant.ops.includes(op) && scope.startsWith(grant.scope));
}

/** `fast-jwt`. With a cache it holds every token, so that each verification but the first is a look-up. */
export function fastJwt(tokens: Tokens, order: Uint32Array, cache: boolean): Contender {
  const verify = createVerifier({
    key: tokens.pem,
    algorithms: ['EdDSA'],
    allowedIss: ISSUER,
    allowedAud: AUDIENCE,
    checkTyp: 'at+jwt',
    cache: cache ? tokens.texts.length * 2 : false,
    ...(cache ? { cacheTTL: 3_600_000 } : {}),
  });
  if (cache) for (const token of tokens.texts) verify(token);
  const name = cache ? 'fast-jwt-cache' : 'fast-jwt';
  let at = 0;
  const decide = (token: string, op: string, scope: string): boolean => {
    try {
      return allows(verify(token) as Claims, op, scope);
    } catch {
      return false;
    }
  };
  return {
    name,
    run(count) {
      for (let i = 0; i < count; i += 1, at += 1) {
        const { token, op, scope, kind, expected } = callAt(tokens, order, at);
        expectDecision(decide(token, op, scope) === expected, name, kind);
      }
    },
  };
}

/** `jose`, which verifies the signature each time. */
export function jose(tokens: Tokens, order: Uint32Array): Contender {
  const options = { algorithms: ['EdDSA'], issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt' };
  let at = 0;
  const decide = async (token: string, op: string, scope: string): Promise<boolean> => {
    try {
      const { payload } = await jwtVerify<Claims>(token, tokens.publicKey, options);
      return allows(payload, op, scope);
    } catch {
      return false;
    }
  };
  return {
    name: 'jose',
    async run(count) {
      for (let i = 0; i < count; i += 1, at += 1) {
        const { token, op, scope, kind, expected } = callAt(tokens, order, at);
        expectDecision((await decide(token, op, scope)) === expected, 'jose', kind);
      }
    },
  };
}

/** The call a peer decides at this place of the mix. Tokens alone cannot tell a replay, so it passes. */
function callAt(tokens: Tokens, order: Uint32Array, at: number) {
  const session = (order[at % order.length] as number) % tokens.texts.length;
  const kind = kindOf(at);
  return {
    token: kind === 'forged' ? tokens.forged : (tokens.texts[session] as string),
    op: kind === 'write' ? 'write' : 'read',
    scope: scopeOf(session, kind),
    kind,
    expected: kind === 'allowed' || kind === 'replay',
  };
}
