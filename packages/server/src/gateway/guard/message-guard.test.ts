import type { Guard } from '@talosprotocol/contracts';
import type { JsonObject } from '@talosprotocol/protocol';
import { expect, test } from 'vitest';
import { createDetector } from './detect/detector.js';
import { compileGuards } from './guard.js';
import type { Looker } from './looker.js';
import { createMasks } from './masks.js';
import { guardMessage } from './message-guard.js';

const looker: Looker = async ({ look }, _, texts) => {
  if (look.kind !== 'scan') throw new TypeError('only scans are looked for here');
  return createDetector(look.spec)(texts);
};
const KEY = `ghp_${'a1B2'.repeat(9)}`;
const SECRETS: Guard = { name: 'secrets', kind: 'secrets', action: 'block' };
const MAILS: Guard = { name: 'mails', kind: 'personal', types: ['email'], action: 'mask' };

const look = (message: JsonObject, guard: Guard, place: 'prompt' | 'answer' = 'prompt') => {
  const masks = createMasks(JSON.stringify(message));
  const guards = compileGuards({ guards: [guard] });
  return guardMessage(message, { guards, looker, place, masks: place === 'prompt' ? masks : undefined });
};
const escapes = (text: string): string =>
  [...text].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
const call = (args: string): JsonObject => ({
  messages: [{ role: 'assistant', tool_calls: [{ id: 'c', function: { name: 'f', arguments: args } }] }],
});

test.each([
  ['behind a new line', JSON.stringify({ content: `# env\n${KEY}\n` })],
  ['in escapes', `{"token":"${escapes(KEY)}"}`],
  ['once plain and once in escapes', `{"a":"${KEY}","b":"${escapes(KEY)}"}`],
  ['in a member that another one hides', `{"a":"${escapes(KEY)}","a":"x"}`],
  ['in a name', `{"${escapes(KEY)}":1}`],
  ['cut off in the middle', `{"token":"${escapes(KEY)}`],
])('GRD-2 arguments are looked at as they will be read: %s', async (_, args) => {
  for (const place of ['prompt', 'answer'] as const) {
    expect((await look(call(args), SECRETS, place)).refusal?.code).toBe('CONTENT_REFUSED');
  }
});

test('GRD-4 arguments are masked as they read, and stay JSON', async () => {
  const args = JSON.stringify({ body: 'x\njo.doe@example.com "q"', to: 'jo.doe@example.com' });
  const { message, refusal } = await look(call(args), MAILS);
  expect(refusal).toBeUndefined();
  const [{ tool_calls: calls }] = message['messages'] as never as [
    { tool_calls: [{ function: { arguments: string } }] },
  ];
  expect(JSON.parse(calls[0].function.arguments)).toEqual({ body: 'x\n[EMAIL_1] "q"', to: '[EMAIL_1]' });
});

test.each([
  ['a picture that is none', { input: [{ type: 'input_image', image_url: `data:image/${KEY}` }] }],
  [
    'an address in arguments',
    { content: [{ type: 'tool_use', input: { url: `data:image/png;base64,${KEY} ` } }] },
  ],
  ['an example of a tool', { tools: [{ name: 'f', input_examples: [{ id: KEY }] }] }],
  ['an environment', { input: [{ type: 'local_shell_call', action: { env: { [KEY]: 'x' } } }] }],
  ['a schema of results', { tools: [{ output_schema: { properties: { [KEY]: {} } } }] }],
  ['headers of a hosted tool', { tools: [{ type: 'mcp', headers: { authorization: KEY } }] }],
  ['a token that is weighed', { logit_bias: { [KEY]: 1 } }],
  ['a role', { messages: [{ role: `user and ${KEY}`, content: 'x' }] }],
  ['a state', { content: [{ type: 'tool_result', status: `done, ${KEY}` }] }],
  [
    'words where bytes of a picture are',
    { content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: `see ${KEY}` } }] },
  ],
  [
    'what only says that it is bytes',
    { messages: [{ role: 'assistant', annotations: [{ type: 'base64', data: KEY }], content: 'x' }] },
  ],
  [
    'a text in a result that says it is a picture',
    { messages: [{ role: 'tool', content: [{ image_url: { url: `data:image/x;base64,${KEY}` } }] }] },
  ],
  ['a number', { metadata: { card: 4111111111111111 } }],
])('GRD-2 is looked at: %s', async (_, message) => {
  const cards: Guard = { name: 'cards', kind: 'personal', types: ['card'], action: 'block' };
  const refusals = [await look(message as JsonObject, SECRETS), await look(message as JsonObject, cards)];
  expect(refusals.some(({ refusal }) => refusal !== undefined)).toBe(true);
});

test('GRD-4 stands for another value what the request did not say itself', async () => {
  const message = {
    messages: [{ role: 'user', content: 'I know [EMAIL_1] and [EMAIL_3]; a@b.co, c@d.co, e@f.co' }],
  };
  const { message: masked } = await look(message, MAILS);
  expect(JSON.stringify(masked)).toContain('I know [EMAIL_1] and [EMAIL_3]; [EMAIL_2], [EMAIL_4], [EMAIL_5]');
});

test('GRD-6 a service elsewhere is asked only about what the others let pass, as they let it', async () => {
  const asked: string[] = [];
  const both = compileGuards({
    guards: [
      { name: 'mine', kind: 'external', url: 'http://127.0.0.1:1/', action: 'flag' },
      MAILS,
      { ...SECRETS, name: 'keys' },
    ],
  });
  const spying: Looker = async (guard, place, texts) => {
    if (guard.look.kind !== 'external') return looker(guard, place, texts);
    asked.push(...texts);
    return texts.map(() => []);
  };
  const ask = (content: string) =>
    guardMessage(
      { messages: [{ role: 'user', content }] },
      {
        ...{ guards: both, looker: spying, place: 'prompt', masks: createMasks('') },
      },
    );
  await ask('to jo.doe@example.com');
  expect(asked).toEqual(['to [EMAIL_1]']);
  const { verdicts } = await ask(`use ${KEY}`);
  expect(asked).toHaveLength(1);
  expect(verdicts).toMatchObject([
    { guard: 'mine', action: 'allow' },
    { guard: 'mails' },
    { guard: 'keys', action: 'block' },
  ]);
});

test('GRD-3 a schema is that of words: not of thoughts, calls and what is empty', async () => {
  const schema: Guard = { name: 'form', kind: 'schema', schema: { type: 'object' }, action: 'block' };
  const message = {
    role: 'assistant',
    content: '',
    reasoning_content: 'hm',
    tool_calls: [{ function: { arguments: 'x' } }],
  };
  expect((await look({ choices: [{ message }] }, schema, 'answer')).refusal).toBeUndefined();
  const response = { output: [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] }] };
  expect((await look(response, schema, 'answer')).refusal).toBeUndefined();
  const said = { choices: [{ message: { content: 'no JSON' } }] };
  expect((await look(said, { ...schema, schema: {} }, 'answer')).refusal?.code).toBe('CONTENT_REFUSED');
});

test('what is nested deeper than anything is refused in a typed way', async () => {
  let deep: JsonObject = { text: 'x' };
  for (let level = 0; level < 20_000; level += 1) deep = { a: deep };
  const guards = compileGuards({ guards: [SECRETS] });
  const looking = guardMessage({ choices: [deep] }, { guards, looker, place: 'answer', masks: undefined });
  await expect(looking).rejects.toMatchObject({
    code: 'UPSTREAM_FAILED',
  });
});
