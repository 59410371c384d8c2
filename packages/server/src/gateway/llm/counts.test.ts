import type { JsonObject } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { CHAT } from './chat.js';
import type { Dialect, StreamReader } from './dialect.js';
import { EMBEDDINGS } from './embeddings.js';
import { MESSAGES } from './messages.js';
import { RESPONSES } from './responses.js';

const REQUESTS: ReadonlyMap<Dialect, JsonObject> = new Map([
  [CHAT, { model: 'm', messages: [{ role: 'user', content: 'x' }] }],
  [MESSAGES, { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] }],
  [RESPONSES, { model: 'm', input: 'x' }],
]);

/** What a stream of these events came to. */
function counted(dialect: Dialect, ...events: object[]) {
  const reader = dialect.readStream?.(dialect.readRequest(REQUESTS.get(dialect) ?? {}, [])) as StreamReader;
  for (const event of events) reader.read({ data: JSON.stringify(event) });
  return reader.usage();
}

const chatTokens = (input: number, output: number) => ({ prompt_tokens: input, completion_tokens: output });
const tokens = (input: number, output: number) => ({ input_tokens: input, output_tokens: output });

const chatBit = (delta: object) => ({ choices: [{ index: 0, delta }] });
const chat = (usage: object, ...deltas: object[]) =>
  counted(
    CHAT,
    chatBit({ role: 'assistant', content: '' }),
    ...deltas.map(chatBit),
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    { choices: [], usage },
  );

const start = (usage: object = tokens(12, 1)) => ({ type: 'message_start', message: { model: 'c', usage } });
const bit = (delta: object) => ({ type: 'content_block_delta', index: 0, delta });
const word = bit({ type: 'text_delta', text: 'word ' });
const end = (usage?: object) => [
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, ...(usage && { usage }) },
  { type: 'message_stop' },
];
const block = (content_block: object) => ({ type: 'content_block_start', index: 0, content_block });

const delta = (kind: string) => ({ type: `response.${kind}.delta`, delta: 'word ' });
const completed = (usage: object) => ({
  type: 'response.completed',
  response: { status: 'completed', usage },
});

// LLM-8
describe('a count that cannot be', () => {
  it.each<[string, unknown]>([
    ['nothing was read, of a chat', chat(chatTokens(0, 9), { content: 'x' })],
    ['nothing was written, of a chat', chat(chatTokens(9, 0), { content: 'x' })],
    ['nothing was thought', chat(chatTokens(9, 0), { reasoning_content: 'x' })],
    ['less was written than came', chat(chatTokens(9, 2), ...Array(3).fill({ content: 'x' }))],
    [
      'less was called with than came',
      chat(chatTokens(9, 1), ...Array(2).fill({ tool_calls: [{ index: 0, function: { arguments: '1' } }] })),
    ],
    ['nothing was read, of a message', counted(MESSAGES, start(tokens(0, 1)), word, ...end(tokens(0, 1)))],
    ['nothing was written', counted(MESSAGES, start(), word, ...end({ output_tokens: 0 }))],
    [
      'less was written than came, of a message',
      counted(MESSAGES, start(), word, word, ...end({ output_tokens: 1 })),
    ],
    [
      'it came before what it is of',
      counted(MESSAGES, start(), end({ output_tokens: 90 })[0]!, ...Array(40).fill(word), ...end()),
    ],
    [
      'nothing was called',
      counted(
        MESSAGES,
        start(),
        block({ type: 'tool_use', id: 't', name: 'f', input: { a: 1 } }),
        ...end({ output_tokens: 0 }),
      ),
    ],
    [
      'nothing was thought, of a message',
      counted(
        MESSAGES,
        start(),
        bit({ type: 'thinking_delta', thinking: 'hm' }),
        ...end({ output_tokens: 0 }),
      ),
    ],
    ['nothing was read, of a response', counted(RESPONSES, delta('output_text'), completed(tokens(0, 9)))],
    [
      'less came to a response',
      counted(RESPONSES, delta('refusal'), delta('output_text'), completed(tokens(9, 1))),
    ],
    ['nothing was summed up', counted(RESPONSES, delta('reasoning_summary_text'), completed(tokens(9, 0)))],
  ])('is none of a stream: %s', (_, usage) => {
    expect(usage).toBeUndefined();
  });

  it.each<[string, Dialect, object]>([
    ['a chat', CHAT, { choices: [{ message: { content: 'x' } }], usage: chatTokens(9, 0) }],
    ['a chat without input', CHAT, { choices: [{ message: { content: 'x' } }], usage: chatTokens(0, 9) }],
    ['two answers', CHAT, { choices: Array(2).fill({ message: { content: 'x' } }), usage: chatTokens(9, 1) }],
    [
      'a total',
      CHAT,
      { choices: [{ message: { content: 'x' } }], usage: { prompt_tokens: 8, total_tokens: 8 } },
    ],
    ['a message', MESSAGES, { content: [{ type: 'text', text: 'x' }], usage: tokens(9, 0) }],
    ['a call', MESSAGES, { content: [{ type: 'tool_use', name: 'f', input: {} }], usage: tokens(9, 0) }],
    ['a message without input', MESSAGES, { content: [{ type: 'text', text: 'x' }], usage: tokens(0, 9) }],
    ['a response', RESPONSES, { output: [{ content: [{ text: 'x' }] }], usage: tokens(9, 0) }],
    ['a summary', RESPONSES, { output: [{ summary: [{ text: 'hm' }] }], usage: tokens(9, 0) }],
    ['a call of a response', RESPONSES, { output: [{ name: 'f', arguments: '{}' }], usage: tokens(9, 0) }],
    ['a response without input', RESPONSES, { output: [], usage: tokens(0, 9) }],
    ['embeddings', EMBEDDINGS, { data: [{ embedding: [1] }], usage: { prompt_tokens: 0, total_tokens: 0 } }],
  ])('is none of a whole answer: %s', (_, dialect, answer) => {
    expect(dialect.usageOf(answer as JsonObject)).toBeUndefined();
  });
});

// LLM-8
describe('a count that can be', () => {
  it.each<[string, unknown, object]>([
    [
      'each piece is a token',
      chat(chatTokens(9, 2), { content: 'x' }, { content: 'y' }),
      { input: 9, output: 2 },
    ],
    ['nothing was written', chat(chatTokens(9, 0)), { input: 9, output: 0 }],
    ['nothing but the end', chat(chatTokens(9, 1)), { input: 9, output: 1 }],
    ['the total alone, of nothing', chat({ prompt_tokens: 8, total_tokens: 8 }), { input: 8, output: 0 }],
    [
      'thoughts are summed up in more',
      chat(chatTokens(9, 2), ...Array(9).fill({ reasoning: 'hm' }), { content: 'x' }),
      { input: 9, output: 2 },
    ],
    [
      'a call ends with a piece without words',
      chat(
        chatTokens(9, 2),
        { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '{}' } }] },
        { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { arguments: '' } }] },
      ),
      { input: 9, output: 2 },
    ],
    [
      'all came from a cache',
      counted(
        MESSAGES,
        start({ ...tokens(0, 1), cache_read_input_tokens: 7 }),
        word,
        ...end({ output_tokens: 1 }),
      ),
      { input: 7, output: 1, cache_read: 7 },
    ],
    [
      'a message of nothing',
      counted(MESSAGES, start(), ...end({ output_tokens: 0 })),
      { input: 12, output: 0 },
    ],
    [
      'pieces of a message say nothing',
      counted(
        MESSAGES,
        start(),
        ...Array(9).fill(bit({ type: 'input_json_delta', partial_json: '' })),
        bit({ type: 'thinking_delta', thinking: 'hm' }),
        ...Array(9).fill(bit({ type: 'thinking_delta', thinking: 'so' })),
        bit({ type: 'signature_delta', signature: 's' }),
        bit({ type: 'citations_delta', citation: { cited_text: 'x' } }),
        word,
        ...end({ output_tokens: 2 }),
        bit({ type: 'signature_delta', signature: 's' }),
      ),
      { input: 12, output: 2 },
    ],
    [
      'a response sums up in more',
      counted(
        RESPONSES,
        ...Array(9).fill(delta('reasoning_summary_text')),
        delta('output_text'),
        completed(tokens(9, 1)),
      ),
      { input: 9, output: 1 },
    ],
    ['a response of nothing', counted(RESPONSES, completed(tokens(9, 0))), { input: 9, output: 0 }],
  ])('is one of a stream: %s', (_, usage, told) => {
    expect(usage).toEqual(told);
  });

  it.each<[string, Dialect, object]>([
    ['a chat', CHAT, { choices: [{ message: { role: 'assistant', content: '' } }], usage: chatTokens(9, 0) }],
    ['a message', MESSAGES, { content: [], usage: tokens(9, 0) }],
    ['no word', MESSAGES, { content: [{ type: 'text', text: '' }], usage: tokens(9, 0) }],
    [
      'a response',
      RESPONSES,
      { output: [{ type: 'reasoning', summary: [] }, { content: [{ text: '' }] }], usage: tokens(9, 0) },
    ],
    ['embeddings', EMBEDDINGS, { data: [{ embedding: [1] }], usage: { prompt_tokens: 9, total_tokens: 9 } }],
  ])('is one of a whole answer that says nothing: %s', (_, dialect, answer) => {
    expect(dialect.usageOf(answer as JsonObject)).toEqual({ input: 9, output: 0 });
  });
});
