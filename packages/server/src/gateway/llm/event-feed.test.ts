import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StreamEvent, StreamReader } from './dialect.js';
import { createEventFeed } from './event-feed.js';

function readerInto(events: StreamEvent[]): StreamReader {
  return {
    read: (event) => {
      events.push(event);
      return true;
    },
    pieces: () => 0,
    usage: () => undefined,
    model: () => undefined,
    isOver: () => false,
  };
}

/** What of a stream is read that comes in these chunks, and how it ends. */
async function readAll(chunks: readonly Uint8Array[]) {
  const events: StreamEvent[] = [];
  const feed = createEventFeed(Readable.from(chunks), readerInto(events), { mostPieces: 1 });
  try {
    while ((await feed.next()) !== undefined);
    return { events, fault: undefined };
  } catch (error) {
    return { events, fault: (error as Error).message };
  }
}

const STREAM = ['event: a', 'data: {"x":1}', '', ': quiet', '', 'odd: field', 'data: y', 'data: z', '', ''];

// LLM-8
describe('a stream of events', () => {
  it('says the same however its lines end, and wherever it is cut', async () => {
    const expected = [
      { event: 'a', data: '{"x":1}' },
      { event: undefined, data: 'y\nz' },
    ];
    const ends = fc.constantFrom('\n', '\r', '\r\n');
    await fc.assert(
      fc.asyncProperty(fc.array(ends, { minLength: 9, maxLength: 9 }), fc.nat(40), async (ended, size) => {
        const bytes = Buffer.from(STREAM.map((line, index) => `${line}${ended[index] ?? ''}`).join(''));
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size + 1) chunks.push(bytes.subarray(at, at + size + 1));
        const { events } = await readAll(chunks);
        // Of two ends in a row some are one: what is left are empty lines, which say nothing.
        fc.pre(
          !ended.some((one, index) => one === '\r' && STREAM[index + 1] === '' && ended[index + 1] === '\n'),
        );
        expect(events).toMatchObject(expected);
      }),
    );
  });

  it.each<[string, string]>([
    ['lines of nothing', 'x\n'],
    ['waits that are none', 'retry:z\n'],
    ['ends of lines', 'x\r'],
  ])('is not read on where it is %s, which take long to leave out', async (_, line) => {
    const chunk = Buffer.from(line.repeat(65_536 / line.length));
    const began = performance.now();
    const { fault } = await readAll(Array(16).fill(chunk));
    expect(fault).toContain('the stream is none of events');
    expect(performance.now() - began).toBeLessThan(500);
  });

  it.each<[string, string]>([
    ['empty ones', '\r'],
    ['events', 'data:{}\r\r'],
    ['comments', ':\r'],
  ])('is read as soon with lines that end in a return, if they are %s', async (_, line) => {
    const chunk = Buffer.from(line.repeat(65_536 / line.length));
    const began = performance.now();
    expect((await readAll(Array(16).fill(chunk))).fault).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('may have fields that nobody knows, as many as it has events and some more', async () => {
    const { events, fault } = await readAll(Array(2_000).fill(Buffer.from('odd: x\ndata: {}\n\n')));
    expect([events.length, fault]).toEqual([2_000, undefined]);
  });
});
