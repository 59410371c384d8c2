import type { LookupFunction } from 'node:net';
import type { GuardPlace } from '@talosprotocol/contracts';
import { isJsonObject, type JsonValue, parseJsonObject, TrustError } from '@talosprotocol/protocol';
import { Agent, request } from 'undici';
import { createOutwardLookup } from '../../platform/outward-address.js';
import { readAll } from '../../platform/read-all.js';
import type { Secret } from '../../platform/secret.js';
import type { Finding } from './detect/finding.js';
import type { ExternalGuard } from './guard.js';

/** Asks another service about texts. @throws {TrustError} UNAVAILABLE: it has no answer, or one that is none */
export type ExternalClient = (
  guard: ExternalGuard,
  place: GuardPlace,
  texts: readonly string[],
) => Promise<readonly (readonly Finding[])[]>;

const MAX_ANSWER = 1_048_576;
/** As many kinds are told apart in a verdict. */
const MOST_TYPES = 64;
const TYPE = /^[a-z][a-z0-9-]{0,31}$/;

/** Builds it (GRD-6). Redirects are not followed: whoever answers with one would be sent what is to be guarded. */
export function createExternalClient(
  secret: (name: string) => Promise<Secret<string> | undefined>,
  lookup: LookupFunction = createOutwardLookup(),
): {
  readonly ask: ExternalClient;
  close(): Promise<void>;
} {
  const agent = new Agent({ connect: { lookup }, keepAliveTimeout: 30_000, maxHeaderSize: 32_768 });
  return {
    ask: async (guard, place, texts) => {
      const { name, url, key, timeoutMs } = guard;
      const shown = key === undefined ? undefined : await secret(key);
      if (key !== undefined && shown === undefined)
        throw unavailable(`the key of the guard ${name} is missing`);
      const signal = AbortSignal.timeout(timeoutMs);
      const headers = {
        'content-type': 'application/json',
        ...(shown && { authorization: `Bearer ${shown.reveal()}` }),
      };
      const body = JSON.stringify({ guard: name, place, texts });
      const answer = await request(url, { method: 'POST', dispatcher: agent, headers, body, signal }).catch(
        (error: unknown) => Promise.reject(unavailable(`the guard ${name} did not answer`, error)),
      );
      answer.body.on('error', () => undefined);
      if (answer.statusCode !== 200) {
        answer.body.destroy();
        throw unavailable(`the guard ${name} answered ${answer.statusCode}`);
      }
      try {
        const text = await readAll(answer.body, { maxBytes: MAX_ANSWER });
        return findingsOf(
          parseJsonObject(Buffer.from(text), { floats: true, maxBytes: MAX_ANSWER })['findings'],
          texts,
        );
      } catch (error) {
        throw unavailable(`the guard ${name} answered what is no answer`, error);
      }
    },
    close: () => agent.destroy(),
  };
}

function unavailable(reason: string, cause?: unknown): TrustError {
  return new TrustError('UNAVAILABLE', reason, {}, cause);
}

/** `[{ "text": index, "type", "start"?, "end"? }]`; without a place it is the whole text. @throws if it is none */
function findingsOf(list: JsonValue | undefined, texts: readonly string[]): Finding[][] {
  if (!Array.isArray(list)) throw new TypeError('no list of findings');
  const out: Finding[][] = texts.map(() => []);
  const types = new Set<string>();
  for (const one of list) {
    if (!isJsonObject(one)) throw new TypeError('no finding');
    const { text: index, type } = one;
    const text = typeof index === 'number' ? texts[index] : undefined;
    if (text === undefined || typeof type !== 'string' || !TYPE.test(type)) throw new TypeError('no finding');
    const { start = 0, end = text.length } = one;
    if (!isPlace(start, end, text)) throw new TypeError('no place of a text');
    types.add(type);
    if (types.size > MOST_TYPES) throw new TypeError('too many kinds of findings');
    out[index as number]?.push({ type, start: start as number, end: end as number });
  }
  return out;
}

function isPlace(start: JsonValue, end: JsonValue, text: string): boolean {
  if (typeof start !== 'number' || typeof end !== 'number') return false;
  if (!Number.isInteger(start) || !Number.isInteger(end)) return false;
  if (start < 0 || start >= end || end > text.length) return false;
  // Whoever counts characters, or bytes, has found something else than what would be masked.
  return !isWithinCharacter(text, start) && !isWithinCharacter(text, end);
}

function isWithinCharacter(text: string, at: number): boolean {
  return at > 0 && (text.codePointAt(at - 1) ?? 0) > 0xffff;
}
