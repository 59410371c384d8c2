import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { awsEvent, awsMessage } from '../testing/fake-bedrock.js';
import { readAwsEvents } from './aws-events.js';

async function read(chunks: readonly Uint8Array[]): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of readAwsEvents(Readable.from(chunks))) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString('utf8');
}

const PING = awsEvent({ type: 'ping' });
const broken = expect.objectContaining({ code: 'UPSTREAM_FAILED' });

/** The message with one byte that is another. */
function flipped(message: Uint8Array, at: number): Uint8Array {
  const copy = message.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

// LLM-29
describe('a stream of AWS', () => {
  it('is read as events, wherever it is cut', async () => {
    const events = [{ type: 'ping' }, { type: 'content_block_delta', delta: { text: 'a\nb\u2028é' } }];
    const bytes = Buffer.concat(events.map(awsEvent));
    const wanted = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
    for (const size of [1, 3, 7, 64, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
        bytes.subarray(n * size, (n + 1) * size),
      );
      expect(await read(chunks)).toBe(wanted);
    }
    expect(await read([])).toBe('');
  });

  it('tells of a failure as an event, without its words', async () => {
    const failure = { ':message-type': 'exception', ':exception-type': 'throttlingException' };
    const text = await read([PING, awsMessage({ message: 'key AKIA' }, failure)]);
    expect(text).toContain('event: error');
    expect(text).not.toContain('AKIA');
  });

  it.each<[string, readonly Uint8Array[]]>([
    ['ends in the middle', [PING.subarray(0, PING.length - 1)]],
    ['ends after three bytes', [PING, PING.subarray(0, 3)]],
    ['says a length that no message has', [Buffer.from([0, 0, 0, 15, 0, 0, 0, 0])]],
    ['says a length beyond what is kept', [Buffer.from([0x7f, 0xff, 0xff, 0xff])]],
    ['has a wrong checksum at its end', [flipped(PING, PING.length - 1)]],
    ['has a wrong checksum of its lengths', [flipped(PING, 9)]],
    ['has another body than its checksum', [flipped(PING, PING.length - 8)]],
    ['holds no JSON', [awsMessage({ bytes: Buffer.from('{').toString('base64') })]],
    ['holds nothing', [awsMessage({})]],
    ['holds an event without a type', [awsEvent({})]],
    ['holds an event whose type is no name', [awsEvent({ type: 'a\nevent: b' })]],
    ['is text', [Buffer.from('data: {"type":"ping"}\n\n')]],
  ])('is none if it %s', async (_, chunks) => {
    await expect(read(chunks)).rejects.toEqual(broken);
  });

  it('gives its connection up when nobody reads it any more', async () => {
    const body = Readable.from([PING, PING, PING]);
    const events = readAwsEvents(body);
    await events[Symbol.asyncIterator]().next();
    events.destroy();
    expect(body.destroyed).toBe(true);
  });

  it('gives it up at once also where it waits for the rest of a message', async () => {
    const body = new PassThrough();
    const events = readAwsEvents(body);
    const closed = new Promise((resolve) => events.once('close', resolve));
    const next = events[Symbol.asyncIterator]()
      .next()
      .catch(() => undefined);
    body.write(PING.subarray(0, 10));
    await new Promise(setImmediate);
    events.destroy();
    await Promise.all([closed, next]);
    expect([body.destroyed, events.closed]).toEqual([true, true]);
  });
});
