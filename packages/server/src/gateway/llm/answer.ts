import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { JsonObject } from '@talosprotocol/protocol';

/** What a client is answered: a whole body, or one that comes bit by bit. */
export interface ModelAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | ModelStream;
}

/** A body that comes bit by bit. */
export interface ModelStream {
  /** Every bit, once: whoever takes them decides how fast. It ends by itself, and does not fail. */
  readonly bits: AsyncIterable<string>;
  /** Nobody reads on: what is still to come is read for the count alone, within a bound. */
  clientLeft(): void;
  /** What went by: a hash of all of it, and all of it if that is not too much. For after the last bit. */
  readonly seen: Transcript;
}

/** A record of what went by. */
export interface Transcript {
  add(bit: string): void;
  /** hex(SHA-256) of all bits together. */
  hash(): string;
  /** All of it; undefined if it was too much to be kept. */
  text(): string | undefined;
}

/** As much as is kept under a `rid`, with room for what stands around it. */
const MOST_KEPT = 49_152;

export function createTranscript(): Transcript {
  const hash = createHash('sha256');
  let kept: string[] | undefined = [];
  let size = 0;
  let done: string | undefined;
  return {
    add(bit) {
      hash.update(bit);
      size += bit.length;
      if (size <= MOST_KEPT) kept?.push(bit);
      else kept = undefined;
    },
    hash: () => (done ??= hash.digest('hex')),
    text: () => kept?.join(''),
  };
}

/** An answer as it is kept under its `rid`, and hashed (AUD-8): the bytes of its body. */
export const KEPT_ANSWER = {
  of: ({ status, headers, body }: ModelAnswer): { form?: JsonObject; hash: string } => {
    const [text, hash] =
      typeof body === 'string' ? [body, hashOf(body)] : [body.seen.text(), body.seen.hash()];
    if (text === undefined) return { hash };
    return { form: { status, type: headers['content-type'] ?? '', body: text }, hash };
  },
  answer: (kept: JsonObject): ModelAnswer => ({
    status: Number(kept['status']),
    headers: { 'content-type': String(kept['type']) },
    body: String(kept['body']),
  }),
};

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** How long a client may take none of what lies ready for it: then it counts as gone, since a call that waits for it keeps a
 *  place and a connection to its provider. */
const STALLED_MS = 60_000;

/** Sends it. Resolves when nothing more is to be sent, also if the client has left. */
export async function sendModelAnswer(
  response: ServerResponse,
  { status, headers, body }: ModelAnswer,
  stalledMs = STALLED_MS,
): Promise<void> {
  if (typeof body === 'string') {
    if (response.destroyed || response.headersSent) return;
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    response.writeHead(status, { ...headers, ...length }).end(body);
    return;
  }
  const left = (): void => body.clientLeft();
  response.once('close', left);
  // Somebody answered already: what comes does not belong behind it, and is read for its count alone.
  if (response.headersSent) response.destroy();
  if (response.destroyed) left();
  else response.writeHead(status, headers).flushHeaders();
  for await (const bit of body.bits) {
    if (!response.destroyed && !response.write(bit)) await drained(response, stalledMs);
  }
  response.off('close', left);
  if (!response.destroyed) response.end();
}

/** Reads what is still to come of an answer that nobody gets, for its count alone and within a bound. */
export async function readOn({ bits, clientLeft }: ModelStream): Promise<void> {
  clientLeft();
  const rest = bits[Symbol.asyncIterator]();
  while ((await rest.next()).done !== true);
}

/** A client that reads slowly slows its provider, and nothing is held for it meanwhile. */
function drained(response: ServerResponse, stalledMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => response.destroy(), stalledMs).unref();
    const go = (): void => {
      clearTimeout(timer);
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
    if (response.destroyed) go();
  });
}
