import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type BelowRule,
  type Constraint,
  createChecker,
  FEED_HEARTBEAT_TYP,
  type Grant,
  Grant as GrantSchema,
  IssueCapabilityRequest,
  type ProblemCode,
} from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { type Anchors, parseAnchors } from './capability/anchor.js';
import { fromAuthorizationDetails, toAuthorizationDetails } from './capability/authorization-details.js';
import { authorize, firstOutOfReach } from './capability/authorize.js';
import { verifyBearer } from './capability/bearer.js';
import { compileGrant } from './capability/grant.js';
import { itemsOfCall, parseItems } from './capability/items.js';
import { type CallCost, type LimitTake, takesOf } from './capability/limits.js';
import { parseManifest, toolPin } from './capability/manifest.js';
import { compileOnly } from './capability/only.js';
import { verifyRevocation } from './capability/revocation.js';
import { coversScope, parseScope } from './capability/scope.js';
import type { RevocationCheck } from './capability/steps.js';
import { type VerifyContext, verifyCapability } from './capability/verify.js';
import { parseJws, verifyJwsSignature } from './crypto/jws.js';
import { parseJcs, verifyJcs } from './crypto/jws-jcs.js';
import { portableCrypto } from './crypto/portable.js';
import { decodeBase64url } from './encoding/base64url.js';
import { decodeCursor } from './encoding/cursor.js';
import { decodeHex, encodeHex } from './encoding/hex.js';
import { canonicalBytes, canonicalize } from './encoding/jcs.js';
import { type JsonObject, type JsonValue, parseJson } from './encoding/json.js';
import { parseTime } from './encoding/time.js';
import { encodeUtf8 } from './encoding/utf8.js';
import { uuidv7Time } from './encoding/uuid.js';
import { isTrustError, malformed, TrustError } from './error.js';
import { eventHash, parseEvent } from './evidence/event.js';
import { parseReceipt, verifyReceipt } from './evidence/receipt.js';
import { parseSplitView, verifySplitView } from './evidence/split-view.js';
import { parseTrustFile } from './evidence/trust-file.js';
import { verifyBundle } from './evidence/verify-bundle.js';
import { parsePossession, verifyPossession, verifySignedBody } from './http-signature/possession.js';
import { parseDidKey } from './identity/did-key.js';
import { didWebUrl } from './identity/did-web.js';
import { createDidResolver, didKeyKeys } from './identity/resolver.js';
import { verifyDeactivation, verifyRegistration, verifyRotation } from './identity/statement.js';
import { webvhLogUrl } from './identity/webvh/did.js';
import { parseCheckpoint, verifyCheckpoint } from './log/checkpoint.js';
import { openCommitment } from './log/commitment.js';
import { createTreeHasher } from './log/hash.js';
import { parseNote } from './log/note.js';
import { createNoteVerifier } from './log/note-key.js';
import { verifyConsistency, verifyInclusion } from './log/proof-check.js';
import { createWitnessPolicy } from './log/witness-policy.js';
import { createNodeCrypto } from './node/crypto.js';
import { verifyRevocationBelow } from './revocation/below.js';
import { createBelowRules } from './revocation/below-rules.js';
import { createFeedReader } from './revocation/feed-reader.js';
import { parseTalosAuthorization } from './session/authorization.js';
import { verifySessionGrant } from './session/grant.js';
import { readRequestHeaders } from './session/headers.js';
import { deriveSessionKey } from './session/key.js';
import { formatMacInput, isSessionMac } from './session/mac.js';
import { createNonces, type Nonces } from './session/nonce.js';
import { parseProof, verifyProof } from './session/pop.js';
import { parseRequestProof, verifyProvenBody, verifyRequestProof } from './session/proof-request.js';
import { decodeSessionId } from './session/sid.js';
import { createReplayWindow } from './session/window.js';

/** Members of inputs, as the comments of the files describe them; `never` fits every parameter. */
type Input = Readonly<
  Record<
    | 'agentEpk'
    | 'successor'
    | 'succession'
    | 'statement'
    | 'signature'
    | 'object'
    | 'identity'
    | 'former'
    | 'anchors'
    | 'arguments'
    | 'asks'
    | 'authorization'
    | 'body'
    | 'bundle'
    | 'chain'
    | 'checkpoint'
    | 'code'
    | 'commitment'
    | 'constraint'
    | 'cth'
    | 'details'
    | 'did'
    | 'disclosure'
    | 'event'
    | 'evidence'
    | 'floats'
    | 'gateway'
    | 'gatewayEpk'
    | 'grant'
    | 'headers'
    | 'host'
    | 'hex'
    | 'holder'
    | 'in'
    | 'index'
    | 'item'
    | 'items'
    | 'jws'
    | 'key'
    | 'leaf'
    | 'iss'
    | 'link'
    | 'manifest'
    | 'messages'
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
    | 'quorum'
    | 'raw'
    | 'receipt'
    | 'request'
    | 'revocation'
    | 'revoked'
    | 'role'
    | 'rules'
    | 'root'
    | 'scope'
    | 'secret'
    | 'seen'
    | 'seq'
    | 'server'
    | 'session'
    | 'sid'
    | 'size'
    | 'spent'
    | 'steps'
    | 'target'
    | 'text'
    | 'tool'
    | 'trust'
    | 'typ'
    | 'url'
    | 'vkey'
    | 'width'
    | 'witnesses',
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

interface NonceStep {
  readonly do: 'give' | 'use' | 'restart';
  readonly nonce: string;
  readonly at: number;
}

/** The letters of a case stand for the nonces that were given; one that was not is of another node. */
function usesOf(steps: readonly NonceStep[]): number {
  let now = 0;
  const random = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length));
  const start = (): Nonces => createNonces({ crypto, now: () => now, random });
  let node = start();
  const given = new Map<string, string>();
  let uses = 0;
  const act = (step: NonceStep): void => {
    now = step.at;
    if (step.do === 'restart') node = start();
    else if (step.do === 'give') given.set(step.nonce, node.issue().nonce);
    else {
      node.consume(given.get(step.nonce) ?? start().issue().nonce);
      uses++;
    }
  };
  for (const step of steps.slice(0, -1)) expect(() => act(step)).not.toThrow();
  for (const last of steps.slice(-1)) act(last);
  return uses;
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
  'request-proof': (input) => {
    const expected = {
      audience: input['gateway'],
      method: input['method'],
      url: input['url'],
      cth: input['cth'],
      headers: input['headers'],
      holder: didKeyKeys(input['holder']),
    };
    const consumeNonce = (nonce: string): void => {
      if (nonce !== input['nonce']) throw new TrustError('PROOF_INVALID', 'another nonce');
    };
    const proof = parseRequestProof(input['proof']);
    verifyRequestProof(proof, expected, { now: input['now'], crypto });
    verifyProvenBody(proof, encodeUtf8(input['body']), { crypto, consumeNonce });
    return { rid: proof.claims.rid };
  },
  'message-signature': (input) => {
    const { method, target, host: authority, raw: headers, now } = input;
    const request = { method, target, authority, headers };
    const consumeNonce = (nonce: string): void => {
      if (nonce !== input['nonce']) throw new TrustError('PROOF_INVALID', 'another nonce');
    };
    const parsed = parsePossession(headers);
    const proven = verifyPossession(parsed, request, { now, crypto, holder: didKeyKeys(input['holder']) });
    verifySignedBody(proven, encodeUtf8(input['body']), { crypto, consumeNonce });
    return { rid: proven.rid ?? null, hash: proven.hash };
  },
  nonce: ({ steps }) => ({ uses: usesOf(steps) }),
  'session-grant': (input) => {
    const expected = {
      gateway: didKeyKeys(input['gateway']),
      subject: input['holder'],
      proof: input['proof'],
    };
    const { claims, epk } = verifySessionGrant(input['session'], expected, { crypto });
    const { sid, exp, window } = claims;
    return { sid, exp, window, epk: encodeHex(epk) };
  },
  headers: ({ raw }) => readRequestHeaders(raw),
  'replay-window': ({ width, seen, seq }) => {
    const window = createReplayWindow(width);
    for (const number of seen as readonly number[]) expect(window.mark(number)).toBe('fresh');
    const verdict = window.check(seq);
    expect(window.mark(seq)).toBe(verdict);
    if (verdict !== 'fresh') throw new TrustError('REPLAY', verdict);
    return { highest: window.highest() };
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
const fileOf = (value: JsonValue): Uint8Array => canonicalBytes(value);

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
  cosignature: ({ checkpoint: note, origin, vkey, witnesses, quorum }) => {
    const policy = createWitnessPolicy(crypto, { witnesses, quorum });
    const log = { origin, keys: [createNoteVerifier(crypto, vkey)], witnesses: policy };
    const { cosignatures } = proven(() => verifyCheckpoint(note, log));
    return { cosigned: cosignatures.map(({ name, time }) => ({ name, time })) };
  },
  'split-view': ({ evidence, origin, vkey }) => {
    const log = { origin, keys: [createNoteVerifier(crypto, vkey)] };
    const { older, newer } = verifySplitView(parseSplitView(fileOf(evidence)), log, hasher);
    return { older: older.size, newer: newer.size };
  },
  receipt: ({ receipt, trust }) =>
    proven(() => {
      verifyReceipt(parseReceipt(fileOf(receipt)), parseTrustFile(fileOf(trust), crypto), crypto);
      return { proven: true };
    }),
  'trust-file': ({ text }) => {
    const { logs, exporters, emitters, anchors } = parseTrustFile(encodeUtf8(text), crypto);
    return Object.fromEntries(
      Object.entries({ logs: logs.keys(), exporters, emitters, anchors: anchors.keys() }).map(
        ([name, values]) => [name, [...values]],
      ),
    );
  },
  bundle: ({ bundle, trust }) => {
    verifyBundle(encodeUtf8(bundle), parseTrustFile(fileOf(trust), crypto), crypto);
    return { proven: true };
  },
};

const checkIssue = createChecker(IssueCapabilityRequest);

/** Statements of identities, and signed objects. */
const IDENTITY_RUNNERS: Readonly<Record<string, Runner>> = {
  registration: ({ identity, gateway, now, nonce, proof }) => ({
    claims: verifyRegistration(proof, identity, didKeyKeys((identity as { did: string }).did), {
      audience: gateway,
      now,
      crypto,
      consumeNonce: (one) => {
        if (one !== nonce) throw new TrustError('PROOF_INVALID', 'another nonce');
      },
    }),
  }),
  succession: ({ former, successor, gateway, now, statement, succession }) => {
    const keys = { former: didKeyKeys(former), successor: didKeyKeys(successor) };
    const { iss, sub } = verifyRotation({ statement, succession }, keys, { audience: gateway, now, crypto });
    return { former: iss, successor: sub };
  },
  deactivation: ({ identity, gateway, now, statement }) => {
    const { iss } = verifyDeactivation(statement, didKeyKeys(identity), { audience: gateway, now, crypto });
    return { iss };
  },
  'jws-jcs': ({ object, typ, publicKey, signature }) => {
    verifyJcs(parseJcs(object, signature, typ), decodeHex(publicKey), crypto);
    return { valid: true };
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
  'did-web': ({ did }) => ({ url: didWebUrl(did) }),
  'did-webvh': ({ did }) => ({ url: webvhLogUrl(did) }),
  ...IDENTITY_RUNNERS,
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
    const text: string | undefined = input['text'];
    const args = text === undefined ? input['arguments'] : parseJson(text, { floats: true });
    caveatsHold([input['constraint']], args as JsonObject);
    return { holds: true };
  },
  'authorization-details': ({ details }) => {
    const grants = fromAuthorizationDetails(details, crypto);
    expect(toAuthorizationDetails(grants)).toEqual(details);
    return { grants };
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
  limits: async (input) => {
    const takes = takesOf(
      await verifyCapability(input['chain'], contextOf(input)),
      input['asks'] as CallCost,
    );
    const spent = input['spent'] as readonly Pick<
      LimitTake,
      'key' | 'kind' | 'per' | 'amount' | 'currency'
    >[];
    const full = takes.find(({ key, kind, per, allowed, amount, currency }) =>
      spent.some(
        (one) =>
          one.key === key &&
          one.kind === kind &&
          one.per === per &&
          one.currency === currency &&
          one.amount + amount > allowed,
      ),
    );
    const large = full ?? takes.find(({ amount, allowed }) => amount > allowed);
    if (large !== undefined) {
      const code = large.kind === 'rate' ? 'RATE_LIMITED' : 'BUDGET_EXCEEDED';
      throw new TrustError(code, 'used up', { link: large.link });
    }
    return { takes: sorted(takes as unknown as JsonValue[]) };
  },
  reach: async (input) => {
    const verified = await verifyCapability(input['chain'], contextOf(input));
    const { source, resources } = parseManifest(input['manifest']);
    const ops = [...new Set([source.op, ...resources.map(({ op }) => op ?? source.op)])];
    const link = firstOutOfReach(verified, { server: input['server'], tool: input['tool'], ops });
    if (link !== undefined) throw new TrustError('SCOPE_MISMATCH', 'out of reach', { link });
    return { ops: sorted(ops) };
  },
  issue: ({ request }) => {
    const wrong = checkIssue(request);
    if (wrong !== undefined) throw malformed(wrong);
    return { key: !Object.hasOwn(request, 'sub') };
  },
  bearer: async (input) => ({ holder: (await verifyBearer(input['key'], contextOf(input))).holder }),
  revocation: (input) => verifyRevocation(input['revocation'], contextOf(input)),
  'revocation-below': async (input) => ({
    ...(await verifyRevocationBelow(input['revocation'], contextOf(input))),
  }),
  'below-rule': async (input) => {
    const rules = createBelowRules();
    for (const rule of input['rules'] as readonly BelowRule[]) rules.add(rule);
    const isRevoked: RevocationCheck = (_, index, links) => rules.since(index, links) !== undefined;
    return { holder: (await verifyCapability(input['chain'], { ...contextOf(input), isRevoked })).holder };
  },
  feed: (input) => {
    const items: JsonValue[] = [];
    const reader = createFeedReader({
      keys: () => didKeyKeys(input['iss']),
      crypto,
      clock: { now: () => input['now'] * 1000, monotonic: () => 0 },
      apply: (item) => void items.push(item as JsonValue),
    });
    const messages: readonly string[] = input['messages'];
    for (const message of messages) {
      if (parsesAs(message, FEED_HEARTBEAT_TYP)) reader.takeHeartbeat(message);
      else reader.takeEntry(message);
    }
    return items;
  },
  ...SESSION_RUNNERS,
  ...EVIDENCE_RUNNERS,
};

function parsesAs(jws: string, typ: string): boolean {
  try {
    return parseJws(jws, typ).header.typ === typ;
  } catch {
    return false;
  }
}

const sorted = (values: readonly JsonValue[]): JsonValue[] =>
  [...values].sort((a, b) => (canonicalize(a) < canonicalize(b) ? -1 : 1));

/** Members whose order means nothing. */
const SETS: Readonly<Record<string, string>> = { items: 'items', limits: 'takes', reach: 'ops' };

function unordered(noun: string, expected: JsonObject): JsonObject {
  const name = SETS[noun];
  return name === undefined ? expected : { ...expected, [name]: sorted(expected[name] as JsonValue[]) };
}

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

type Refusal = {
  readonly code: ProblemCode;
  readonly link?: number;
  readonly reason?: string;
  readonly caveat?: string;
};

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
      expect(await outcome(noun, input)).toEqual({ value: unordered(noun, input.expect) });
    });
  });
}

for (const [noun, { cases }] of readVectors('invalid')) {
  describe(`invalid ${noun}`, () => {
    it.each(cases)('$id ($spec)', async (input) => {
      const { code, link, reason, caveat } = input.expect as Refusal;
      const result = await outcome(noun, input);
      if (!('error' in result)) throw new Error(`accepted: ${JSON.stringify(result)}`);
      expect(result.error.code).toBe(code);
      if (link !== undefined) expect(result.error.data.link).toBe(link);
      if (reason !== undefined) expect(result.error.data.reason).toBe(reason);
      if (caveat !== undefined) expect(result.error.data.caveat).toBe(caveat);
    });
  });
}
