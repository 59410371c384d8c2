import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createLog, type LogFields } from './log.js';
import { createSecret } from './secret.js';

const KNOWN = 'a-known-secret-of-this-process';
const SEED = 'Q'.repeat(43);
const CHAIN = 'eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJkaWQ6a2V5OnoifQ.c2lnbmF0dXJl';

function collect(format: 'json' | 'short' = 'json') {
  const lines: string[] = [];
  const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ level: 'debug', format, clock, secrets: [createSecret(KNOWN)], write });
  return { log, text: () => lines.join('') };
}

const CANARIES: [string, string, string][] = [
  ['a bearer key', `talos_${CHAIN}~${SEED}`, SEED],
  ['a chain with its seed', `${CHAIN}~${SEED}`, SEED],
  ['the administrator token', `tal_admin_${SEED}`, SEED],
  ['an Authorization header', `authorization: Bearer ${SEED}`, SEED],
  ['an Authorization value', `sent Bearer abcdef${SEED}`, SEED],
  ['a provider key', 'x-api-key: sk-live-123456789', '123456789'],
  ['a database URL', 'connecting to postgres://user:hunter2@db/talos', 'hunter2'],
  ['a query string', 'GET https://x.example/cb?access_token=hunter2&b=1', 'hunter2'],
  ['a password in JSON', '{"password":"hunter2"}', 'hunter2'],
  ['a value this process knows', `went wrong with ${KNOWN} inside`, KNOWN],
];

describe('a secret never reaches the log', () => {
  it.each(CANARIES)('%s', (_, text, canary) => {
    for (const format of ['json', 'short'] as const) {
      const { log, text: written } = collect(format);
      log.info(text);
      log.child({ route: text }).warn('x', { path: text, hint: text, line: text });
      const cause = Object.assign(new Error(text), { query: text, config: { headers: text } });
      log.error('failed', { err: new Error('outer', { cause }) });
      log.error('failed', { err: text });
      log.error('failed', { err: Object.assign(new Error(`x ${text}`), { name: text, code: text }) });
      expect(written()).not.toContain(canary);
      expect(written()).toContain('redacted');
    }
  });

  it('also when a field is unknown or a secret object is passed', () => {
    const { log, text } = collect();
    const fields = { headers: { authorization: KNOWN }, body: KNOWN, route: createSecret(KNOWN) };
    log.info('x', fields as unknown as LogFields);
    expect(text()).not.toContain(KNOWN);
  });
});

it('a secret prints as [redacted] however it is printed', () => {
  const secret = createSecret(KNOWN);
  for (const printed of [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ a: [secret] }),
  ]) {
    expect(printed).not.toContain(KNOWN);
    expect(printed).toContain('[redacted]');
  }
  expect(secret.reveal()).toBe(KNOWN);
});

it('writes one JSON object a line with time, level, message and known fields', () => {
  const { log, text } = collect();
  log.child({ room: 'kernel' }).info('listening', { host: '127.0.0.1', port: 8000 });
  expect(JSON.parse(text())).toEqual({
    level: 'info',
    time: '2023-11-14T22:13:20.000Z',
    room: 'kernel',
    host: '127.0.0.1',
    port: 8000,
    msg: 'listening',
  });
});

it('writes of an error its name, message, code, stack and cause, and nothing else', () => {
  const { log, text } = collect();
  const cause = Object.assign(new RangeError('inner'), { code: 'EIO', query: 'SELECT' });
  log.error('failed', { err: new Error('outer', { cause }) });
  const stack = expect.any(String);
  expect(JSON.parse(text()).err).toEqual({
    name: 'Error',
    message: 'outer',
    stack,
    cause: { name: 'RangeError', message: 'inner', code: 'EIO', stack },
  });
});

describe('what others say', () => {
  it('cannot begin a line of the short form, nor drive the terminal', () => {
    const { log, text } = collect('short');
    log.warn('x', { hint: 'a\n12:00:00 info  all is well', err: new Error('\u001b[2J\u009b2J\u202e') });
    expect(text().match(/\n/g)).toHaveLength(1);
    expect(text()).toMatch(/^[^\p{Cc}\u202e]*\n$/u);
  });
});
