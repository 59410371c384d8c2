import { describe, expect, it } from 'vitest';
import { CHAT } from './chat.js';
import type { StreamReader } from './dialect.js';
import { readMessageStream } from './message-events.js';

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

  it('has a piece for each that says something, and none for a signature', () => {
    const reader = open(1);
    const signed = { extra_content: { google: { thought_signature: 'c2ln' } } };
    say(reader, { choices: [{ index: 0, delta: { role: 'assistant', content: '', ...signed } }] });
    expect(reader.pieces()).toBe(0);
    say(reader, { choices: [{ index: 0, delta: { content: 'x', ...signed } }] });
    say(reader, { choices: [{ index: 0, delta: { whatever: 'x' } }] });
    expect(reader.pieces()).toBe(2);
  });

  it.each<[string, object, object]>([
    ['Groq', {}, { x_groq: { id: 'r', usage: { ...USAGE, queue_time: 0.1 } } }],
    ['Moonshot', { usage: USAGE }, {}],
  ])('is counted where %s says it alone, of one answer', (_, inChoice, more) => {
    const reader = open(1);
    say(reader, { choices: [{ index: 0, delta: { content: 'x' } }], x_groq: { id: 'r' } });
    say(reader, { choices: [{ index: 0, delta: {}, finish_reason: 'stop', ...inChoice }], ...more });
    expect(reader.usage()).toEqual({ input: 1, output: 1 });
    // Of several that of one says nothing of the others.
    const two = open(2);
    for (const index of [0, 1])
      say(two, { choices: [{ index, delta: {}, finish_reason: 'stop', ...inChoice }] });
    expect(two.usage()).toBeUndefined();
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

// LLM-8
describe('a stream of a message', () => {
  it.each<[number, object]>([
    [1, { type: 'text_delta', text: 'x' }],
    [1, { type: 'thinking_delta', thinking: 'x' }],
    [1, { type: 'input_json_delta', partial_json: '{' }],
    [1, { type: 'another_delta', content: 'x' }],
    [1, { whatever: ['x'] }],
    [0, { type: 'input_json_delta', partial_json: '' }],
    [0, { type: 'thinking_delta', thinking: '' }],
    [0, { type: 'signature_delta', signature: 'c2ln' }],
    [0, { type: 'citations_delta', citation: { type: 'char_location', cited_text: 'x' } }],
  ])('has %i piece of %j', (pieces, delta) => {
    const reader = readMessageStream();
    say(reader, { type: 'content_block_delta', index: 0, delta });
    expect(reader.pieces()).toBe(pieces);
  });
});
