import type { TrustError } from '@talosprotocol/protocol';
import type { FirstWord, StreamReader } from './dialect.js';

/** How long a word of a stream is waited for once its headers came, in milliseconds (LLM-28). Providers that begin a stream and
 *  have no answer mostly say so at once. Clients give up, and ask and pay again, where no headers come for as long as they
 *  wait, and few of them wait less than ten seconds: most of that is for the provider's own headers. */
export const FIRST_WORD_MS = 2_000;

/** What is kept meanwhile, in bytes: answers of OpenAI begin with their whole request, twice. */
const MOST_AHEAD = 1024 * 1024;

/** What only keeps the connection open. */
export const ALIVE = ':\n\n';

/** A stream that nobody has yet. */
interface Unstarted {
  readonly all: AsyncGenerator<string>;
  readonly reader: StreamReader;
  faultOf(): TrustError | undefined;
  clientLeft(): void;
}

/** A stream of which something may be read before it is anybody's. */
export interface Started {
  /** All of it, once. */
  readonly bits: AsyncIterable<string>;
  /** Waits until a word of it is there, for as long as its reader says, and as long as its client does. Gives why it ended if it
   *  ended before a word would have gone out: then it is over, and nothing of it is to be sent. */
  start(): Promise<TrustError | undefined>;
}

export function fromStart({ all, reader, faultOf, clientLeft }: Unstarted): Started {
  const ready: string[] = [];
  let [hasWord, isOver] = [false, false];
  let reading: Promise<void> | undefined;
  const read = async (): Promise<void> => {
    for (let size = 0; !isOver && !hasWord && faultOf() === undefined && size <= MOST_AHEAD; ) {
      const { done, value } = await all.next();
      if (done === true) return;
      ready.push(value);
      size += Buffer.byteLength(value);
      // One that a guard holds back, or that came with what is wrong, has gone to nobody.
      hasWord = reader.pieces() > 0 && value !== ALIVE && faultOf() === undefined;
    }
  };
  async function* bits(): AsyncGenerator<string> {
    yield* ready.splice(0);
    // The bit that was waited for when the time was over.
    await reading;
    yield* ready;
    yield* all;
  }
  return {
    bits: bits(),
    async start() {
      const { firstWord } = reader;
      if (firstWord === undefined) return undefined;
      const bound = boundOf(firstWord, clientLeft);
      reading = read();
      await Promise.race([reading, bound.over]);
      isOver = true;
      bound.end();
      const fault = faultOf();
      if (fault === undefined || hasWord) return undefined;
      await all.return(undefined);
      return fault;
    },
  };
}

/** `over` settles once nothing is waited for any more. */
function boundOf({ withinMs, whenLeft }: FirstWord, clientLeft: () => void) {
  let stop: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const timer = setTimeout(stop, withinMs).unref();
  const hearNoMore = whenLeft(() => {
    // From here on it is read for its count alone, within its bound.
    clientLeft();
    stop();
  });
  return {
    over,
    end: () => {
      clearTimeout(timer);
      hearNoMore();
    },
  };
}
