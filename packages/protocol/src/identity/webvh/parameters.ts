import { isJsonObject, type JsonObject, type JsonValue } from '../../encoding/json.js';
import { malformed } from '../../error.js';
import { parseDidKey } from '../did-key.js';
import { isScid } from './did.js';

/** Who must approve entries: at least `threshold` of the witnesses. */
export interface WebvhWitnesses {
  readonly threshold: number;
  /** `did:key`, each once. */
  readonly witnesses: readonly string[];
}

/** The parameters in force once an entry is published (did:webvh 1.0, DID Method Parameters). */
export interface WebvhParameters {
  readonly scid: string;
  /** Multikeys that may sign the next entry; without pre-rotation. */
  readonly updateKeys: readonly string[];
  /** Hashes of the keys that may sign the next entry; empty without pre-rotation. */
  readonly nextKeyHashes: readonly string[];
  readonly witness: WebvhWitnesses | undefined;
  readonly watchers: readonly string[];
  readonly portable: boolean;
  readonly deactivated: boolean;
  /** How long, in seconds, its controller wants the DID to be cached. */
  readonly ttl: number;
}

/** The version of the method that is understood. */
export const WEBVH_METHOD = 'did:webvh:1.0';
const MAX_KEYS = 32;
const MAX_WITNESSES = 32;
const MAX_WATCHERS = 32;
const MAX_TTL = 2 ** 31;
const MULTIKEY = /^z[1-9A-HJ-NP-Za-km-z]{1,255}$/;
const DEFAULTS: JsonObject = { updateKeys: [], nextKeyHashes: [], witness: {}, watchers: [], ttl: 3600 };
const FIRST_ONLY = ['method', 'scid', 'updateKeys'];
const NAMES = [...FIRST_ONLY, 'nextKeyHashes', 'witness', 'watchers', 'portable', 'deactivated', 'ttl'];

/** Reads what an entry states over what was in force before it; without `before` it is the first entry. Closed: an
 *  unknown parameter is refused, `weight` of a witness (of earlier drafts) among them. `null` is read as the default,
 *  as early logs wrote it.
 *  @throws {TrustError} MALFORMED */
export function parseParameters(stated: JsonObject, before: WebvhParameters | undefined): WebvhParameters {
  if (Object.keys(stated).some((name) => !NAMES.includes(name)))
    throw malformed('a did:webvh entry with an unknown parameter');
  checkFirst(stated, before);
  const value = (name: string): JsonValue | undefined =>
    stated[name] === null && Object.hasOwn(DEFAULTS, name) ? DEFAULTS[name] : stated[name];
  const has = (name: string): boolean => Object.hasOwn(stated, name);
  return {
    scid: before?.scid ?? (stated['scid'] as string),
    updateKeys:
      has('updateKeys') || before === undefined ? parseKeys(value('updateKeys')) : before.updateKeys,
    nextKeyHashes: has('nextKeyHashes') ? parseHashes(value('nextKeyHashes')) : (before?.nextKeyHashes ?? []),
    witness: has('witness') ? parseWitnesses(value('witness')) : before?.witness,
    watchers: has('watchers')
      ? strings(value('watchers'), MAX_WATCHERS, 'watchers')
      : (before?.watchers ?? []),
    portable: parsePortable(stated, before),
    deactivated: has('deactivated') && parseBoolean(stated['deactivated'], 'deactivated'),
    ttl: has('ttl') ? parseTtl(value('ttl')) : (before?.ttl ?? 3600),
  };
}

function checkFirst(stated: JsonObject, before: WebvhParameters | undefined): void {
  if (before === undefined && FIRST_ONLY.some((name) => !Object.hasOwn(stated, name)))
    throw malformed('a first did:webvh entry without method, scid or updateKeys');
  if (Object.hasOwn(stated, 'method') && stated['method'] !== WEBVH_METHOD)
    throw malformed(`a did:webvh log of another method version than ${WEBVH_METHOD}`);
  if (before !== undefined && Object.hasOwn(stated, 'scid'))
    throw malformed('a scid in a later did:webvh entry');
  if (before === undefined && !(typeof stated['scid'] === 'string' && isScid(stated['scid'])))
    throw malformed('a did:webvh log with a bad scid');
}

/** Portability is declared in the first entry or never. */
function parsePortable(stated: JsonObject, before: WebvhParameters | undefined): boolean {
  if (!Object.hasOwn(stated, 'portable')) return before?.portable ?? false;
  const portable = parseBoolean(stated['portable'], 'portable');
  if (portable && before?.portable === false) throw malformed('a did:webvh that became portable later');
  return portable;
}

/** Keys of other types may be listed, as none of them can have signed. */
function parseKeys(value: JsonValue | undefined): readonly string[] {
  const keys = strings(value, MAX_KEYS, 'updateKeys');
  if (!keys.every((key) => MULTIKEY.test(key))) throw malformed('an update key that is no Multikey');
  return keys;
}

/** Any text: a controller may mix in what is no hash. */
function parseHashes(value: JsonValue | undefined): readonly string[] {
  return strings(value, MAX_KEYS, 'nextKeyHashes');
}

function parseWitnesses(value: JsonValue | undefined): WebvhWitnesses | undefined {
  if (!isJsonObject(value)) throw malformed('a witness parameter that is not an object');
  if (Object.keys(value).length === 0) return undefined;
  const { threshold, witnesses, ...rest } = value;
  if (Object.keys(rest).length > 0 || !Array.isArray(witnesses))
    throw malformed('a witness parameter of another form');
  if (witnesses.length > MAX_WITNESSES) throw malformed(`more than ${MAX_WITNESSES} witnesses`);
  const ids = (witnesses as readonly JsonValue[]).map(parseWitness);
  if (new Set(ids).size < ids.length) throw malformed('a witness named twice');
  if (!(Number.isSafeInteger(threshold) && (threshold as number) >= 1 && (threshold as number) <= ids.length))
    throw malformed('a witness threshold that is not between 1 and the number of witnesses');
  return { threshold: threshold as number, witnesses: ids };
}

function parseWitness(value: JsonValue): string {
  if (!isJsonObject(value) || typeof value['id'] !== 'string' || Object.keys(value).length !== 1)
    throw malformed('a witness that is more or less than an id');
  parseDidKey(value['id']);
  return value['id'];
}

function parseTtl(value: JsonValue | undefined): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TTL)
    return value as number;
  throw malformed('a ttl outside 0 to 2^31');
}

function parseBoolean(value: JsonValue | undefined, name: string): boolean {
  if (typeof value === 'boolean') return value;
  throw malformed(`a did:webvh entry whose ${name} is not a boolean`);
}

/** A list of different texts. */
function strings(value: JsonValue | undefined, max: number, name: string): readonly string[] {
  const isList = Array.isArray(value) && value.length <= max && new Set(value).size === value.length;
  if (isList && value.every((one) => typeof one === 'string' && one.length <= 1024)) return value;
  throw malformed(`a did:webvh entry with bad ${name}`);
}
