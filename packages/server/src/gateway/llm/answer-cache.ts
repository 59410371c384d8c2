import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** An answer of a provider as it came, before guards and translations. */
export interface KeptAnswer {
  /** Of `content-type`. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** What makes a request the same as an earlier one (LLM-34). */
export interface CacheKey {
  /** hex: another policy may have decided otherwise. */
  readonly policy: string;
  /** Nobody gets an answer that was given to another one. */
  readonly principal: string;
  readonly provider: string;
  /** Below the provider's address. */
  readonly path: string;
  /** As the provider would be sent it. */
  readonly body: Uint8Array;
}

/** Takes one answer as it comes; kept only once it is complete, and not too long. */
export interface AnswerKeeper {
  add(chunk: Uint8Array): void;
  done(type: string): void;
}

/** Answers of providers, kept for a time in this process. */
export interface AnswerCache {
  get(key: CacheKey): KeptAnswer | undefined;
  keeper(key: CacheKey, seconds: number): AnswerKeeper;
}

/** Bytes of all that is kept, and of one answer. */
const MOST_BYTES = 67_108_864;
const MOST_OF_ONE = 1_048_576;
/** What a key and its entry take besides the answer, roughly. */
const ENTRY_BYTES = 512;

export function createAnswerCache(monotonic: () => number): AnswerCache {
  const cache = new LRUCache<string, KeptAnswer>({
    maxSize: MOST_BYTES,
    sizeCalculation: ({ bytes }) => bytes.length + ENTRY_BYTES,
    perf: { now: monotonic },
  });
  return {
    get: (key) => cache.get(hashOf(key)),
    keeper(key, seconds) {
      let chunks: Uint8Array[] | undefined = [];
      let size = 0;
      return {
        add(chunk) {
          size += chunk.length;
          if (size > MOST_OF_ONE) chunks = undefined;
          chunks?.push(chunk);
        },
        done(type) {
          if (chunks !== undefined)
            cache.set(hashOf(key), { type, bytes: Buffer.concat(chunks) }, { ttl: seconds * 1000 });
        },
      };
    },
  };
}

function hashOf({ policy, principal, provider, path, body }: CacheKey): string {
  const named = JSON.stringify([policy, principal, provider, path]);
  return createHash('sha256').update(named).update('\n').update(body).digest('base64url');
}
