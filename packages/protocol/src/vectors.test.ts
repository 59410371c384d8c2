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
import { parseManifest, toolPin } from './capability/manifest.js';
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
import { encodeUtf8 } from './encoding/utf8.js';
import { uuidv7Time } from './encoding/uuid.js';
import { isTrustError, malformed, TrustError } from './error.js';
import { eventHash, parseEvent } from './evidence/event.js';
import { parseReceipt, verifyReceipt } from './evidence/receipt.js';
import { parseTrustFile } from './evidence/trust-file.js';
import { verifyBundle } from './evidence/verify-bundle.js';
import { parseDidKey } from './identity/did-key.js';
import { createDidResolver, didKeyKeys } from './identity/resolver.js';
import { parseCheckpoint, verifyCheckpoint } from './log/checkpoint.js';
import { openCommitment } from './log/commitment.js';
import { createTreeHasher } from './log/hash.js';
import { parseNote } from './log/note.js';
import { createNoteVerifier } from './log/note-key.js';
import { verifyConsistency, verifyInclusion } from './log/proof-check.js';
import { createNodeCrypto } from './node/crypto.js';
import { parseTalosAuthorization } from './session/authorization.js';
import { deriveSessionKey } from './session/key.js';
import { formatMacInput, isSessionMac } from './session/mac.js';
import { parseProof, verifyProof } from './session/pop.js';
import { decodeSessionId } from './session/sid.js';

/** Members of inputs, as the comments of the files describe them; `never` fits every parameter. */
type Input = Readonly<
  Record<
    | 'agentEpk'
    | 'anchors'
    | 'arguments'
    | 'authorization'
    | 'body'
    | 'bundle'
    | 'chain'
    | 'checkpoint'
    | 'code'
    | 'commitment'
    | 'constraint'
    | 'cth'
    | 'did'
    | 'disclosure'
    | 'event'
    | 'floats'
    | 'gateway'
    | 'gatewayEpk'
    | 'grant'
    | 'headers'
    | 'hex'
    | 'holder'
    | 'in'
    | 'index'
    | 'item'
    | 'items'
    | 'jws'
    | 'key'
    | 'leaf'
    | 'link'
    | 'manifest'
    | 'method'
    | 'newRoot'
    | 'newSize'
    | 'nonce'
    | 'now'
    | 'oldRoot'
    | 'oldSize'
    | 'only'
    | 'origin'
    | 'pin'
    | 'proof'
    | 'publicKey'
    | 'receipt'
    | 'revocation'
    | 'revoked'
    | 'role'
    | 'root'
    | 'scope'
    | 'secret'
    | 'server'
    | 'sid'
    | 'size'
    | 'target'
    | 'text'
    | 'tool'
    | 'trust'
    | 'typ'
    | 'url'
    | 'vkey',
    never
  >
>;

/** A case of a vector file. */
type Case = Input & { readonly id: string; readonly spec: string; readonly expect: JsonObject };
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

/** The two sides of a session. */
const SESSION_RUNNERS: Readonly<Record<string, Runner>> = {
  proof: (input) => {
    const expected = {
      audience: input['gateway'],
      method: input['method'],
      url: input['url'],
      cth: input['cth'],
      holder: didKeyKeys(input['holder']),
    };
    const consumeNonce = (nonce: string): void => {
      if (nonce !== input['nonce']) throw new TrustError('PROOF_INVALID', 'another nonce');
    };
    const { epk } = verifyProof(parseProof(input['proof']), expected, {
      now: input['now'],
      crypto,
      consumeNonce,
    });
    return { epk: encodeHex(epk) };
  },
  'session-id': ({ sid }) => {
    const { random, ...parts } = decodeSessionId(sid);
    return { ...parts, random: encodeHex(random) };
  },
  'session-key': (input) => {
    const { role, cth, sid } = input;
    const [secret, agentEpk, gatewayEpk] = (['secret', 'agentEpk', 'gatewayEpk'] as const).map((name) =>
      decodeHex(input[name]),
    );
    const keys = { secret, agentEpk, gatewayEpk } as Record<'secret' | 'agentEpk' | 'gatewayEpk', Uint8Array>;
    return { key: encodeHex(deriveSessionKey({ role, cth, sid, ...keys }, crypto)) };
  },
  mac: (input) => {
    const { gateway, method, target, headers } = input;
    const { mac, ...claimed } = parseTalosAuthorization(input['authorization']);
    const bodyHash = crypto.sha256Hex(encodeUtf8(input['body']));
    const fields = { ...claimed, gateway, method, target, headers, bodyHash };
    if (!isSessionMac(mac, decodeHex(input['key']), fields, crypto))
      throw new TrustError('PROOF_INVALID', 'mac');
    return { message: formatMacInput(fields) };
  },
};

/** A verifier says only that something is not proven, whatever is wrong (AUD-24). */
function proven<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    throw new TrustError('PROOF_NOT_PROVEN', error.message);
  }
}

const hasher = createTreeHasher(crypto.sha256);
const hexes = (values: readonly string[]): Uint8Array[] => values.map((value) => decodeHex(value));
const fileOf = (value: JsonValue): Uint8Array => encodeUtf8(canonicalize(value));

const EVIDENCE_RUNNERS: Readonly<Record<string, Runner>> = {
  pin: (input) => {
    const { server, tool } = input;
    const pin = toolPin({ server, tool, manifest: parseManifest(input['manifest']) }, crypto);
    if (Object.hasOwn(input, 'pin') && input['pin'] !== pin)
      throw new TrustError('TOOL_CHANGED', 'another pin');
    return { pin };
  },
  commitment: (input) => {
    openCommitment(input['commitment'], input['disclosure'], crypto);
    return { value: (input['disclosure'] as { value: unknown }).value };
  },
  event: ({ event }) => ({ hash: eventHash(parseEvent(event), crypto) }),
  inclusion: (input) => {
    const { index, size } = input;
    const leafHash = hasher.leaf(decodeHex(input['leaf']));
    verifyInclusion(hasher, {
      index,
      size,
      leafHash,
      root: decodeHex(input['root']),
      proof: hexes(input['proof']),
    });
    return { included: true };
  },
  consistency: (input) => {
    const { oldSize, newSize } = input;
    const [oldRoot, newRoot] = hexes([input['oldRoot'], input['newRoot']]) as [Uint8Array, Uint8Array];
    verifyConsistency(hasher, { oldSize, newSize, oldRoot, newRoot, proof: hexes(input['proof']) });
    return { consistent: true };
  },
  checkpoint: (input) => {
    const { origin, checkpoint: note } = input;
    parseCheckpoint(parseNote(note).text);
    const keys = [createNoteVerifier(crypto, input['vkey'])];
    const { size, root } = proven(() => verifyCheckpoint(note, { origin, keys }));
    return { size, root: encodeHex(root) };
  },
  receipt: ({ receipt, trust }) =>
    proven(() => {
      verifyReceipt(parseReceipt(fileOf(receipt)), parseTrustFile(fileOf(trust), crypto), crypto);
      return { proven: true };
    }),
  bundle: ({ bundle, trust }) => {
    verifyBundle(encodeUtf8(bundle), parseTrustFile(fileOf(trust), crypto), crypto);
    return { proven: true };
  },
};

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
  ...SESSION_RUNNERS,
  ...EVIDENCE_RUNNERS,
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
