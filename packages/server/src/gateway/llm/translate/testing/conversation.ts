import type { JsonObject } from '@talosprotocol/protocol';
import fc from 'fast-check';
import type { Dialect } from '../../dialect.js';
import type { TranslationContext } from '../translation.js';

/** What a translation knows of a request, whose model its provider calls by another name. */
export function contextOf(dialect: Dialect, body: JsonObject): TranslationContext {
  return { asked: dialect.readRequest(body, []), model: 'real', maxOutputTokens: 777, at: 1_700_000_000 };
}

const word = fc.string({ minLength: 1, maxLength: 8 });
const input = fc.dictionary(
  word,
  fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null), fc.array(word)),
  {
    maxKeys: 3,
  },
);
const textPart = word.map((text) => ({ type: 'text', text }));
const imagePart = fc
  .constantFrom('data:image/png;base64,iVBORw0KGgo=', 'https://pictures.example/a.png')
  .map((url) => ({ type: 'image_url', image_url: { url } }));
const filePart = word.map((filename) => ({
  type: 'file',
  file: { file_data: 'data:application/pdf;base64,JVBERi0x', filename },
}));
const texts = fc.oneof(word, fc.array(textPart, { minLength: 2, maxLength: 3 }));
const parts = fc.oneof(
  word,
  imagePart.map((one) => [one]),
  filePart.map((one) => [one]),
  fc.array(fc.oneof(textPart, imagePart, filePart), { minLength: 2, maxLength: 3 }),
);
const call = fc.record({ id: word, name: word, input }).map((one) => ({
  id: one.id,
  type: 'function',
  function: { name: one.name, arguments: JSON.stringify(one.input) },
}));
const user = parts.map((content) => [{ role: 'user', content }]);
const reply = texts.map((content) => [{ role: 'assistant', content }]);
const calling = fc
  .record({
    content: fc.oneof(texts, fc.constant(null)),
    calls: fc.array(call, { minLength: 1, maxLength: 3 }),
    texts,
  })
  .map((one) => [
    { role: 'assistant', content: one.content, tool_calls: one.calls },
    ...one.calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: one.texts })),
  ]);
const system = texts.map((content) => ({ role: 'system', content }));
const messages = fc
  .record({
    system: fc.option(system, { nil: undefined }),
    turns: fc.array(fc.oneof(user, reply, calling), { maxLength: 4 }),
    last: fc.oneof(user, calling),
  })
  .map((one) => [...(one.system === undefined ? [] : [one.system]), ...one.turns.flat(), ...one.last]);
const tool = fc
  .record({ name: word, description: word, strict: fc.boolean() }, { requiredKeys: ['name'] })
  .map((own) => ({
    type: 'function',
    function: { ...own, parameters: { type: 'object', properties: { a: { type: 'number' } } } },
  }));
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Requests of OpenAI's chat that Anthropic's messages can say, each in the one form that comes back. */
export const conversation: fc.Arbitrary<JsonObject> = fc.record(
  {
    model: fc.constant('real'),
    messages,
    max_completion_tokens: fc.integer({ min: 1, max: 10_000 }),
    stream: fc.constant(true),
    temperature: share,
    top_p: share,
    stop: fc.array(word, { minLength: 1, maxLength: 4 }),
    user: word,
    tools: fc.array(tool, { minLength: 1, maxLength: 3 }),
    tool_choice: fc.constantFrom('auto', 'required', { type: 'function', function: { name: 'f' } }),
    parallel_tool_calls: fc.constant(false),
    service_tier: fc.constant('default'),
  },
  { requiredKeys: ['model', 'messages', 'max_completion_tokens', 'tool_choice'] },
) as fc.Arbitrary<JsonObject>;

/** An answer, before it is said in a protocol. */
export interface Said {
  readonly words: readonly string[];
  readonly calls: readonly {
    readonly id: string;
    readonly name: string;
    readonly pieces: readonly string[];
  }[];
  readonly end: 'stop' | 'length' | 'refusal';
  readonly usage: {
    readonly plain: number;
    readonly read: number;
    readonly written: number;
    readonly output: number;
  };
}

const count = fc.integer({ min: 0, max: 100_000 });

export const answer: fc.Arbitrary<Said> = fc.record({
  words: fc.array(word, { maxLength: 4 }),
  calls: fc.array(
    fc.record({ id: word, name: word, input }).map((one) => ({
      id: one.id,
      name: one.name,
      pieces: JSON.stringify(one.input).split(/(?<=[,:])/),
    })),
    { maxLength: 3 },
  ),
  end: fc.constantFrom('stop', 'length', 'refusal'),
  usage: fc.record({ plain: count, read: count, written: count, output: count }),
});
