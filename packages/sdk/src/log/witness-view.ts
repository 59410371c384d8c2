import { createChecker, SplitView } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createTreeHasher,
  isTrustError,
  type JsonValue,
  parseJson,
  TrustError,
  type TrustedLog,
  verifyCheckpoint,
  verifySplitView,
} from '@talosprotocol/protocol';
import type { LogView, NotedCheckpoint } from './log-client.js';
import { createLogFiles, type LogFilesOptions } from './log-files.js';

/** What a view of a witness is made of. */
export interface WitnessViewOptions extends LogFilesOptions {
  /** The log whose checkpoints count. */
  readonly log: TrustedLog;
  readonly crypto: Pick<CryptoProvider, 'sha256'>;
}

/** Both answers hold notes of up to 64 KiB. */
const MAX_ANSWER = 8_388_608;
const check = createChecker(SplitView);

/** A log as a Talos witness saw it last (AUD-30). It has no tiles; what the log signed is taken, not the witness's word.
 *  @throws {TypeError} a URL that is none */
export function createWitnessView(options: WitnessViewOptions): LogView {
  const { log } = options;
  const files = createLogFiles(options);
  const hasher = createTreeHasher(options.crypto.sha256);
  const verify = (note: string): NotedCheckpoint => ({ note, checkpoint: verifyCheckpoint(note, log) });
  const ask = async (path: string): Promise<JsonValue> => {
    const bytes = await files.read(path, MAX_ANSWER);
    if (bytes === undefined) throw new TrustError('NOT_FOUND', `${files.url}${path} is not there`);
    return parseAnswer(bytes, files.url);
  };
  return {
    url: files.url,
    verify,
    checkpoint: async () => {
      const note = noteIn(await ask('logs'), log.origin);
      if (note === undefined)
        throw new TrustError('NOT_FOUND', `the witness at ${files.url} has seen nothing of ${log.origin}`);
      return verify(note);
    },
    findFork: async () => {
      throw new TrustError('NOT_FOUND', 'a witness has no tiles');
    },
    splitViews: async () => {
      const answer = await ask(`split-views?origin=${encodeURIComponent(log.origin)}`);
      return listIn(answer, 'splitViews')
        .filter((one): one is JsonValue & SplitView => check(one) === undefined)
        .filter((evidence) => holds(() => verifySplitView(evidence, log, hasher)));
    },
  };
}

function parseAnswer(bytes: Uint8Array, url: string): JsonValue {
  try {
    return parseJson(bytes, { maxBytes: MAX_ANSWER });
  } catch (cause) {
    throw new TrustError('UPSTREAM_FAILED', `${url} did not answer with strict JSON`, {}, cause);
  }
}

function noteIn(answer: JsonValue, origin: string): string | undefined {
  const entry = listIn(answer, 'logs').find((one) => memberOf(one, 'origin') === origin);
  const note = memberOf(memberOf(entry, 'cosigned'), 'checkpoint');
  return typeof note === 'string' ? note : undefined;
}

function listIn(value: JsonValue, name: string): readonly JsonValue[] {
  const list = memberOf(value, name);
  return Array.isArray(list) ? list : [];
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, JsonValue>)[name] : undefined;
}

function holds(verify: () => unknown): boolean {
  try {
    verify();
    return true;
  } catch (error) {
    if (isTrustError(error)) return false;
    throw error;
  }
}
