import type { ModelUsage } from '@talosprotocol/contracts';
import { isTrustError, type JsonObject } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHAT } from '../chat.js';
import type { StreamEvent } from '../dialect.js';
import { MESSAGES } from '../messages.js';
import { anthropicUsage, openAiUsage } from '../usage.js';
import { chatAnswer } from './chat-answer.js';
import { createChatStream } from './chat-stream.js';
import { messageAnswer } from './message-answer.js';
import { createMessageStream } from './message-stream.js';
import { answer, contextOf, type Said } from './testing/conversation.js';
import { chatUsage, messageUsage } from './told-usage.js';
import type { TellEvent } from './translation.js';

const HI = [{ role: 'user', content: 'hi' }];
const asked = (more: object = {}) =>
  contextOf(CHAT, { model: 'm', messages: HI, stream: true, ...more } as JsonObject);
const COUNTED = asked({ stream_options: { include_usage: true } });

/** As Anthropic says it: whole, and as a stream. */
const anthropic = {
  usage: ({ usage: { plain, read, written } }: Said) => ({
    input_tokens: plain,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: written,
  }),
  stop: ({ end, calls }: Said) =>
    end === 'stop' && calls.length > 0
      ? 'tool_use'
      : { stop: 'end_turn', length: 'max_tokens', refusal: 'refusal' }[end],
  whole: (said: Said) => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [
      ...said.words.map((text) => ({ type: 'text', text, citations: null })),
      ...said.calls.map(({ id, name, pieces }) => ({
        type: 'tool_use',
        id,
        name,
        input: JSON.parse(pieces.join('')),
        caller: { type: 'direct' },
      })),
    ],
    stop_reason: anthropic.stop(said),
    stop_sequence: null,
    usage: { ...anthropic.usage(said), output_tokens: said.usage.output, service_tier: 'standard' },
  }),
  stream: (said: Said): object[] => [
    {
      type: 'message_start',
      message: {
        ...anthropic.whole(said),
        content: [],
        stop_reason: null,
        usage: { ...anthropic.usage(said), output_tokens: 1 },
      },
    },
    { type: 'ping' },
    ...said.words.flatMap((text, index) => [
      { type: 'content_block_start', index, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index, delta: { type: 'text_delta', text } },
      { type: 'content_block_stop', index },
    ]),
    ...said.calls.flatMap(({ id, name, pieces }, at) => {
      const index = said.words.length + at;
      return [
        { type: 'content_block_start', index, content_block: { type: 'tool_use', id, name, input: {} } },
        ...pieces.map((partial_json) => ({
          type: 'content_block_delta',
          index,
          delta: { type: 'input_json_delta', partial_json },
        })),
        { type: 'content_block_stop', index },
      ];
    }),
    {
      type: 'message_delta',
      delta: { stop_reason: anthropic.stop(said), stop_sequence: null },
      usage: { output_tokens: said.usage.output },
    },
    { type: 'message_stop' },
  ],
};

/** As OpenAI says it. */
const openai = {
  usage: ({ usage: { plain, read, written, output } }: Said) => ({
    prompt_tokens: plain + read + written,
    completion_tokens: output,
    total_tokens: plain + read + written + output,
    prompt_tokens_details: { cached_tokens: read, cache_write_tokens: written },
  }),
  finish: ({ end, calls }: Said) =>
    end === 'stop' && calls.length > 0
      ? 'tool_calls'
      : { stop: 'stop', length: 'length', refusal: 'content_filter' }[end],
  whole: (said: Said) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt',
    system_fingerprint: 'fp',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: said.words.length === 0 ? null : said.words.join(''),
          refusal: null,
          annotations: [],
          ...(said.calls.length === 0
            ? {}
            : {
                tool_calls: said.calls.map(({ id, name, pieces }) => ({
                  id,
                  type: 'function',
                  function: { name, arguments: pieces.join('') },
                })),
              }),
        },
        logprobs: null,
        finish_reason: openai.finish(said),
      },
    ],
    usage: openai.usage(said),
  }),
  chunk: (delta: object, more: object = {}, top: object = {}) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    model: 'gpt',
    choices: [{ index: 0, delta, finish_reason: null, ...more }],
    ...top,
  }),
  stream: (said: Said): object[] => [
    openai.chunk({ role: 'assistant', content: '' }),
    ...said.words.map((content) => openai.chunk({ content })),
    ...said.calls.flatMap(({ id, name, pieces }, index) => [
      openai.chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
      ...pieces.map((text) => openai.chunk({ tool_calls: [{ index, function: { arguments: text } }] })),
    ]),
    openai.chunk({}, { finish_reason: openai.finish(said) }),
    { ...openai.chunk({}), choices: [], usage: openai.usage(said) },
  ],
};

const eventsOf = (all: readonly object[]): StreamEvent[] => all.map((one) => ({ data: JSON.stringify(one) }));
const DONE: StreamEvent = { data: '[DONE]' };

// biome-ignore lint/suspicious/noExplicitAny: what a client makes of it
type Any = any;

/** What a client puts together of a stream. */
function chatOf(tell: TellEvent, events: readonly StreamEvent[]): Any {
  const told = events.flatMap((event) => tell(event)).map(({ data }) => data);
  expect(told.pop()).toBe('[DONE]');
  const [first, ...rest]: Any[] = told.map((data) => JSON.parse(data));
  const { delta: message } = first.choices[0];
  const whole: Any = { ...first, object: 'chat.completion', choices: undefined };
  let finish: string | null = null;
  for (const { choices, usage } of rest) {
    if (usage) whole.usage = usage;
    const [choice] = choices;
    if (choice === undefined) continue;
    message.content += choice.delta.content ?? '';
    if (choice.delta.refusal) message.refusal = (message.refusal ?? '') + choice.delta.refusal;
    for (const { index, function: own, ...call } of choice.delta.tool_calls ?? []) {
      message.tool_calls ??= [];
      message.tool_calls[index] ??= { ...call, function: { name: own.name, arguments: '' } };
      message.tool_calls[index].function.arguments += own.arguments;
    }
    finish = choice.finish_reason ?? finish;
  }
  if (message.content === '' && message.tool_calls) message.content = null;
  whole.choices = [{ index: 0, message, logprobs: null, finish_reason: finish }];
  return whole;
}

function messageOf(tell: TellEvent, events: readonly StreamEvent[]): Any {
  let whole: Any;
  const texts: string[] = [];
  for (const { event, data } of events.flatMap((one) => tell(one))) {
    const told = JSON.parse(data);
    expect(told.type).toBe(event);
    if (event === 'message_start') whole = told.message;
    if (event === 'content_block_start') {
      expect(told.index).toBe(whole.content.length);
      whole.content.push(told.content_block);
      texts.push('');
    }
    if (event === 'content_block_delta') {
      expect(told.index).toBe(whole.content.length - 1);
      texts[told.index] += told.delta.text ?? told.delta.partial_json;
    }
    if (event === 'message_delta') Object.assign(whole, told.delta, { usage: told.usage });
  }
  for (const [index, block] of whole.content.entries())
    if (block.type === 'text') block.text = texts[index];
    else block.input = texts[index] === '' ? {} : JSON.parse(texts[index] ?? '');
  return whole;
}

const plainUsage = (usage: ModelUsage | undefined) =>
  usage && [usage.input, usage.output, usage.cache_read ?? 0, usage.cache_write ?? 0];

// LLM-32
describe('an answer that is told in the other protocol', () => {
  it('is the same whole and as a stream, and says the same, for a client of chat completions', () => {
    fc.assert(
      fc.property(answer, (said) => {
        const source = anthropic.whole(said);
        const told: Any = chatAnswer(JSON.stringify(source), COUNTED);
        // The words of a call are JSON, whose spaces are nobody's affair.
        const streamed = chatOf(createChatStream(COUNTED), eventsOf(anthropic.stream(said)));
        expect(streamed).toEqual(told);
        const [choice] = told.choices;
        expect(choice.message.content ?? '').toBe(said.words.join(''));
        expect(choice.finish_reason).toBe(openai.finish(said));
        const calls = (choice.message.tool_calls ?? []).map((call: Any) => [
          call.id,
          call.function.arguments,
        ]);
        expect(calls).toEqual(said.calls.map(({ id, pieces }) => [id, pieces.join('')]));
        expect(plainUsage(CHAT.usageOf(told))).toEqual(plainUsage(MESSAGES.usageOf(source as Any)));
      }),
      { numRuns: 300 },
    );
  });

  it('is the same whole and as a stream, and says the same, for a client of messages', () => {
    fc.assert(
      fc.property(answer, (said) => {
        const source = openai.whole(said);
        const told: Any = messageAnswer(JSON.stringify(source));
        const streamed = messageOf(createMessageStream(), [...eventsOf(openai.stream(said)), DONE]);
        expect(streamed).toEqual(told);
        const [texts, uses] = [
          told.content.filter(({ type }: Any) => type === 'text'),
          told.content.filter(({ type }: Any) => type === 'tool_use'),
        ];
        expect(texts.map(({ text }: Any) => text).join('')).toBe(said.words.join(''));
        expect(uses.map(({ id, input }: Any) => [id, input])).toEqual(
          said.calls.map(({ id, pieces }) => [id, JSON.parse(pieces.join(''))]),
        );
        expect(told.stop_reason).toBe(anthropic.stop(said));
        expect(plainUsage(MESSAGES.usageOf(told))).toEqual(plainUsage(CHAT.usageOf(source as Any)));
      }),
      { numRuns: 300 },
    );
  });

  it('comes to the same in both', () => {
    const count = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(count, count, count, count, (plain, output, read, written) => {
        const usage: ModelUsage = {
          input: plain + read + written,
          output,
          ...(read ? { cache_read: read } : {}),
          ...(written ? { cache_write: written } : {}),
        };
        expect(openAiUsage(chatUsage(usage), 1)).toEqual(usage);
        expect(anthropicUsage(messageUsage(usage))).toEqual(usage);
      }),
    );
  });

  it('has no count where the client wants none, or the provider has none', () => {
    const said = { words: ['a'], calls: [], end: 'stop', usage: NONE } as const;
    const told = eventsOf(anthropic.stream(said)).flatMap(createChatStream(asked()));
    expect(told.some(({ data }) => data.includes('usage'))).toBe(false);
    const { usage: _, ...whole } = anthropic.whole(said);
    expect(chatAnswer(JSON.stringify(whole), asked())).not.toHaveProperty('usage');
  });

  it('takes members of a server that say nothing', () => {
    const { choices, ...rest } = openai.whole(EMPTY);
    const message = { ...choices[0]!.message, provider_specific_fields: null, reasoning: '', audio: null };
    const told: Any = messageAnswer(
      JSON.stringify({ ...rest, choices: [{ ...choices[0], message, token_ids: [1] }] }),
    );
    expect(told.content).toEqual([{ type: 'text', text: 'a' }]);
  });

  it('says why a model would not answer', () => {
    const details = { type: 'refusal', category: null, explanation: 'not that' };
    const said = { words: [], calls: [], end: 'refusal', usage: NONE } as const;
    const told: Any = chatAnswer(
      JSON.stringify({ ...anthropic.whole(said), stop_details: details }),
      COUNTED,
    );
    expect(told.choices[0]).toMatchObject({
      message: { refusal: 'not that' },
      finish_reason: 'content_filter',
    });
    const events = anthropic
      .stream(said)
      .map((one: Any) =>
        one.type === 'message_delta' ? { ...one, delta: { ...one.delta, stop_details: details } } : one,
      );
    expect(chatOf(createChatStream(COUNTED), eventsOf(events))).toEqual(told);
  });

  it('takes a call that comes at once, or without a word of what with', () => {
    const start = (input: object) => [
      { type: 'message_start', message: anthropic.whole({ ...EMPTY, words: [] }) },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: '1', name: 'f', input },
      },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: {} },
      { type: 'message_stop' },
    ];
    for (const input of [{}, { a: 1 }]) {
      const { choices } = chatOf(createChatStream(COUNTED), eventsOf(start(input)));
      expect(choices[0].message.tool_calls[0].function.arguments).toBe(JSON.stringify(input));
    }
    const chunks = [
      openai.chunk({ tool_calls: [{ index: 0, id: '1', function: { name: 'f' } }] }),
      openai.chunk({ tool_calls: [{ index: 0, id: '1', function: { name: 'f', arguments: '' } }] }),
      openai.chunk({}, { finish_reason: 'stop' }, { usage: openai.usage(EMPTY) }),
    ];
    const told = messageOf(createMessageStream(), [...eventsOf(chunks), DONE]);
    expect(told).toMatchObject({ stop_reason: 'tool_use', content: [{ type: 'tool_use', input: {} }] });
  });
});

const NONE = { plain: 0, read: 0, written: 0, output: 0 } as const;
const EMPTY: Said = { words: ['a'], calls: [], end: 'stop', usage: NONE };
const CALLING: Said = { ...EMPTY, calls: [{ id: '1', name: 'f', pieces: ['{}'] }] };

/** Tells an event between each two that were sound. */
function spoilt(tell: TellEvent, data: string): TellEvent {
  return (event) => [...tell(event), ...tell({ data })];
}

function failureOf(work: () => unknown) {
  try {
    work();
  } catch (error) {
    if (isTrustError(error)) return error;
    throw error;
  }
  return undefined;
}

// LLM-32
describe('an answer that cannot be told in the other protocol', () => {
  const block = (one: object) => ({ ...anthropic.whole(EMPTY), content: [one] });
  it.each<[string, object]>([
    ['thinks', block({ type: 'thinking', thinking: 'hm', signature: 's' })],
    ['cites', block({ type: 'text', text: 'x', citations: [{ type: 'char_location' }] })],
    [
      'is called by another',
      block({ type: 'tool_use', id: '1', name: 'f', input: {}, caller: { type: 'code' } }),
    ],
    ['has a call without input', block({ type: 'tool_use', id: '1', name: 'f' })],
    [
      'has a call with too much',
      block({ type: 'tool_use', id: '1', name: 'f', input: { a: 'x'.repeat(1_048_576) } }),
    ],
    ['pauses', { ...anthropic.whole(EMPTY), stop_reason: 'pause_turn' }],
    ['does not end', { ...anthropic.whole(EMPTY), stop_reason: null }],
    ['has no id', { ...anthropic.whole(EMPTY), id: 7 }],
    ['has an error beside it', { ...anthropic.whole(EMPTY), error: { message: 'cut' } }],
    ['has no content', { ...anthropic.whole(EMPTY), content: 'x' }],
    [
      'speaks after a call',
      {
        ...anthropic.whole(EMPTY),
        content: [
          { type: 'tool_use', id: '1', name: 'f', input: {} },
          { type: 'text', text: 'x' },
        ],
      },
    ],
  ])('of messages fails if it %s', (_, source) => {
    const failed = failureOf(() => chatAnswer(JSON.stringify(source), COUNTED));
    expect(failed).toMatchObject({
      code: 'UPSTREAM_FAILED',
      data: { hint: expect.stringContaining('route') },
    });
  });

  it('of messages fails if a number of it is not the same in every reading', () => {
    const text = JSON.stringify(block({ type: 'tool_use', id: '1', name: 'f', input: { a: 7 } }));
    expect(chatAnswer(text, COUNTED)).toMatchObject({
      choices: [{ message: { tool_calls: [{ id: '1', function: { name: 'f', arguments: '{"a":7}' } }] } }],
    });
    for (const number of ['12345678901234567890', '7,"a":8', '1e400'])
      expect(failureOf(() => chatAnswer(text.replace('"a":7', `"a":${number}`), COUNTED))?.code).toBe(
        'UPSTREAM_FAILED',
      );
  });

  it.each(['id', 'model'])(
    'of messages fails as a stream whose %s would be sent with each word at length',
    (name) => {
      const [start, ...rest]: Any[] = anthropic.stream(EMPTY);
      for (const [length, fails] of [
        [512, false],
        [513, true],
      ] as const) {
        const begun = { ...start, message: { ...start.message, [name]: 'x'.repeat(length) } };
        const failed = failureOf(() => chatOf(createChatStream(COUNTED), eventsOf([begun, ...rest])));
        expect(failed?.code).toBe(fails ? 'UPSTREAM_FAILED' : undefined);
      }
    },
  );

  const choice = (message: object, more: object = {}) => {
    const whole = openai.whole(EMPTY);
    return {
      ...whole,
      choices: [{ ...whole.choices[0], message: { role: 'assistant', ...message }, ...more }],
    };
  };
  const calling = (call: object) => choice({ tool_calls: [call] });
  it.each<[string, object]>([
    ['reasons', choice({ content: 'x', reasoning_content: 'hm' })],
    ['refuses', choice({ content: null, refusal: 'no' })],
    ['speaks', choice({ content: 'x', audio: { id: 'a' } })],
    ['cites', choice({ content: 'x', annotations: [{ type: 'url_citation' }] })],
    ['has a member nobody knows', choice({ content: 'x', zz: 1 })],
    ['is no text', choice({ content: [{ type: 'text', text: 'x' }] })],
    ['ends for a reason of its own', choice({ content: 'x' }, { finish_reason: 'eos' })],
    [
      'has several',
      { ...openai.whole(EMPTY), choices: [openai.whole(EMPTY).choices[0], openai.whole(EMPTY).choices[0]] },
    ],
    ['has none', { ...openai.whole(EMPTY), choices: [] }],
    ['is not counted', { ...openai.whole(EMPTY), usage: null }],
    ['has an error beside it', { ...openai.whole(EMPTY), error: { message: 'cut' } }],
    ['has an error in it', choice({ content: 'x' }, { error: { message: 'cut' } })],
    ['has a call of another kind', calling({ id: '1', type: 'custom', custom: { name: 'f', input: 'x' } })],
    [
      'has a call with more',
      calling({ id: '1', function: { name: 'f', arguments: '{}' }, extra_content: {} }),
    ],
    ['has a call without id', calling({ function: { name: 'f', arguments: '{}' } })],
    ...['{', '[]', '{"a":12345678901234567890}', '{"a":1,"a":2}', `{"a":"${'x'.repeat(1_048_576)}"}`].map(
      (text): [string, object] => [
        `calls with ${text.slice(0, 30)}`,
        calling({ id: '1', function: { name: 'f', arguments: text } }),
      ],
    ),
  ])('of a chat fails if it %s', (_, source) => {
    expect(failureOf(() => messageAnswer(JSON.stringify(source)))?.code).toBe('UPSTREAM_FAILED');
  });

  const [start, ping, begun, piece, stopped, ended, over] = anthropic.stream(EMPTY) as Any[];
  const callBlock = { ...begun, content_block: { type: 'tool_use', id: '1', name: 'f', input: {} } };
  const inputPiece = (partial_json: string) => ({
    ...piece,
    delta: { type: 'input_json_delta', partial_json },
  });
  it.each<[string, object[]]>([
    ['begins in the middle', [begun]],
    ['begins twice', [start, start]],
    ['has a piece of no block', [start, piece]],
    ['has a piece of another block', [start, begun, { ...piece, index: 1 }]],
    ['has two blocks at once', [start, begun, { ...begun, index: 1 }]],
    ['leaves out a block', [start, { ...begun, index: 1 }]],
    ['ends in a block', [start, begun, ended, over]],
    ['ends without a reason', [start, over]],
    ['goes on after its end', [start, ended, over, ping]],
    ['says more after its reason', [start, ended, begun]],
    ['thinks', [start, { ...begun, content_block: { type: 'thinking', thinking: '' } }]],
    ['signs', [start, begun, { ...piece, delta: { type: 'signature_delta', signature: 's' } }]],
    ['has input for a text', [start, begun, inputPiece('{}')]],
    ['has an event nobody knows', [start, { type: 'content_block_note' }]],
    ['speaks after a call', [start, callBlock, stopped, { ...begun, index: 1 }]],
    ['has a call whose input is no JSON', [start, callBlock, inputPiece('{"a":'), stopped]],
    ['has a call whose input is no object', [start, callBlock, inputPiece('[1]'), stopped]],
    ['has a call without end', [start, callBlock, ...Array(9).fill(inputPiece('x'.repeat(131_072)))]],
    ['is no object', [start, [] as Any]],
  ])('as a stream of messages fails if it %s', (_, events) => {
    const tell = createChatStream(COUNTED);
    const last = events.length - 1;
    for (const event of eventsOf(events.slice(0, last))) tell(event);
    expect(failureOf(() => eventsOf(events.slice(last)).map(tell))?.code).toBe('UPSTREAM_FAILED');
  });

  const { chunk } = openai;
  const first = chunk({ tool_calls: [{ index: 0, id: '1', function: { name: 'f', arguments: '' } }] });
  const more = (text: string, rest: object = {}) =>
    chunk({ tool_calls: [{ index: 0, function: { arguments: text }, ...rest }] });
  const finish = chunk({}, { finish_reason: 'stop' }, { usage: openai.usage(EMPTY) });
  const done = '[DONE]';
  it.each<[string, (object | string)[]]>([
    ['ends before it begins', [done]],
    ['ends without a reason', [chunk({ content: 'x' }), done]],
    ['is not counted', [chunk({ content: 'x' }), chunk({}, { finish_reason: 'stop' }), done]],
    ['goes on after its end', [finish, done, done]],
    ['says more after its reason', [finish, chunk({ content: 'x' })]],
    ['has two answers', [{ ...finish, choices: [...finish.choices, ...finish.choices] }]],
    ['is another answer', [chunk({}, { index: 1 })]],
    ['reasons', [chunk({ reasoning_content: 'hm' })]],
    ['has what nobody knows', [chunk({ zz: 1 })]],
    ['speaks after a call', [first, more('{}'), chunk({ content: 'x' })]],
    ['has calls out of their order', [first, more('{}', { index: 2 })]],
    [
      'goes back to an earlier call',
      [first, more('{}'), more('', { index: 1, id: '2', function: { name: 'g' } }), more(' ')],
    ],
    ['has two calls of one number', [first, more('{}', { id: '2' })]],
    ['has a call without a number', [chunk({ tool_calls: [{ id: '1', function: { name: 'f' } }] })]],
    ['has a call without a name', [chunk({ tool_calls: [{ index: 0, id: '1', function: {} }] })]],
    ['has a call whose arguments are no JSON', [first, more('{"a":'), finish, done]],
    ['has a call without end', [first, ...Array(9).fill(more('x'.repeat(131_072)))]],
    ['tells that it failed', [{ error: { message: 'secret' } }]],
    ['ends for a reason of its own', [chunk({}, { finish_reason: 'eos' }), done]],
  ])('as a stream of a chat fails if it %s', (_, events) => {
    const tell = createMessageStream();
    const all = events.map((one) => ({ data: typeof one === 'string' ? one : JSON.stringify(one) }));
    const last = all.length - 1;
    for (const event of all.slice(0, last)) tell(event);
    const failed = failureOf(() => all.slice(last).map(tell));
    expect(failed?.code).toBe('UPSTREAM_FAILED');
    expect(failed?.message).not.toContain('secret');
  });

  it('of nonsense fails in a typed way, or is told, and nothing else happens', () => {
    const json = fc.oneof(fc.jsonValue(), fc.constantFrom('text', 'tool_use', 'stop', null, 0, [], {}));
    const sources = [anthropic.whole(CALLING), ...anthropic.stream(CALLING), openai.whole(CALLING)];
    const all = [...sources, ...openai.stream(CALLING)].map((one) => JSON.stringify(one));
    // Some member of what is sound has another value, and what may follow follows.
    const spoil = (text: string, at: number, value: unknown): string => {
      const places = [...text.matchAll(/"(\w+)":(?=["{[\dn])/g)];
      const name = places[at % places.length]![1]!;
      return JSON.stringify(JSON.parse(text, (key, one) => (key === name ? value : one)));
    };
    fc.assert(
      fc.property(fc.nat(all.length - 1), fc.nat(), json, (which, at, value) => {
        const text = spoil(all[which]!, at, value);
        for (const work of [
          () => chatAnswer(text, COUNTED),
          () => messageAnswer(text),
          () => eventsOf(anthropic.stream(CALLING)).flatMap(spoilt(createChatStream(COUNTED), text)),
          () => eventsOf(openai.stream(CALLING)).flatMap(spoilt(createMessageStream(), text)),
        ])
          expect([undefined, 'UPSTREAM_FAILED']).toContain(failureOf(work)?.code);
      }),
      { numRuns: 1000 },
    );
  });

  it.each<[string, () => TellEvent, readonly StreamEvent[]]>([
    ['messages', () => createChatStream(COUNTED), eventsOf(anthropic.stream(CALLING))],
    ['a chat', createMessageStream, [...eventsOf(openai.stream(CALLING)), DONE]],
  ])('of %s ends in a typed error, or well, whatever order its events come in', (_, create, events) => {
    fc.assert(
      fc.property(fc.array(fc.nat(events.length - 1), { maxLength: 20 }), (order) => {
        const tell = create();
        failureOf(() => order.map((at) => tell(events[at]!)));
      }),
      { numRuns: 1000 },
    );
  });
});
