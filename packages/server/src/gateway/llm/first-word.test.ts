import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StreamGuard } from '../guard/stream-guard.js';
import { CHAT } from './chat.js';
import type { StreamReader } from './dialect.js';
import { FIRST_WORD_MS } from './first-word.js';
import { NOTHING } from './plan.js';
import { createModelStream } from './stream.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const DRAIN = 5_000;
const delta = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { role: 'assistant', content } }] })}\n\n`;
const ROLE = delta('');
const WORD = delta('word');
const END = 'data: [DONE]\n\n';
const COMMENT = ': PROCESSING\n\n';
const ERROR = 'data: {"error":{"message":"no"}}\n\n';

/** A stream of a chat that a word is waited for of, and what tells that its client has left. */
function open(guard?: StreamGuard) {
  const source = new PassThrough();
  let leave: () => void = () => undefined;
  const whenLeft = (tell: () => void) => {
    leave = tell;
    return () => undefined;
  };
  const shape = CHAT.readRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }] }, []);
  const reader = CHAT.readStream?.(shape) as StreamReader;
  const stream = createModelStream({
    source,
    reader: { ...reader, firstWord: { withinMs: FIRST_WORD_MS, whenLeft } },
    tell: undefined,
    signal: new AbortController().signal,
    guard,
    mostPieces: 10,
    drainMs: DRAIN,
    spent: () => NOTHING,
    toEvent: ({ code }) => ({ data: code }),
  });
  return { source, stream, leave: () => leave() };
}

/** What comes of it: one bit after the other, as packets do. */
async function say(source: PassThrough, ...packets: readonly string[]): Promise<void> {
  for (const packet of packets) {
    source.write(packet);
    await turn();
  }
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function textOf({ bits }: { bits: AsyncIterable<string> }): Promise<string> {
  let text = '';
  for await (const bit of bits) text += bit;
  return text;
}

/** Whether it settled. */
function watched<T>(promise: Promise<T>) {
  const seen = { isThere: false, promise };
  void promise.then(() => {
    seen.isThere = true;
  });
  return seen;
}

// LLM-28
describe('a stream whose first word is waited for', () => {
  it('is there with its first word', async () => {
    const { source, stream } = open();
    const started = watched(stream.start());
    await say(source, ROLE);
    expect(started.isThere).toBe(false);
    await say(source, WORD);
    expect(await started.promise).toBeUndefined();
    source.end(END);
    expect(await textOf(stream)).toBe(ROLE + WORD + END);
  });

  it('is there without one after a time, with all that came, and is not replaced any more', async () => {
    const { source, stream } = open();
    const started = watched(stream.start());
    await say(source, ROLE, COMMENT);
    await vi.advanceTimersByTimeAsync(FIRST_WORD_MS - 1);
    expect(started.isThere).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await started.promise).toBeUndefined();
    const text = textOf(stream);
    await say(source, COMMENT, WORD, ERROR);
    expect(await text).toBe(`${ROLE}:\n\n:\n\n${WORD}data: UPSTREAM_FAILED\n\n`);
    expect((await stream.ended).status).toBe('failed');
  });

  it('is not there by however many comments and events without a word', async () => {
    const { source, stream } = open();
    const started = stream.start();
    for (let n = 0; n < 100; n += 1) await say(source, COMMENT, ROLE);
    await say(source, ERROR);
    expect((await started)?.code).toBe('UPSTREAM_FAILED');
    expect((await stream.ended).status).toBe('failed');
  });

  it('is there once so much came without a word that no more is kept', async () => {
    const { source, stream } = open();
    const started = watched(stream.start());
    const long = `data: ${JSON.stringify({ choices: [], note: 'x'.repeat(262_144) })}\n\n`;
    await say(source, long, long, long);
    expect(started.isThere).toBe(false);
    await say(source, long);
    expect(await started.promise).toBeUndefined();
    source.end(WORD + END);
    expect(await textOf(stream)).toBe(long.repeat(4) + WORD + END);
  });

  it('is the answer if a word came in one packet with what is wrong, and the word is told', async () => {
    const { source, stream } = open();
    const started = stream.start();
    await say(source, ROLE + WORD + ERROR);
    expect(await started).toBeUndefined();
    expect(await textOf(stream)).toBe(`${ROLE}${WORD}data: UPSTREAM_FAILED\n\n`);
  });

  it('is none while a guard holds its words back', async () => {
    const holding = { push: async () => [], end: async () => [], verdicts: () => undefined };
    const { source, stream } = open(holding as unknown as StreamGuard);
    const started = stream.start();
    await say(source, WORD, COMMENT, ERROR);
    expect((await started)?.code).toBe('UPSTREAM_FAILED');
  });
});

// LLM-8
describe('a client that leaves before the first word', () => {
  it('is not waited for, and the rest is read no longer than for any that leaves', async () => {
    const { source, stream, leave } = open();
    const started = stream.start();
    await say(source, ROLE);
    leave();
    expect(await started).toBeUndefined();
    const text = textOf(stream);
    await vi.advanceTimersByTimeAsync(DRAIN - 1);
    expect(source.destroyed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(source.destroyed).toBe(true);
    await text;
    expect((await stream.ended).status).toBe('cancelled');
  });
});
