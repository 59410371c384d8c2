import { Readable } from 'node:stream';
import { type JsonObject, TrustError } from '@talosprotocol/protocol';
import { parseProviderObject } from '../provider-json.js';

/** Longest message: what a model writes between two is far less. */
const MAX_MESSAGE = 4 * 1024 * 1024;
/** Length of the whole, of the headers, their checksum, and the one at the end. */
const MIN_MESSAGE = 16;

/** A stream of AWS's binary messages, each with one event of the model, as server-sent events. What AWS says of a failure
 *  becomes an event of the type `error`. The stream breaks off with UPSTREAM_FAILED where it is none. */
export function readAwsEvents(body: Readable): Readable {
  const events = Readable.from(eventsOf(body), { objectMode: false });
  // Whoever gives up reading gives up the connection, at once: a generator that waits for bytes does not hear of it.
  const destroy = events.destroy.bind(events);
  events.destroy = (error) => {
    body.destroy();
    return destroy(error);
  };
  return events;
}

async function* eventsOf(body: Readable): AsyncGenerator<Buffer> {
  // Only who calls AWS loads it.
  const { EventStreamCodec } = await import('@smithy/core/event-streams');
  const codec = new EventStreamCodec(
    (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
    (text) => Buffer.from(text, 'utf8'),
  );
  for await (const message of messagesOf(body)) {
    let decoded: ReturnType<typeof codec.decode>;
    try {
      decoded = codec.decode(message);
    } catch (error) {
      throw broken(error);
    }
    const kind = decoded.headers[':message-type']?.value;
    if (kind === 'event') yield eventOf(parsed(decoded.body));
    else yield Buffer.from('event: error\ndata: {"type":"error"}\n\n');
  }
}

/** The messages of a stream, whole. Bytes are put together once a message is there, however small the pieces it came in. */
async function* messagesOf(body: Readable): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  let wanted = LENGTH;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    pieces.push(chunk);
    size += chunk.length;
    if (size < wanted) continue;
    let rest = Buffer.concat(pieces);
    for (wanted = nextOf(rest); rest.length >= wanted; wanted = nextOf(rest)) {
      yield rest.subarray(0, wanted);
      rest = rest.subarray(wanted);
    }
    [pieces, size] = [[rest], rest.length];
  }
  if (size > 0) throw broken(undefined);
}

/** Bytes of the length that a message begins with. */
const LENGTH = 4;

/** How many bytes there must be to go on: those of the message that begins here, or of its length. */
function nextOf(bytes: Buffer): number {
  if (bytes.length < LENGTH) return LENGTH;
  const length = bytes.readUInt32BE(0);
  if (length < MIN_MESSAGE || length > MAX_MESSAGE) throw broken(undefined);
  return length;
}

/** `bytes` of a message is an event of the model, in base64. */
function eventOf({ bytes }: JsonObject): Buffer {
  if (typeof bytes !== 'string') throw broken(undefined);
  const event = parsed(Buffer.from(bytes, 'base64'));
  const { type } = event;
  if (typeof type !== 'string' || !/^[a-z_]{1,64}$/.test(type)) throw broken(undefined);
  // JSON of one line, whatever it was: an end of line would end the event.
  return Buffer.from(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
}

function parsed(bytes: Uint8Array): JsonObject {
  return parseProviderObject(Buffer.from(bytes).toString('utf8'));
}

function broken(cause: unknown): TrustError {
  return new TrustError('UPSTREAM_FAILED', 'the stream of AWS is none', {}, cause);
}
