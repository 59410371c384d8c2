import { isJsonObject, isTrustError, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHAT } from '../chat.js';
import { MESSAGES } from '../messages.js';
import { chatRequest } from './chat-request.js';
import { messageRequest } from './message-request.js';
import { contextOf, conversation } from './testing/conversation.js';

const toMessages = (body: JsonObject): JsonObject => messageRequest(body, contextOf(CHAT, body));
const toChat = (body: JsonObject): JsonObject => chatRequest(body, contextOf(MESSAGES, body));

const HI = { role: 'user', content: 'hi' };
const chat = (more: object = {}): JsonObject =>
  ({ model: 'asked', messages: [HI], ...more }) as unknown as JsonObject;
const message = (more: object = {}): JsonObject =>
  ({ model: 'asked', max_tokens: 9, messages: [HI], ...more }) as unknown as JsonObject;
const turns = (...messages: object[]) => ({ messages: [...messages, HI] });
const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const SOURCE = { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' };
const PDF = 'data:application/pdf;base64,JVBERi0x';
const PDF_SOURCE = { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0x' };
const said = (...content: object[]) => turns({ role: 'user', content });
const file = (more: object = {}) => ({ type: 'file', file: { file_data: PDF, filename: 'a.pdf', ...more } });
const document = (more: object = {}) => ({ type: 'document', source: PDF_SOURCE, title: 'a.pdf', ...more });
const use = (id: string, input: object = { a: 1 }) => ({ type: 'tool_use', id, name: 'add', input });
const call = (id: string, text = '{"a":1}') => ({
  id,
  type: 'function',
  function: { name: 'add', arguments: text },
});

// LLM-31
describe('a chat completion as messages', () => {
  it.each<[string, object, object]>([
    ['has a maximum, because it must', {}, { max_tokens: 777 }],
    ['keeps the maximum it has', { max_tokens: 5 }, { max_tokens: 5 }],
    ['keeps the newer one', { max_completion_tokens: 6 }, { max_tokens: 6 }],
    [
      'says first what the system says',
      { messages: [{ role: 'developer', content: 'be brief' }, HI] },
      { system: 'be brief', messages: [HI] },
    ],
    [
      'says all of it',
      {
        messages: [
          { role: 'system', content: 'a' },
          { role: 'system', content: [{ type: 'text', text: 'b' }] },
          HI,
        ],
      },
      {
        system: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
    ],
    ['stops at one word', { stop: 'x' }, { stop_sequences: ['x'] }],
    ['stops at several', { stop: ['x', 'y'] }, { stop_sequences: ['x', 'y'] }],
    ['names its user', { user: 'u-1' }, { metadata: { user_id: 'u-1' } }],
    ['must call', { tool_choice: 'required' }, { tool_choice: { type: 'any' } }],
    ['must not call', { tool_choice: 'none' }, { tool_choice: { type: 'none' } }],
    [
      'must call one',
      { tool_choice: { type: 'function', function: { name: 'add' } } },
      { tool_choice: { type: 'tool', name: 'add' } },
    ],
    [
      'calls one at a time',
      { parallel_tool_calls: false },
      { tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
    ],
    [
      'has tools, also one without parameters',
      {
        tools: [
          { type: 'function', function: { name: 'add', description: 'adds', parameters: {}, strict: true } },
          { type: 'function', function: { name: 'now', strict: null } },
        ],
      },
      {
        tools: [
          { name: 'add', description: 'adds', input_schema: {}, strict: true },
          { name: 'now', input_schema: { type: 'object', properties: {} } },
        ],
      },
    ],
    ['pays the usual price', { service_tier: 'default' }, { service_tier: 'standard_only' }],
    [
      'shows pictures',
      turns({
        role: 'user',
        content: [
          { type: 'text', text: 'look' },
          { type: 'image_url', image_url: { url: PNG, detail: 'auto' } },
          { type: 'image_url', image_url: { url: 'https://a.example/b.png' } },
        ],
      }),
      turns({
        role: 'user',
        content: [
          { type: 'text', text: 'look' },
          { type: 'image', source: SOURCE },
          { type: 'image', source: { type: 'url', url: 'https://a.example/b.png' } },
        ],
      }),
    ],
    [
      'shows documents, each by its name, or by none',
      said({ type: 'text', text: 'read' }, file(), file({ filename: null, file_id: null })),
      said({ type: 'text', text: 'read' }, document(), { type: 'document', source: PDF_SOURCE }),
    ],
    [
      'has the results of calls in one turn, in their order, and what the user says in the next',
      turns(
        {
          role: 'assistant',
          content: '',
          refusal: null,
          annotations: [],
          tool_calls: [call('1'), call('2', '')],
        },
        { role: 'tool', tool_call_id: '1', content: 'one' },
        { role: 'tool', tool_call_id: '2', content: [{ type: 'text', text: 'two' }] },
      ),
      turns(
        { role: 'assistant', content: [use('1'), use('2', {})] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: '1', content: 'one' },
            { type: 'tool_result', tool_use_id: '2', content: 'two' },
          ],
        },
      ),
    ],
    [
      'says nothing of what says nothing',
      {
        ...{
          n: 1,
          presence_penalty: 0,
          frequency_penalty: 0,
          logit_bias: {},
          logprobs: false,
          top_logprobs: null,
        },
        ...{
          seed: null,
          prompt_cache_retention: 'in_memory',
          response_format: { type: 'text' },
          metadata: {},
          modalities: ['text'],
          store: false,
        },
        ...{ functions: [], tools: [], service_tier: 'auto', parallel_tool_calls: true, stop: [] },
        ...{ stream: false, stream_options: { include_usage: true, include_obfuscation: false } },
      },
      {},
    ],
  ])('%s', (_, more, expected) => {
    expect(toMessages(chat(more))).toEqual({ model: 'real', messages: [HI], max_tokens: 777, ...expected });
  });

  it.each<[string, object]>([
    ['n', { n: 2 }],
    ['temperature', { temperature: 1.1 }],
    ['top_p', { top_p: -1 }],
    ['seed', { seed: 1 }],
    ['logprobs', { logprobs: true }],
    ['top_logprobs', { top_logprobs: 2 }],
    ['logit_bias', { logit_bias: { 1: 2 } }],
    ['presence_penalty', { presence_penalty: 0.5 }],
    ['response_format', { response_format: { type: 'json_object' } }],
    ['reasoning_effort', { reasoning_effort: 'low' }],
    ['prompt_cache_key', { prompt_cache_key: 'x' }],
    ['metadata', { metadata: { a: 'b' } }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['web_search_options', { web_search_options: {} }],
    ['parallel_tool_calls', { parallel_tool_calls: 1 }],
    ['parallel_tool_calls', { parallel_tool_calls: false, tool_choice: 'none' }],
    ['tool_choice', { tool_choice: 'sometimes' }],
    ['tool_choice.type', { tool_choice: { type: 'allowed_tools' } }],
    ['a tool of type custom', { tools: [{ type: 'custom', custom: { name: 'x' } }] }],
    ['a tool of type web_search', { tools: [{ type: 'web_search' }] }],
    ['tools.function.name', { tools: [{ type: 'function', function: {} }] }],
    ['tools.function.strict', { tools: [{ type: 'function', function: { name: 'f', strict: 'yes' } }] }],
    [
      'tools.function.parameters',
      { tools: [{ type: 'function', function: { name: 'f', parameters: 'x' } }] },
    ],
    [
      'tools.function.description',
      { tools: [{ type: 'function', function: { name: 'f', description: {} } }] },
    ],
    ['stop', { stop: [1] }],
    ['user', { user: 1 }],
    ['stream_options.include_obfuscation', { stream_options: { include_obfuscation: true } }],
    ['a message of role system further on', turns(HI, { role: 'system', content: 'x' })],
    ['a message of role function', turns({ role: 'function', name: 'f', content: 'x' })],
    ['a message of the assistant at the end', { messages: [HI, { role: 'assistant', content: 'I' }] }],
    ['messages.name', turns({ role: 'user', name: 'Ann', content: 'x' })],
    ['messages.refusal', turns({ role: 'assistant', content: 'x', refusal: 'no' })],
    ['messages.reasoning_content', turns({ role: 'assistant', content: 'x', reasoning_content: 'hm' })],
    ['what is of type refusal', turns({ role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] })],
    [
      'text.cache_control',
      turns({ role: 'user', content: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }] }),
    ],
    [
      'image_url.detail',
      turns({ role: 'user', content: [{ type: 'image_url', image_url: { url: PNG, detail: 'low' } }] }),
    ],
    ...['{', '[]', '1', '{"a":1,"a":2}', '{"a":12345678901234567890}', '{"a":1e400}'].map(
      (text): [string, object] => [
        'tool_calls.function.arguments',
        turns({ role: 'assistant', content: null, tool_calls: [call('1', text)] }),
      ],
    ),
    ['file.filename', said(file({ filename: '' }))],
    ['what is of type file', turns({ role: 'system', content: [file()] }, HI)],
    ['what is of type file', turns({ role: 'assistant', content: [file()] })],
    [
      'what is of type file',
      turns(
        { role: 'assistant', tool_calls: [call('1')] },
        { role: 'tool', tool_call_id: '1', content: [file()] },
      ),
    ],
    ['tool_calls.type', turns({ role: 'assistant', tool_calls: [{ ...call('1'), type: 'custom' }] })],
    [
      'tool_calls.extra_content',
      turns({ role: 'assistant', tool_calls: [{ ...call('1'), extra_content: { google: {} } }] }),
    ],
    [
      'messages.content',
      turns({ role: 'assistant', tool_calls: [call('1')] }, { role: 'tool', tool_call_id: '1' }),
    ],
  ])('is refused for %s', (member, more) => {
    const refused = attempt(() => toMessages(chat(more)));
    expect(refused).toMatchObject({ code: 'POLICY_DENIED', data: { caveat: member } });
    expect(refused?.data.hint).toContain("speaks Anthropic's messages");
  });

  it.each([
    ...['data:image/png,x', 'data:text/plain;base64,eA==', 'data:image/png;base64,??'],
    'DATA:image/png;base64,',
  ])('is refused for image_url.url, which is no picture in any protocol: %s', (url) => {
    const more = turns({ role: 'user', content: [{ type: 'image_url', image_url: { url } }] });
    expect(attempt(() => toMessages(chat(more)))).toMatchObject({
      ...{ code: 'POLICY_DENIED', data: { caveat: 'image_url.url' } },
    });
  });
});

// LLM-31
describe('messages as a chat completion', () => {
  it.each<[string, object, object]>([
    ['say their maximum', {}, {}],
    [
      'say the system first',
      { system: [{ type: 'text', text: 'be brief', cache_control: null }] },
      { messages: [{ role: 'system', content: 'be brief' }, HI] },
    ],
    ['have no system where there is none', { system: [] }, {}],
    ['stop', { stop_sequences: ['a', 'b'] }, { stop: ['a', 'b'] }],
    ['name their user', { metadata: { user_id: 'u' } }, { user: 'u' }],
    ['name nobody', { metadata: { user_id: null } }, {}],
    ['must call', { tool_choice: { type: 'any' } }, { tool_choice: 'required' }],
    [
      'must call one, alone',
      { tool_choice: { type: 'tool', name: 'add', disable_parallel_tool_use: true } },
      { tool_choice: { type: 'function', function: { name: 'add' } }, parallel_tool_calls: false },
    ],
    [
      'have tools',
      { tools: [{ type: 'custom', name: 'add', input_schema: { type: 'object' }, defer_loading: false }] },
      { tools: [{ type: 'function', function: { name: 'add', parameters: { type: 'object' } } }] },
    ],
    [
      'have results before what the user says',
      turns(
        {
          role: 'assistant',
          content: [{ type: 'text', text: 'I add', citations: null }, use('1'), use('2')],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: '1',
              content: [{ type: 'text', text: 'one' }],
              is_error: false,
            },
            { type: 'tool_result', tool_use_id: '2' },
            { type: 'text', text: 'and?' },
            { type: 'image', source: SOURCE },
          ],
        },
      ),
      turns(
        { role: 'assistant', content: 'I add', tool_calls: [call('1'), call('2')] },
        { role: 'tool', tool_call_id: '1', content: 'one' },
        { role: 'tool', tool_call_id: '2', content: '' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'and?' },
            { type: 'image_url', image_url: { url: PNG } },
          ],
        },
      ),
    ],
    [
      'show documents, each by its title',
      said(
        document({ context: null, cache_control: null, citations: { enabled: false } }),
        document({ citations: {} }),
      ),
      said(file(), file()),
    ],
    [
      'show a document without a title by a name that says nothing',
      said(document({ title: null })),
      said({ type: 'file', file: { ...file().file, filename: 'document.pdf' } }),
    ],
    [
      'have a call without a word',
      turns({ role: 'assistant', content: [{ ...use('1'), caller: { type: 'direct' } }] }),
      turns({ role: 'assistant', content: null, tool_calls: [call('1')] }),
    ],
    [
      'say nothing of what says nothing',
      {
        ...{
          top_k: null,
          thinking: { type: 'disabled' },
          speed: 'standard',
          inference_geo: 'global',
          cache_control: null,
          tools: [],
          stop_sequences: [],
        },
        ...{ metadata: null, stream: false, tool_choice: null, system: null },
      },
      {},
    ],
    ['pay the usual price', { service_tier: 'standard_only' }, { service_tier: 'default' }],
  ])('%s', (_, more, expected) => {
    expect(toChat(message(more))).toEqual({
      model: 'real',
      messages: [HI],
      max_completion_tokens: 9,
      ...expected,
    });
  });

  it.each<[string, object]>([
    ['top_k', { top_k: 5 }],
    ['temperature', { temperature: 1.5 }],
    ['thinking', { thinking: { type: 'enabled', budget_tokens: 1024 } }],
    ['cache_control', { cache_control: { type: 'ephemeral' } }],
    ['output_config', { output_config: { effort: 'low' } }],
    ['stop_sequences of more than 4', { stop_sequences: ['a', 'b', 'c', 'd', 'e'] }],
    ['metadata.more', { metadata: { more: 1 } }],
    ['a tool of type bash_20250124', { tools: [{ type: 'bash_20250124', name: 'bash' }] }],
    [
      'tools.cache_control',
      { tools: [{ name: 'a', input_schema: {}, cache_control: { type: 'ephemeral' } }] },
    ],
    ['tools.input_schema', { tools: [{ name: 'a' }] }],
    ['tool_choice.type', { tool_choice: { type: 'many' } }],
    ['tool_choice.name', { tool_choice: { type: 'auto', name: 'x' } }],
    [
      'tool_choice.disable_parallel_tool_use',
      { tool_choice: { type: 'none', disable_parallel_tool_use: true } },
    ],
    ['tool_choice.disable_parallel_tool_use', { tool_choice: { type: 'any', disable_parallel_tool_use: 1 } }],
    ['text.cache_control', { system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }] }],
    ['a message of role system', turns({ role: 'system', content: 'x' })],
    ['a message of the assistant at the end', { messages: [HI, { role: 'assistant', content: 'I' }] }],
    [
      'what is of type thinking',
      turns({ role: 'assistant', content: [{ type: 'thinking', thinking: 'hm' }] }),
    ],
    [
      'a block of type text after a call',
      turns({ role: 'assistant', content: [use('1'), { type: 'text', text: 'x' }] }),
    ],
    [
      'what is of type tool_result',
      turns({
        role: 'user',
        content: [
          { type: 'text', text: 'x' },
          { type: 'tool_result', tool_use_id: '1' },
        ],
      }),
    ],
    [
      'tool_result.is_error',
      turns({ role: 'user', content: [{ type: 'tool_result', tool_use_id: '1', is_error: true }] }),
    ],
    [
      'what is of type image',
      turns({
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: '1', content: [{ type: 'image', source: SOURCE }] }],
      }),
    ],
    [
      'image.cache_control',
      turns({
        role: 'user',
        content: [{ type: 'image', source: SOURCE, cache_control: { type: 'ephemeral' } }],
      }),
    ],
    ['document.title', said(document({ title: '' }))],
    ['document.context', said(document({ context: 'of last year' }))],
    ['document.citations', said(document({ citations: { enabled: true } }))],
    ['document.cache_control', said(document({ cache_control: { type: 'ephemeral' } }))],
    ['document.source.type', said(document({ source: { type: 'url', url: 'https://a.example/b.pdf' } }))],
    ...[
      { type: 'text', media_type: 'text/plain', data: 'x' },
      { type: 'content', content: 'x' },
    ].map((source): [string, object] => ['document.source.type', said(document({ source }))]),
    ['what is of type document', { system: [document()] }],
    ['what is of type document', turns({ role: 'assistant', content: [document()] })],
    ['what is of type document', said({ type: 'tool_result', tool_use_id: '1', content: [document()] })],
    ['tool_use.caller', turns({ role: 'assistant', content: [{ ...use('1'), caller: { type: 'other' } }] })],
  ])('are refused for %s', (member, more) => {
    const refused = attempt(() => toChat(message(more)));
    expect(refused).toMatchObject({ code: 'POLICY_DENIED', data: { caveat: member } });
    expect(refused?.data.hint).toContain("speaks OpenAI's chat completions");
  });

  it.each<[string, object]>([
    ['source.media_type', { ...SOURCE, media_type: 'a;b' }],
    ['source.data', { ...SOURCE, data: 'a b' }],
    ['source.url', { type: 'url', url: 'data:image/png;base64,' }],
  ])('are refused for %s, which is no picture in any protocol', (caveat, source) => {
    const more = turns({ role: 'user', content: [{ type: 'image', source }] });
    expect(attempt(() => toChat(message(more)))).toMatchObject({ code: 'POLICY_DENIED', data: { caveat } });
  });
});

// LLM-31
describe('a request that both protocols can say', () => {
  it('comes back as it was, and what is sent is of the protocol and asks for the same', () => {
    fc.assert(
      fc.property(conversation, (body) => {
        const said = toMessages(body);
        const [asked, shape] = [CHAT.readRequest(body, []), MESSAGES.readRequest(said, [])];
        const same = [
          'stream',
          'maxOutput',
          'pictures',
          'pictureBytes',
          'documents',
          'documentBytes',
        ] as const;
        for (const name of same) expect([name, shape[name]]).toEqual([name, asked[name]]);
        expect(shape.features).toEqual(asked.features);
        const back = toChat(said);
        expect(back).toEqual(body);
        expect(toMessages(back)).toEqual(said);
      }),
      { numRuns: 500 },
    );
  });

  it('is refused once any object of it has a member that nobody knows', () => {
    const unknown = fc.record({
      name: fc.constantFrom('zz', 'constructor', '__proto__', 'id2'),
      value: fc.jsonValue(),
    });
    fc.assert(
      fc.property(conversation, fc.nat(), unknown, fc.boolean(), (body, at, { name, value }, isBack) => {
        const whole = isBack ? toMessages(body) : body;
        const objects = objectsOf(whole);
        const chosen = objects[at % objects.length];
        const spoilt = withMember(whole, chosen!, name, value as JsonValue);
        const refused = attempt(() => (isBack ? toChat(spoilt) : toMessages(spoilt)));
        expect(refused?.code).toBe('POLICY_DENIED');
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a request that is nonsense somewhere', () => {
  it('is refused in a typed way, or goes through, and nothing else happens', () => {
    const hostile = fc.oneof(fc.jsonValue(), fc.constantFrom('', 'text', 'tool_use', '__proto__', 1e21, -1));
    fc.assert(
      fc.property(conversation, fc.nat(), hostile, fc.boolean(), (body, at, value, isBack) => {
        const whole = isBack ? toMessages(body) : body;
        const places = objectsOf(whole).flatMap((one) =>
          Object.keys(one).map((name) => [one, name] as const),
        );
        const [chosen, name] = places[at % places.length]!;
        const spoilt = withMember(whole, chosen, name, value as JsonValue);
        const refused = attempt(() => JSON.stringify(isBack ? toChat(spoilt) : toMessages(spoilt)));
        expect(['POLICY_DENIED', 'MALFORMED', undefined]).toContain(refused?.code);
      }),
      { numRuns: 2000 },
    );
  });
});

/** What belongs to the client alone, and is carried over as it is. */
const FREE: ReadonlySet<string> = new Set(['parameters', 'input_schema', 'input']);

function objectsOf(value: JsonValue): JsonObject[] {
  if (Array.isArray(value)) return value.flatMap(objectsOf);
  if (!isJsonObject(value)) return [];
  return [value, ...Object.entries(value).flatMap(([name, one]) => (FREE.has(name) ? [] : objectsOf(one)))];
}

function withMember<T extends JsonValue>(value: T, chosen: JsonObject, name: string, more: JsonValue): T {
  if (Array.isArray(value)) return value.map((one) => withMember(one, chosen, name, more)) as unknown as T;
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, withMember(one, chosen, name, more)]);
  return Object.fromEntries((value as JsonObject) === chosen ? [...entries, [name, more]] : entries) as T;
}

function attempt(work: () => unknown) {
  try {
    work();
  } catch (error) {
    if (isTrustError(error)) return error;
    throw error;
  }
  return undefined;
}
