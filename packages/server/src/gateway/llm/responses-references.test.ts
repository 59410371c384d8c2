import type { JsonObject } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { createGivenItems } from './given-items.js';
import { RESPONSES } from './responses.js';
import { RESPONSE_REFERENCES as references } from './responses-references.js';

const OWNER = { principal: 'ana', holder: 'agent', provider: 'openai' };
const SAID = {
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'hi', annotations: [], logprobs: [] }],
};
const THOUGHT = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' };
const given = createGivenItems(() => 1);
given.keep(OWNER, [SAID, THOUGHT]);

const settle = (input: unknown, room = 10_000) =>
  references.settle({ model: 'm', input } as JsonObject, (id) => given.find(OWNER, id), room);
const inputOf = (...input: unknown[]) => settle(input).body['input'];

// LLM-36
describe('what a request refers to', () => {
  it.each<[string, object]>([
    ['by its type', { type: 'item_reference', id: 'msg_1' }],
    ['by its id alone', { id: 'msg_1' }],
    ['by an id without a type', { type: null, id: 'msg_1', role: null }],
  ])('is put in where it stands, as it was given (%s)', (_, one) => {
    const user = { role: 'user', content: 'x' };
    expect(inputOf(user, one, user)).toEqual([user, SAID, user]);
    expect(references.idsIn({ input: [one] } as JsonObject)).toEqual(['msg_1']);
  });

  it('completes a thought that says nothing, and no other', () => {
    const whole = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'mine' };
    expect(inputOf({ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: null })).toEqual([
      THOUGHT,
    ]);
    expect(inputOf(whole)).toEqual([whole]);
    expect(references.idsIn({ input: [whole] })).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['was never given', { type: 'item_reference', id: 'msg_2' }],
    ['was never given, by its id alone', { id: 'msg_2' }],
    ['has more to it', { type: 'item_reference', id: 'msg_1', role: 'system' }],
    ['has an id of no kind', { type: 'item_reference', id: ['msg_1'] }],
    ['has no id', { type: 'item_reference' }],
    ['is no thought that was given', { type: 'reasoning', id: 'rs_2', summary: [] }],
    ['stands in a message', { role: 'user', content: [{ type: 'item_reference', id: 'msg_1' }] }],
    [
      'stands in a result',
      { type: 'function_call_output', call_id: 'c', output: [{ type: 'item_reference', id: 'msg_1' }] },
    ],
    [
      'is a result',
      { type: 'function_call_output', call_id: 'c', output: { type: 'item_reference', id: 'msg_1' } },
    ],
    ['stands in a list', [{ type: 'item_reference', id: 'msg_1' }]],
  ])('is left, and refused, if it %s', (_, one) => {
    const { body, added } = settle([one]);
    expect([body['input'], added]).toEqual([[one], 0]);
    expect(() => RESPONSES.readRequest(body, [])).toThrow(/POLICY_DENIED|MALFORMED|not passed on|must be/);
  });

  it('is read once, however often it is named', () => {
    const asked: string[] = [];
    const find = (id: string) => {
      asked.push(id);
      return given.find(OWNER, id);
    };
    const one = { type: 'item_reference', id: 'msg_1' };
    const input = [one, one, { ...one, id: 'msg_never' }, one, { ...one, id: 'msg_never' }];
    const { added } = references.settle({ input }, find, 10_000);
    expect(asked).toEqual(['msg_1', 'msg_never']);
    expect(added).toBe(3 * JSON.stringify(SAID).length);
  });

  it('counts as if it was sent, and is no way to a request that is too long', () => {
    const size = JSON.stringify(SAID).length;
    const one = { type: 'item_reference', id: 'msg_1' };
    expect(settle([one, one, one]).added).toBe(3 * size);
    expect(settle([one, one], 2 * size).added).toBe(2 * size);
    expect(() => settle([one, one, one], 2 * size)).toThrow('too long');
  });

  it('leaves a request alone that refers to nothing', () => {
    for (const input of ['hi', null, 7, { id: 'msg_1' }, [{ role: 'user', content: 'x' }]]) {
      const body = { model: 'm', input } as JsonObject;
      expect(references.settle(body, () => undefined, 0).body).toBe(body);
      expect(references.idsIn(body)).toEqual([]);
    }
  });
});

describe('items of answers', () => {
  const events = (type: string, more: object) => JSON.stringify({ type, ...more });

  it('are those of a whole one, and of the events that have them whole', () => {
    expect(references.ofAnswer({ output: [SAID, 7, THOUGHT] })).toEqual([SAID, THOUGHT]);
    expect(references.ofAnswer({})).toEqual([]);
    expect(references.ofEvent(events('response.output_item.done', { item: SAID }))).toEqual([SAID]);
    for (const end of ['completed', 'incomplete'])
      expect(references.ofEvent(events(`response.${end}`, { response: { output: [SAID] } }))).toEqual([SAID]);
  });

  it('are none of what only speaks of them', () => {
    const delta = 'response.output_item.done';
    expect(references.ofEvent(events('response.output_text.delta', { delta, item: SAID }))).toEqual([]);
    expect(references.ofEvent(events('response.output_item.added', { item: SAID }))).toEqual([]);
    expect(references.ofEvent(events('response.failed', { response: { output: [SAID] } }))).toEqual([]);
    expect(references.ofEvent(events('response.completed', {}))).toEqual([]);
    expect(references.ofEvent(events('response.output_item.done', {}))).toEqual([]);
  });
});

// LLM-24
describe('what stands beside the protocol in an item', () => {
  it('is left out if its client made it, or if it says nothing', () => {
    const call = { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'add', arguments: '{}' };
    expect(inputOf({ ...call, parsed_arguments: { a: 1 }, namespace: null })).toEqual([call]);
    const text = { type: 'output_text', text: 'x', annotations: [] };
    const message = { type: 'message', id: 'm', role: 'assistant', status: 'completed' };
    const parts = [
      { ...text, parsed: { a: 1 }, other: null },
      { type: 'refusal', refusal: 'no', parsed: null },
    ];
    expect(inputOf({ ...message, content: parts, other: null })).toEqual([
      { ...message, content: [text, { type: 'refusal', refusal: 'no' }] },
    ]);
    const result = { type: 'function_call_output', call_id: 'c' };
    expect(inputOf({ ...result, output: [{ type: 'input_text', text: 'x', other: null }] })).toEqual([
      { ...result, output: [{ type: 'input_text', text: 'x' }] },
    ]);
    expect(inputOf({ ...THOUGHT, summary: [{ type: 'summary_text', text: 'x', other: null }] })).toEqual([
      { ...THOUGHT, summary: [{ type: 'summary_text', text: 'x' }] },
    ]);
    const shot = { type: 'computer_screenshot', image_url: 'data:,' };
    const seen = { type: 'computer_call_output', call_id: 'c' };
    expect(inputOf({ ...seen, output: { ...shot, other: null } })).toEqual([{ ...seen, output: shot }]);
  });

  it('stays where it is listed, also without a value', () => {
    const call = {
      type: 'function_call',
      id: null,
      call_id: 'c',
      name: 'add',
      arguments: '{}',
      status: null,
    };
    expect(inputOf(call)).toEqual([call]);
  });

  it.each<[string, object]>([
    ['is of another item', { role: 'user', content: 'x', parsed_arguments: {} }],
    ['is of another part', { role: 'user', content: [{ type: 'input_text', text: 'x', parsed: {} }] }],
    [
      'is of the other one',
      { type: 'function_call', call_id: 'c', name: 'add', arguments: '{}', parsed: { a: 1 } },
    ],
    ['says something', { role: 'user', content: 'x', other: false }],
    ['is of an item that nobody knows', { type: 'no_such', other: null }],
    ['is of a part that nobody knows', { role: 'user', content: [{ type: 'no_such', other: null }] }],
  ])('is refused if it %s', (_, one) => {
    const { body } = settle([one]);
    expect(body['input']).toEqual([one]);
    expect(() => RESPONSES.readRequest(body, [])).toThrow('not passed on');
  });
});

// LLM-36
describe('thoughts', () => {
  const rewrite = (body: object, model: string) =>
    RESPONSES.rewrite(body as JsonObject, {} as never, {
      model,
      maxOutput: undefined,
      maxField: 'max_tokens',
    });

  it.each(['o1', 'o3-mini', 'o4-mini', 'gpt-5', 'gpt-5-mini', 'gpt-5.1-codex', 'gpt-6', 'openai/gpt-5'])(
    'of %s are asked for whole',
    (model) => {
      expect(rewrite({}, model)['include']).toEqual(['reasoning.encrypted_content']);
    },
  );

  it.each(['gpt-4o-mini', 'gpt-4.1', 'gpt-5-chat-latest', 'gpt-oss-20b', 'o', 'omni', 'llama3', 'my-o3'])(
    'of %s are asked for only if the client has it think',
    (model) => {
      expect(rewrite({ reasoning: null }, model)['include']).toBeUndefined();
      expect(rewrite({ reasoning: { effort: null } }, model)['include']).toBeUndefined();
      const include = ['message.output_text.logprobs'];
      expect(rewrite({ include }, model)['include']).toEqual(include);
      expect(rewrite({ include, reasoning: { effort: 'low' } }, model)['include']).toEqual([
        ...include,
        'reasoning.encrypted_content',
      ]);
    },
  );

  it('are asked for once', () => {
    const include = ['reasoning.encrypted_content'];
    expect(rewrite({ include }, 'o3')['include']).toEqual(include);
  });
});
