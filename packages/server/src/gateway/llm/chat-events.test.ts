import { describe, expect, it } from 'vitest';
import { CHAT } from './chat.js';
import type { StreamReader } from './dialect.js';

const open = (n: number): StreamReader =>
  CHAT.readStream?.(
    CHAT.readRequest({ model: 'm', n, messages: [{ role: 'user', content: 'x' }] }, []),
  ) as StreamReader;
const say = (reader: StreamReader, chunk: object) => reader.read({ data: JSON.stringify(chunk) } as never);
const USAGE = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

// LLM-8
describe('a stream of a chat', () => {
  it('is over once all that was asked for ended and was counted', () => {
    const reader = open(2);
    say(reader, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    say(reader, { choices: [], usage: USAGE });
    expect(reader.isOver()).toBe(false);
    say(reader, { choices: [{ index: 1, delta: {}, finish_reason: 'stop' }] });
    expect(reader.isOver()).toBe(true);
  });

  it.each<[string, readonly unknown[]]>([
    ['beyond those that were asked for', [2, 3, 4]],
    ['the same one again', [0, 0, 0]],
    ['no numbers', ['0', {}, {}, null]],
    ['no whole numbers', [0.1, 0.2, -1]],
  ])('is not ended by choices that are %s', (_, indices) => {
    const reader = open(2);
    for (const index of indices) say(reader, { choices: [{ index, delta: {}, finish_reason: 'stop' }] });
    say(reader, { choices: [], usage: USAGE });
    expect(reader.isOver()).toBe(false);
  });

  it('is not counted by what was said of it before it was written', () => {
    const written = { choices: [{ index: 0, delta: { content: 'x' } }] };
    const end = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
    const told = (...chunks: object[]) => {
      const reader = open(1);
      for (const chunk of chunks) say(reader, chunk);
      reader.read({ data: '[DONE]' } as never);
      return reader.usage();
    };
    const counted = { choices: [], usage: USAGE };
    expect(told(counted, written, end)).toBeUndefined();
    expect(told(written, end, counted)).toEqual({ input: 1, output: 1 });
    expect(told({ ...written, usage: USAGE }, end)).toEqual({ input: 1, output: 1 });
    expect(told({ ...written, usage: USAGE }, written, end)).toBeUndefined();
  });
});
