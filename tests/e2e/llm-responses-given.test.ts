import { createOpenAI } from '@ai-sdk/openai';
import { type AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type FakeProvider,
  messageItem,
  responseAnswer,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import {
  callItem,
  type FakeItem,
  reasoningItem,
  responseItemsAnswer,
} from '../../packages/server/src/gateway/llm/testing/fake-responses.js';
import { type LlmWorld, openLlmWorld, PROVIDER_KEYS, RATES } from '../support/llm-world.js';

let world: LlmWorld;
let key: string;
beforeAll(async () => {
  world = await openLlmWorld();
  key = await world.key();
  await world.configure((document) => {
    const { openai } = document.providers ?? {};
    const models = { ...openai?.models, 'gpt-5-mini': { rates: RATES } };
    const providers = { ...document.providers, openai: { ...openai!, models } };
    const twin = { ...openai!, models: { 'gpt-5-twin': { rates: RATES } } };
    const behind = [{ model: 'twin/gpt-5-twin' }, { model: 'openai/gpt-5-mini' }];
    return { ...document, providers: { ...providers, twin }, aliases: { both: { models: behind } } };
  });
});
afterAll(() => world?.close());
beforeEach(() => {
  world.openai.asked.length = 0;
  answerWith(callItem(CALL));
});

const CALL = { name: 'add', arguments: '{"a":1,"b":2}' };
const SCHEMA = {
  type: 'object',
  properties: { a: { type: 'number' }, b: { type: 'number' } },
  required: ['a', 'b'],
  additionalProperties: false,
} as const;

const reply = (text: string): FakeItem => ({ ...messageItem(text), id: 'msg_9' });

/** Answers so until the result of a tool is there, or until it was asked twice; then in words. */
function answerWith(...items: FakeItem[]): void {
  let calls = 0;
  world.openai.answer = (response, asked) => {
    calls += 1;
    const isDone = calls > 2 || JSON.stringify(asked.body.input).includes('function_call_output');
    return responseItemsAnswer(isDone ? [reply('it is 3')] : items)(response, asked);
  };
}

const base = () => `${world.ready.gateway}/v1`;
const sentItems = (call = -1) => world.openai.asked.at(call)!.body.input as FakeItem[];
const typesOf = (items: readonly FakeItem[]) => items.map(({ type, role }) => type ?? role);

const SPOKEN = () => [messageItem('I add'), callItem(CALL)];
const THOUGHT = () => [reasoningItem(''), callItem(CALL)];
const SUMMED = () => [reasoningItem('a sum'), messageItem('I add'), callItem(CALL)];
const answers: readonly (readonly [string, string, () => FakeItem[]])[] = [
  ['speaks', 'gpt-4o-mini', SPOKEN],
  ['thinks', 'gpt-5-mini', THOUGHT],
  ['thinks and speaks', 'gpt-5-mini', SUMMED],
];
const loops = answers.flatMap(([name, model, items]) =>
  [false, true].map((isStream) => [name, isStream, model, items] as const),
);

// LLM-36, LLM-24
describe.each(loops)('a model that %s before it calls (stream: %s)', (_, isStream, model, items) => {
  beforeEach(() => answerWith(...items()));

  it('goes on with the AI SDK as it comes', async () => {
    const execute = ({ a, b }: { a: number; b: number }) => Promise.resolve(a + b);
    const tools = { add: tool({ inputSchema: jsonSchema<{ a: number; b: number }>(SCHEMA), execute }) };
    const sdk = createOpenAI({ apiKey: key, baseURL: base() })(model);
    const request = { model: sdk, prompt: 'add', maxRetries: 0, tools, stopWhen: stepCountIs(3) };
    const answer = isStream ? streamText(request) : await generateText(request);
    expect(await answer.text).toBe('it is 3');
    expect(world.openai.asked).toHaveLength(2);
    expect(typesOf(sentItems())).toEqual(['user', ...typesOf(items()), 'function_call_output']);
    // And again, with all of it sent back as it has it.
    const said = (await answer.response).messages;
    const user = { role: 'user' as const, content: 'and?' };
    const more = await generateText({ model: sdk, maxRetries: 0, messages: [user, ...said, user] });
    expect(more.text).toBe('it is 3');
    expect(JSON.stringify(sentItems())).not.toContain('item_reference');
  });

  it('goes on with LangChain as it comes', async () => {
    const client = { apiKey: key, maxRetries: 0, configuration: { baseURL: base() } };
    const llm = new ChatOpenAI({ ...client, model, useResponsesApi: true });
    const bound = llm.bindTools([{ type: 'function', function: { name: 'add', parameters: SCHEMA } }]);
    const asked = new HumanMessage('add');
    const first = isStream ? await streamed(bound, [asked]) : await bound.invoke([asked]);
    expect(first.tool_calls).toMatchObject([{ name: 'add', args: { a: 1, b: 2 } }]);
    const result = new ToolMessage({ content: '3', tool_call_id: first.tool_calls![0]!.id! });
    const second = await bound.invoke([asked, first, result]);
    expect(second.text).toBe('it is 3');
    expect((await bound.invoke([asked, first, result, second, asked])).text).toBe('it is 3');
  });

  it("goes on with OpenAI's client, parsed", async () => {
    const client = new OpenAI({ apiKey: key, baseURL: base(), maxRetries: 0 });
    const tools = [{ type: 'function' as const, name: 'add', parameters: SCHEMA, strict: true }];
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'add' }];
    const ask = () =>
      isStream
        ? client.responses.stream({ model, input, tools }).finalResponse()
        : client.responses.parse({ model, input, tools });
    const first = await ask();
    expect(first.output.at(-1)).toMatchObject({ parsed_arguments: { a: 1, b: 2 } });
    input.push(...(first.output as OpenAI.Responses.ResponseInputItem[]));
    input.push({ type: 'function_call_output', call_id: 'call_1', output: '3' });
    const second = await ask();
    expect(second.output_text).toBe('it is 3');
    expect(JSON.stringify(sentItems())).not.toContain('parsed');
    input.push(...(second.output as OpenAI.Responses.ResponseInputItem[]), { role: 'user', content: 'and?' });
    expect((await ask()).output_text).toBe('it is 3');
  });
});

async function streamed(
  model: { stream(input: HumanMessage[]): Promise<AsyncIterable<AIMessage>> },
  input: HumanMessage[],
): Promise<AIMessage> {
  let whole: (AIMessage & { concat?: (more: AIMessage) => AIMessage }) | undefined;
  for await (const chunk of await model.stream(input)) whole = whole?.concat?.(chunk) ?? chunk;
  return whole!;
}

async function post(body: object, own = key) {
  const response = await fetch(`${base()}/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${own}` },
    body: JSON.stringify({ model: 'gpt-5-mini', input: 'hi', ...body }),
  });
  const text = await response.text();
  const isStream = response.headers.get('content-type') === 'text/event-stream';
  const receipt = response.headers.get('x-talos-receipt');
  return { status: response.status, receipt, text, body: isStream ? undefined : JSON.parse(text) };
}

const refer = (id: string, model = 'gpt-5-mini') => ({ model, input: [{ type: 'item_reference', id }] });

/** Has a model say one item, whose id nobody has had before. */
let ids = 0;
async function given({ text = 'a word', own = key, model = 'gpt-5-mini', stream = false } = {}) {
  const id = `msg_given_${ids++}`;
  const item = { ...messageItem(text), id };
  const answer: FakeProvider['answer'] = responseItemsAnswer([item]);
  world.openai.answer = answer;
  const { status, receipt, text: said } = await post({ model, stream }, own);
  expect(status, said).toBe(200);
  world.openai.answer = responseAnswer('fine');
  world.openai.asked.length = 0;
  return { id, item, receipt, said };
}

const UNKEPT = 'Set store to false in your client, so that it sends items whole.';

// LLM-36
describe('an item that somebody was given', () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])(
    'is sent whole for its id, and held for as if it was sent (stream: %s, of a key with a limit: %s)',
    async (stream, isLimited) => {
      const most = { per: 'total', cost: { amount: 100_000_000, currency: 'USD' } } as const;
      const own = isLimited ? await world.key(undefined, [most]) : key;
      const { id, item } = await given({ text: 'word '.repeat(2_000), stream, own });
      const answer = await post(refer(id), own);
      expect(answer.status, answer.text).toBe(200);
      expect(world.openai.asked[0]?.body).toMatchObject({ input: [item], store: false });
      const whole = await post({ input: [item] }, own);
      const held = async ({ receipt }: { receipt: string | null }) =>
        (await world.record(receipt)).decision.held!.amount;
      const [one, other] = [await held(answer), await held(whole)];
      expect(one).toBeGreaterThanOrEqual(other);
      expect(one - other).toBeLessThan(200);
    },
  );

  it('is nobody else’s, and nothing tells whether there is one', async () => {
    const { id } = await given();
    const other = await world.key();
    const [theirs, none] = [await post(refer(id), other), await post(refer('msg_never'), other)];
    for (const { status, body } of [theirs, none]) {
      expect([status, body.error.code]).toEqual([403, 'POLICY_DENIED']);
      expect(body.error.hint).toContain(UNKEPT);
    }
    const words = ({ body }: typeof theirs) => [body.error.message, body.error.hint, body.error.caveat];
    expect(words(theirs)).toEqual(words(none));
    expect(world.openai.asked).toEqual([]);
  });

  it('is the other one’s own where both were given one of that id', async () => {
    const other = await world.key();
    const say = async (text: string, own: string) => {
      world.openai.answer = responseItemsAnswer([{ ...messageItem(text), id: 'msg_same' }]);
      expect((await post({}, own)).status).toBe(200);
    };
    await say('hers', key);
    await say('his', other);
    for (const [own, text] of [
      [key, 'hers'],
      [other, 'his'],
    ] as const) {
      await post(refer('msg_same'), own);
      expect(sentItems()[0]?.['content'][0].text).toBe(text);
    }
    await say('newer', key);
    await post(refer('msg_same'));
    expect(sentItems()[0]?.['content'][0].text).toBe('newer');
  });

  it('is not for another agent below the same root, whatever its key was narrowed from', async () => {
    const agent = await world.agent();
    const narrow = () =>
      agent.attenuateToBearer({
        aud: 'same',
        grants: [{ scope: 'llm:*', ops: ['write'] }],
        exp: Math.floor(Date.now() / 1000) + 600,
      });
    const own = await narrow();
    const { id } = await given({ own });
    expect((await post(refer(id), await narrow())).body.error.code).toBe('POLICY_DENIED');
    expect((await post(refer(id), own)).status).toBe(200);
  });

  it('is not for another provider, also not behind an alias', async () => {
    const { id } = await given();
    expect((await post(refer(id, 'twin/gpt-5-twin'))).body.error.code).toBe('POLICY_DENIED');
    expect((await post(refer(id, 'openai/gpt-5-mini'))).status).toBe(200);
    world.openai.asked.length = 0;
    // Its first model is of another provider, and is passed over.
    const answer = await fetch(`${base()}/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(refer(id, 'both')),
    });
    expect([answer.status, answer.headers.get('x-talos-model')]).toEqual([200, 'openai/gpt-5-mini']);
    expect((await post(refer('msg_never', 'both'))).body.error.code).toBe('POLICY_DENIED');
    expect(world.openai.asked[0]?.headers.authorization).toBe(`Bearer ${PROVIDER_KEYS.openai}`);
  });

  it('is what constraints see in its place', async () => {
    const scope = 'llm:openai/model:gpt-5-mini';
    const agent = await world.agent();
    const keyFor = (role: string) =>
      agent.attenuateToBearer({
        aud: 'same',
        grants: [
          { scope, ops: ['write'], where: [{ ptr: '/input', op: 'eq', value: 'hi' }] },
          { scope, ops: ['write'], where: [{ ptr: '/input/0/role', op: 'eq', value: role }] },
        ],
        exp: Math.floor(Date.now() / 1000) + 600,
      });
    for (const [role, status] of [
      ['assistant', 200],
      ['user', 403],
    ] as const) {
      const own = await keyFor(role);
      const { id } = await given({ own });
      const answer = await post(refer(id), own);
      expect(answer.status).toBe(status);
      if (status === 403) expect(answer.body.error.code).toBe('CONSTRAINT_VIOLATED');
    }
  });

  it('is none in a nested place, or with more to it', async () => {
    const { id } = await given();
    const reference = { type: 'item_reference', id };
    for (const input of [
      [{ role: 'user', content: [reference] }],
      [{ type: 'function_call_output', call_id: 'c', output: [reference] }],
      [{ ...reference, role: 'system', content: 'x' }],
      [{ id: 'msg_never' }],
      [{ type: 'reasoning', id: 'rs_never', summary: [] }],
    ])
      expect((await post({ input })).body.error.code).toBe('POLICY_DENIED');
    expect(world.openai.asked).toEqual([]);
  });

  it('is none if it is too long, or was never whole', async () => {
    const { id } = await given({ text: 'x'.repeat(270_000) });
    expect((await post(refer(id))).body.error.code).toBe('POLICY_DENIED');
    const item = { ...messageItem('x'), id: 'msg_cut' };
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        `data: ${JSON.stringify({ type: 'response.output_item.added', output_index: 0, item })}\n\n`,
      );
    };
    await post({ stream: true });
    expect((await post(refer('msg_cut'))).body.error.code).toBe('POLICY_DENIED');
  });

  it('is no way to a request that is longer than one may be', async () => {
    const { id } = await given({ text: 'x'.repeat(200_000) });
    const [one] = refer(id).input;
    expect((await post({ input: [one, one, one] })).status).toBe(200);
    const answer = await post({ input: Array.from({ length: 2_000 }, () => one) });
    expect([answer.status, answer.body.error.code]).toEqual([400, 'MALFORMED']);
    expect(world.openai.asked).toHaveLength(1);
  });

  it('of a stream is there for as long as it was told, however it ends', async () => {
    const item = { ...messageItem('x'), id: 'msg_told' };
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        `data: ${JSON.stringify({ type: 'response.output_item.done', output_index: 0, item })}\n\n`,
      );
    };
    expect((await post({ stream: true })).text).toContain('UPSTREAM_FAILED');
    world.openai.answer = responseAnswer('fine');
    expect((await post(refer('msg_told'))).status).toBe(200);
  });
});

const MAIL = 'jo.doe@example.com';
const mails = (at: 'answer' | 'prompt') => ({
  name: 'mails',
  kind: 'personal' as const,
  types: ['email' as const],
  at: [at],
});

// LLM-36
describe('an item that guards changed', () => {
  beforeEach(() => world.configure((document) => ({ ...document, guards: [] })));
  afterAll(() => world.configure((document) => ({ ...document, guards: [] })));

  it.each([false, true])('is kept as its client saw it (stream: %s)', async (stream) => {
    await world.configure((document) => ({ ...document, guards: [{ ...mails('answer'), action: 'mask' }] }));
    const { id, said } = await given({ text: `write to ${MAIL} please`, stream });
    expect(said).not.toContain(MAIL);
    await world.configure((document) => ({ ...document, guards: [] }));
    expect((await post(refer(id))).status).toBe(200);
    const sent = JSON.stringify(sentItems());
    expect(sent).toContain('write to [EMAIL] please');
    expect(sent).not.toContain(MAIL);
  });

  it.each([false, true])('is none if they kept it back (stream: %s)', async (stream) => {
    await world.configure((document) => ({ ...document, guards: [{ ...mails('answer'), action: 'block' }] }));
    const item = { ...messageItem(`write to ${MAIL}`), id: `msg_kept_back_${stream}` };
    world.openai.answer = responseItemsAnswer([item]);
    expect((await post({ stream })).text).toContain('CONTENT_REFUSED');
    await world.configure((document) => ({ ...document, guards: [] }));
    expect((await post(refer(item.id))).body.error.code).toBe('POLICY_DENIED');
  });

  it('is looked at again where it is referred to', async () => {
    const { id } = await given({ text: `write to ${MAIL}` });
    const guard = mails('prompt');
    await world.configure((document) => ({ ...document, guards: [{ ...guard, action: 'block' }] }));
    expect((await post(refer(id))).body.error.code).toBe('CONTENT_REFUSED');
    await world.configure((document) => ({ ...document, guards: [{ ...guard, action: 'mask' }] }));
    expect((await post(refer(id))).status).toBe(200);
    expect(JSON.stringify(sentItems())).not.toContain(MAIL);
  });
});
