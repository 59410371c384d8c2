/** What a window of 1024 takes besides its session, in bytes. */
export const WIDE_WINDOW_BYTES = 128;

const WORDS = WIDE_WINDOW_BYTES / 4;

/** Windows of 1024 bits for the sessions that asked for one; window n begins at word 32 n. */
export interface WideWindows {
  /** Read it anew after each `take`: the array is another one when it had to grow. */
  words: Uint32Array;
  /** The number of an empty window. */
  take(): number;
  putBack(window: number): void;
}

/** Makes the side pool, empty. */
export function createWideWindows(): WideWindows {
  const free: number[] = [];
  let made = 0;
  const pool: WideWindows = {
    words: new Uint32Array(0),
    take() {
      const window = free.pop() ?? made++;
      if (window * WORDS === pool.words.length) {
        const larger = new Uint32Array(Math.max(16 * WORDS, 2 * pool.words.length));
        larger.set(pool.words);
        pool.words = larger;
      }
      return window;
    },
    putBack(window) {
      pool.words.fill(0, window * WORDS, (window + 1) * WORDS);
      free.push(window);
    },
  };
  return pool;
}
