import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type Constraint,
  createChecker,
  type Grant,
  Grant as GrantSchema,
  type ProblemCode,
} from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { type Anchors, parseAnchors } from './capability/anchor.js';
import { authorize } from './capability/authorize.js';
import { verifyBearer } from './capability/bearer.js';
import { compileGrant } from './capability/grant.js';
import { itemsOfCall, parseItems } from './capability/items.js';
import { parseManifest } from './capability/manifest.js';
import { compileOnly } from './capability/only.js';
import { verifyRevocation } from './capability/revocation.js';
import { coversScope, parseScope } from './capability/scope.js';
import { type VerifyContext, verifyCapability } from './capability/verify.js';
import { parseJws, verifyJwsSignature } from './crypto/jws.js';
import { portableCrypto } from './crypto/portable.js';
import { decodeBase64url } from './encoding/base64url.js';
import { decodeCursor } from './encoding/cursor.js';
import { decodeHex, encodeHex } from './encoding/hex.js';
import { canonicalize } from './encoding/jcs.js';
import { type JsonObject, type JsonValue, parseJson } from './encoding/json.js';
import { parseTime } from './encoding/time.js';
import { uuidv7Time } from './encoding/uuid.js';
import { isTrustError, malformed, TrustError } from './error.js';
import { parseDidKey } from './identity/did-key.js';
import { createDidResolver } from './identity/resolver.js';
import { createNodeCrypto } from './node/crypto.js';

/** A case of a vector file; its members are described in the file's comment. */
type Case = { readonly id: string; readonly spec: string; readonly expect: JsonObject } & Record<
  string,
  never
>;
interface VectorFile {
  readonly comment: string;
  readonly cases: readonly Case[];
}
type Runner = (input: Case) => unknown;

const FOLDER = fileURLToPath(new URL('../../contracts/vectors', import.meta.url));
const crypto = createNodeCrypto();

/** A constraint alone, judged as the only caveat of a grant. */
function caveatsHold(where: readonly Constraint[], args: JsonObject): void {
  const grant = { scope: 'tool:fs', ops: ['read'], where } as unknown as Grant;
  const wrong = createChecker(GrantSchema)(grant);
  if (wrong !== undefined) throw malformed(wrong);
  const caveat = compileGrant(grant, crypto).brokenCaveat(args);
  if (caveat !== undefined) throw new TrustError('CONSTRAINT_VIOLATED', caveat);
}

const anchorsOf = (values: readonly unknown[]): Anchors => parseAnchors(values, crypto);

function contextOf(input: Case): VerifyContext {
  const revoked = new Set<string>(input['revoked']);
  return {
    now: input['now'],
    audience: input['gateway'],
    anchors: anchorsOf(input['anchors']),
    isRevoked: (lid) => revoked.has(lid),
    resolver: createDidResolver({ now: () => input['now'] }),
    crypto,
  };
}

/** What each noun's cases are run with: gives what `expect` holds, or throws a TrustError with the code. */
const RUNNERS: Readonly<Record<string, Runner>> = {
  base64url: ({ text }) => ({ hex: encodeHex(decodeBase64url(text)) }),
  json: ({ hex, floats }) => ({ jcs: canonicalize(parseJson(decodeHex(hex), { floats })) }),
  jcs: ({ text, expect: wanted }) => {
    const jcs = canonicalize(parseJson(text));
    if (jcs !== text && !Object.hasOwn(wanted, 'jcs')) throw malformed('not canonical');
    return { jcs };
  },
  time: ({ text }) => ({ ms: parseTime(text) }),
  uuid: ({ text }) => ({ ms: uuidv7Time(text) }),
  cursor: ({ text }) => decodeCursor(text),
  'did-key': ({ did }) => ({ hex: encodeHex(parseDidKey(did)) }),
  jws: (input) => {
    const parsed = parseJws(input['jws'], input['typ']);
    for (const provider of [crypto, portableCrypto]) {
      verifyJwsSignature(parsed, decodeHex(input['publicKey']), provider);
    }
    return { claims: parsed.claims };
  },
  scope: (input) => ({ scope: parseScope(input['scope'], input['in']).text }),
  covers: ({ grant, item }) => {
    if (!coversScope(parseScope(grant, 'grant'), parseScope(item, 'item').text)) {
      throw new TrustError('SCOPE_MISMATCH', 'not covered');
    }
    return { covers: true };
  },
  constraint: (input) => {
    caveatsHold([input['constraint']], input['arguments']);
    return { holds: true };
  },
  only: (input) => {
    if (!compileOnly(input['only'])(input['arguments'])) throw new TrustError('CONSTRAINT_VIOLATED', 'only');
    return { holds: true };
  },
  items: (input) => {
    const { server, tool } = input;
    const items = itemsOfCall({
      server,
      tool,
      manifest: parseManifest(input['manifest']),
      arguments: input['arguments'],
    });
    return { items: sorted(items as unknown as JsonValue[]) };
  },
  chain: async (input) => {
    const verified = await verifyCapability(input['chain'], contextOf(input));
    return { lids: verified.links.map(({ lid }) => lid), cth: verified.cth, holder: verified.holder };
  },
  authorize: async (input) => {
    const verified = await verifyCapability(input['chain'], contextOf(input));
    const decision = authorize(verified, parseItems(input['items']), input['arguments']);
    if (decision.effect === 'allow') return decision;
    const { code, link } = decision;
    throw new TrustError(code, 'denied', link === undefined ? {} : { link });
  },
  bearer: async (input) => ({ holder: (await verifyBearer(input['key'], contextOf(input))).holder }),
  revocation: (input) => verifyRevocation(input['revocation'], contextOf(input)),
};

const sorted = (values: readonly JsonValue[]): JsonValue[] =>
  [...values].sort((a, b) => (canonicalize(a) < canonicalize(b) ? -1 : 1));

function readVectors(kind: 'valid' | 'invalid'): [noun: string, file: VectorFile][] {
  const names = readdirSync(`${FOLDER}/${kind}`).filter((name) => name.endsWith('.json'));
  return names.map((name) => [
    name.slice(0, -'.json'.length),
    JSON.parse(readFileSync(`${FOLDER}/${kind}/${name}`, 'utf8')) as VectorFile,
  ]);
}

async function outcome(noun: string, input: Case): Promise<{ value: unknown } | { error: TrustError }> {
  const run = RUNNERS[noun];
  if (run === undefined) throw new Error(`no runner for ${noun}`);
  try {
    return { value: await run(input) };
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return { error };
  }
}

describe('vectors', () => {
  it('each have a runner', () => {
    const nouns = [...readVectors('valid'), ...readVectors('invalid')].map(([noun]) => noun);
    expect([...new Set(nouns)].filter((noun) => !Object.hasOwn(RUNNERS, noun))).toEqual([]);
    expect(Object.keys(RUNNERS).filter((noun) => !nouns.includes(noun))).toEqual([]);
  });
});

for (const [noun, { cases }] of readVectors('valid')) {
  describe(`valid ${noun}`, () => {
    it.each(cases)('$id ($spec)', async (input) => {
      const wanted =
        noun === 'items' ? { items: sorted(input.expect['items'] as JsonValue[]) } : input.expect;
      expect(await outcome(noun, input)).toEqual({ value: wanted });
    });
  });
}

for (const [noun, { cases }] of readVectors('invalid')) {
  describe(`invalid ${noun}`, () => {
    it.each(cases)('$id ($spec)', async (input) => {
      const { code, link } = input.expect as { code: ProblemCode; link?: number };
      const result = await outcome(noun, input);
      if (!('error' in result)) throw new Error(`accepted: ${JSON.stringify(result)}`);
      expect(result.error.code).toBe(code);
      if (link !== undefined) expect(result.error.data.link).toBe(link);
    });
  });
}
