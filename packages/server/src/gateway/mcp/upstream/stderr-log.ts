import type { Readable } from 'node:stream';
import type { Log } from '../../../platform/log.js';
import { createLineReader } from './line-reader.js';

const MAX_LINE = 2_048;
const LINES_PER_MINUTE = 60;
const MINUTE_MS = 60_000;

/** Puts what a tool server says on standard error into our log, scrubbed there, at most so many lines a minute.
 *  Gives the last line that was not empty, as it was said. */
export function logErrorOutput(stream: Readable, log: Log): () => string | undefined {
  let last: string | undefined;
  let left = LINES_PER_MINUTE;
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  const refill = (): void => {
    timer = undefined;
    if (dropped > 0) log.warn('a tool server wrote too much to standard error', { count: dropped });
    left = LINES_PER_MINUTE;
    dropped = 0;
  };
  const say = (line: string): void => {
    if (line.trim() !== '') last = line;
    timer ??= setTimeout(refill, MINUTE_MS).unref();
    if (left <= 0) dropped += 1;
    else {
      left -= 1;
      log.info('a tool server says', { line });
    }
  };
  const reader = createLineReader({
    maxBytes: MAX_LINE,
    onLine: (line) => say(printable(line)),
    onOverflow: () => say('[a line that is too long]'),
  });
  stream.on('data', (chunk: Buffer) => reader.push(chunk));
  stream.once('close', () => clearTimeout(timer));
  return () => last;
}

/** Without control characters: a tool server must not drive the operator's terminal. */
function printable(line: Uint8Array): string {
  return Buffer.from(line)
    .toString('utf8')
    .replace(/\p{Cc}/gu, '?');
}
