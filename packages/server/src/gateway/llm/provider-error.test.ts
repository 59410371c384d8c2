import type { JsonObject } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { CHAT } from './chat.js';
import type { Dialect, StreamReader } from './dialect.js';
import { MESSAGES } from './messages.js';
import {
  isNoAnswer,
  isOfAccount,
  saysFailed,
  TOLD_ERROR,
  toldRefusal,
  unlisted,
  withToldError,
} from './provider-error.js';
import { RESPONSES } from './responses.js';

const SURFACES: readonly (readonly [string, Dialect, JsonObject])[] = [
  ['a chat', CHAT, { model: 'm', messages: [{ role: 'user', content: 'x' }] }],
  ['messages', MESSAGES, { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] }],
  ['responses', RESPONSES, { model: 'm', input: 'x' }],
];
const open = (dialect: Dialect, body: JsonObject): StreamReader =>
  dialect.readStream?.(dialect.readRequest(body, [])) as StreamReader;

const SAID = { message: 'key sk-1 of org-77', code: 400 };
const ERRORS: readonly (readonly [string, string | undefined, JsonObject])[] = [
  ['`error`', undefined, { error: SAID }],
  ['`error` as a text', undefined, { error: 'key sk-1' }],
  ['`error` beside words', undefined, { error: SAID, choices: [{ index: 0, delta: { content: 'x' } }] }],
  ['`error` of an answer', undefined, { choices: [{ index: 0, delta: {}, error: SAID }] }],
  ['`object`', undefined, { object: 'error', ...SAID }],
  ['`type`', undefined, { type: 'error', ...SAID }],
  ['the name of the event', 'error', SAID],
];

// LLM-10, LLM-26
describe.each(SURFACES)('an error in a stream of %s', (_, dialect, body) => {
  it.each(ERRORS)('is told as one of ours, whether it is said by %s', (_form, event, data) => {
    const reader = open(dialect, body);
    expect(() => reader.read({ event, data: JSON.stringify(data) })).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_FAILED', message: expect.not.stringContaining('sk-1') }),
    );
  });

  it('is none where it is null', () => {
    const data = JSON.stringify({ error: null, choices: [{ index: 0, delta: {}, error: null }] });
    expect(open(dialect, body).read({ data })).toBe(true);
  });
});

// LLM-10, LLM-26
describe('a response that comes bit by bit', () => {
  it.each(['failed', 'completed', 'incomplete', 'in_progress'])(
    'says nothing of why it failed: %s',
    (end) => {
      const response = { id: 'r', status: 'failed', error: SAID, output: [] };
      const failed = {
        event: `response.${end}`,
        data: JSON.stringify({ type: `response.${end}`, response }),
      };
      const wordless = open(RESPONSES, { model: 'm', input: 'x' });
      expect(() => wordless.read(failed)).toThrow('ended the stream with an error');
      const reader = open(RESPONSES, { model: 'm', input: 'x' });
      reader.read({ data: JSON.stringify({ type: 'response.output_text.delta', delta: 'a' }) });
      const told = reader.read(failed) as { readonly data: string };
      expect(JSON.parse(told.data)).toEqual({
        type: `response.${end}`,
        response: { ...response, error: TOLD_ERROR },
      });
    },
  );
});

// LLM-34
describe('a response that failed', () => {
  it.each<[string, boolean, object]>([
    ['response.failed', true, { status: 'failed' }],
    ['response.completed', true, { status: 'failed' }],
    ['response.completed', true, { error: SAID }],
    ['response.completed', false, { status: 'completed', error: null }],
    ['response.incomplete', false, { status: 'incomplete', error: null }],
  ])('is known after %s: %s for %j', (type, failed, response) => {
    const reader = open(RESPONSES, { model: 'm', input: 'x' });
    reader.read({ data: JSON.stringify({ type: 'response.output_text.delta', delta: 'a' }) });
    expect(reader.hasFailed?.()).toBe(false);
    reader.read({ data: JSON.stringify({ type, response }) });
    expect(reader.hasFailed?.()).toBe(failed);
  });
});

// LLM-34
describe('a chat that failed', () => {
  const choice = (reason: string | null) => ({ index: 0, delta: { content: 'x' }, finish_reason: reason });

  it.each<[string | null, boolean]>([
    ['error', true],
    ['stop', false],
    [null, false],
  ])('is known by how it ends, whole and bit by bit: %j', (reason, failed) => {
    const reader = open(CHAT, { model: 'm', messages: [{ role: 'user', content: 'x' }] });
    expect(reader.hasFailed?.()).toBe(false);
    reader.read({ data: JSON.stringify({ choices: [choice(reason)] }) });
    reader.read({ data: JSON.stringify({ choices: [choice(null)] }) });
    expect(reader.hasFailed?.()).toBe(failed);
    expect(saysFailed({ choices: [choice(null), choice(reason)] })).toBe(failed);
  });

  it('or by its state, as a response', () => {
    expect([saysFailed({ status: 'failed', output: [] }), saysFailed({ output: [] })]).toEqual([true, false]);
  });
});

// LLM-10, LLM-28
describe('what is no answer', () => {
  it.each<[JsonObject, boolean]>([
    [{ choices: null, base_resp: { status_code: 1004, status_msg: 'key sk-1' } }, true],
    [{ detail: 'key sk-1' }, true],
    [{ id: 'x', object: 'chat.completion' }, true],
    [{ choices: [], error: SAID }, true],
    [{ choices: [{}], type: 'error' }, true],
    [{ choices: [] }, false],
    [{ content: [], error: null }, false],
    [{ output: [{}], error: SAID }, false],
    [{ data: [{}] }, false],
    [{ input_tokens: 0 }, false],
  ])('has nothing of one, whatever it says besides: %j', (body, isNone) => {
    expect(isNoAnswer(body)).toBe(isNone);
  });
});

// LLM-10, LLM-26
describe('an error beside a whole answer', () => {
  it('is told in fixed words, and all else as it is', () => {
    const choice = { index: 0, message: { role: 'assistant', content: 'x' }, error: SAID };
    const other = { index: 1, message: { role: 'assistant', content: 'y' } };
    expect(withToldError({ id: 'c', error: SAID, choices: [choice, other] })).toEqual({
      id: 'c',
      error: TOLD_ERROR,
      choices: [{ ...choice, error: TOLD_ERROR }, other],
    });
    expect(withToldError({ output: [{ type: 'reasoning' }], error: 'key sk-1' })).toEqual({
      output: [{ type: 'reasoning' }],
      error: TOLD_ERROR,
    });
  });

  it('is none where it is null: the answer is the same', () => {
    const answer = { error: null, choices: [{ error: null }, null, 'x'] };
    expect(withToldError(answer)).toBe(answer);
  });
});

// LLM-10
describe('a refusal of a request', () => {
  const own = {
    message: 'no JSON',
    type: 'invalid_request_error',
    code: 'json_validate_failed',
    param: null,
  };
  it.each<[string, JsonObject, JsonObject | undefined]>([
    [
      'what a model wrote',
      { error: { ...own, failed_generation: 'the answer' }, choices: [] },
      { error: own },
    ],
    [
      'the form of messages',
      { type: 'error', error: { type: 'x', message: 'm', details: {} }, request_id: 'r' },
      { type: 'error', error: { type: 'x', message: 'm' } },
    ],
    [
      'numbers',
      { error: { message: 'm', code: 400, param: ['the answer'] } },
      { error: { message: 'm', code: 400 } },
    ],
    [
      'more than a message',
      { error: { message: 'x'.repeat(9_000) } },
      { error: { message: 'x'.repeat(2_048) } },
    ],
    ['a text', { error: 'x'.repeat(9_000) }, { error: 'x'.repeat(2_048) }],
    ['no message', { error: { failed_generation: 'the answer' } }, undefined],
    ['nothing', { error: null, message: 'm' }, undefined],
    ['another form', { detail: 'm' }, undefined],
  ])('is told by its own members alone: %s', (_, said, told) => {
    expect(toldRefusal(said)).toEqual(told);
  });

  it.each([
    ['[{"error":{"message":"m"}}]', '{"error":{"message":"m"}}'],
    [' \n[ {"error":1} ]\n', '{"error":1}'],
    ['{"error":[1]}', '{"error":[1]}'],
    ['[{"error":1},{"error":2}]', '[{"error":1},{"error":2}]'],
    ['no JSON', 'no JSON'],
  ])('may stand in a list, as that of Google does: %s', (text, told) => {
    expect(unlisted(text)).toBe(told);
  });

  it('is none where the list has no end', () => {
    expect(() => unlisted('[{"error":')).toThrow('no JSON object');
  });
});

// LLM-10
describe('a refusal with the status of a fault of the request', () => {
  it.each([
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.',
    'You have reached your specified API usage limits. You will regain access on 2026-12-01.',
    'You have reached your specified workspace API usage limits.',
    'API key not valid. Please pass a valid API key.',
    'API key expired. Please renew the API key.',
    'User location is not supported for the API use.',
    'Gemini API free tier is not available in your country.',
    'Billing hard limit has been reached.',
  ])('is of the operator where it says so: %s', (message) => {
    expect(isOfAccount(JSON.stringify({ type: 'error', error: { type: 'x', message } }))).toBe(true);
    expect(isOfAccount(JSON.stringify({ error: { message: `messages.0: ${message}` } }))).toBe(false);
  });

  it.each([
    '',
    'x',
    '{}',
    '{"error":"API key not valid"}',
    '{"error":{"message":1}}',
    '{"error":{"message":"bad name"}}',
  ])('is of the request else: %s', (text) => expect(isOfAccount(text)).toBe(false));
});
