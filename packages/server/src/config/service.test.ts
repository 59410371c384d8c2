import { createChecker, SecretList } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Listener } from '../platform/http.js';
import { createMetrics } from '../platform/metrics/metrics.js';
import { migrate } from '../platform/migrations.js';
import { createSecret } from '../platform/secret.js';
import { clock, random } from '../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../platform/testing/database.js';
import { ADMIN_TOKEN, openTestListener } from '../platform/testing/listener.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { CONFIG_MIGRATIONS } from './migrations.js';
import type { SecretDraft } from './secrets/secrets.js';
import { type Config, createConfig } from './service.js';

const kek = createSecret(random(32));
const events: SecretDraft[] = [];
const lines: string[] = [];
const sink = { isDown: false, isStuck: false };
let database: TestDatabase;
let config: Config;
let listener: Listener;

function openConfig(key = kek): Config {
  return createConfig({
    sql: database.sql,
    clock,
    random,
    crypto: createNodeCrypto(),
    log: createTestLog(lines),
    metrics: createMetrics(),
    kek: key,
    tenant: () => 'acme',
    audit: {
      assertAccepting: () => {
        if (sink.isDown) throw new TrustError('UNAVAILABLE', 'the log is down');
      },
      record: async (draft) => {
        if (sink.isStuck) throw new TrustError('UNAVAILABLE', 'the log is stuck');
        if (!events.some(({ id }) => id === draft.id)) events.push(draft);
      },
    },
  });
}

beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, CONFIG_MIGRATIONS);
  config = openConfig();
  listener = await openTestListener({ routes: config.routes, log: createTestLog(lines) });
});
afterAll(async () => {
  await listener?.closeGracefully(0);
  await config?.close();
  await database?.close();
});
beforeEach(async () => {
  await database.sql.query('DELETE FROM config_secret');
  events.length = 0;
  Object.assign(sink, { isDown: false, isStuck: false });
});

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${listener.url}/talos/v1/secrets${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) };
}

const reveal = async (name: string): Promise<string | undefined> =>
  (await config.secrets.reveal(name))?.reveal();

describe('secrets', () => {
  it('are kept, listed without their values, and read by the platform alone (SEC-1, SEC-5)', async () => {
    expect((await call('PUT', '/openai-key', { value: 'sk-canary-1' })).body).toMatchObject({
      name: 'openai-key',
      version: 1,
    });
    await call('PUT', '/b', { value: 'other' });
    const listed = await call('GET', '');
    expect(createChecker(SecretList)(listed.body)).toBeUndefined();
    expect(listed.body.secrets.map(({ name }: { name: string }) => name)).toEqual(['b', 'openai-key']);
    expect(listed.text).not.toContain('canary');
    expect(await reveal('openai-key')).toBe('sk-canary-1');
    expect(await reveal('nobody-set-it')).toBeUndefined();
    expect((await call('GET', '/openai-key')).status).toBe(405);
  });

  it('are nowhere in the database as they are, nor in a log line or an event (SEC-3, SEC-4)', async () => {
    await call('PUT', '/openai-key', { value: 'sk-canary-2' });
    const rows = await database.sql.query<{ row: string }>(
      `SELECT encode(sealed, 'escape') || c::text AS row FROM config_secret c`,
    );
    expect(rows).toHaveLength(1);
    const everything = [rows[0]?.row, ...lines, JSON.stringify(events)].join('\n');
    expect(everything).not.toContain('canary-2');
  });

  it('are replaced with a version, whoever sets them at the same time', async () => {
    const values = Array.from({ length: 20 }, (_, index) => `v${index}`);
    const answers = await Promise.all(values.map((value) => call('PUT', '/k', { value })));
    const versions = answers.map(({ body }) => body.version).sort((a, b) => a - b);
    expect(versions).toEqual(values.map((_, index) => index + 1));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const last = answers.findIndex(({ body }) => body.version === 20);
    expect(await reveal('k')).toBe(values[last]);
  });

  it('get another id when they are set again after they were removed', async () => {
    const first = await call('PUT', '/k', { value: 'one' });
    expect((await call('DELETE', '/k')).status).toBe(204);
    expect(await reveal('k')).toBeUndefined();
    expect((await call('DELETE', '/k')).body.code).toBe('NOT_FOUND');
    const second = await call('PUT', '/k', { value: 'two' });
    expect([second.body.version, second.body.id === first.body.id]).toEqual([1, false]);
    expect(events.map(({ members: { change, name, version } }) => [change, name, version])).toEqual([
      ['set', 'k', 1],
      ['removed', 'k', 1],
      ['set', 'k', 1],
    ]);
  });

  it('do not open when somebody who writes to the database exchanges or sets back rows (SEC-3)', async () => {
    await call('PUT', '/a', { value: 'of a' });
    await call('PUT', '/b', { value: 'of b' });
    const [old] = await database.sql.query<{ sealed: Uint8Array }>(
      `SELECT sealed FROM config_secret WHERE name = 'a'`,
    );
    await database.sql.query(
      `UPDATE config_secret SET sealed = (SELECT sealed FROM config_secret WHERE name = 'b') WHERE name = 'a'`,
    );
    await expect(reveal('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await call('PUT', '/a', { value: 'newer' });
    expect(await reveal('a')).toBe('newer');
    await database.sql.query(`UPDATE config_secret SET sealed = $1 WHERE name = 'a'`, [old!.sealed]);
    await expect(reveal('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('say so when the platform has another key now (SEC-2)', async () => {
    await call('PUT', '/a', { value: 'of a' });
    const other = openConfig(createSecret(random(32)));
    const error = await other.secrets.reveal('a').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      data: { hint: expect.stringContaining('TALOS_KEK') },
    });
    await other.close();
  });

  it.each<[string, unknown]>([
    ['no value', {}],
    ['an empty one', { value: '' }],
    ['no text', { value: 7 }],
    ['a NUL', { value: 'canary\u0000' }],
    ['too long', { value: 'c'.repeat(8193) }],
    ['too long in bytes', { value: '€'.repeat(3000) }],
    ['another member', { value: 'canary-3', more: 'canary-3' }],
    ['no JSON', '{"value": "canary-3"'],
    ['twice', '{"value":"canary-3","value":"canary-3"}'],
  ])('refuse what is no value, and do not repeat it: %s', async (_, body) => {
    const answer = await call('PUT', '/k', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'MALFORMED']);
    expect(answer.text + lines.join('\n')).not.toContain('canary-3');
    expect(await reveal('k')).toBeUndefined();
  });

  it.each(['K', '-a', 'a b', 'ä', 'a'.repeat(65), '..', "a'"])('refuse a name: %s', async (name) => {
    const answer = await call('PUT', `/${encodeURIComponent(name)}`, { value: 'x' });
    expect(answer.status).toBe(400);
  });

  it('are bounded in number (SEC-1)', async () => {
    await database.sql.query(
      `INSERT INTO config_secret SELECT 'sec_' || n, 'n' || n, 1, '', '', 0, 0 FROM generate_series(1, 1023) n`,
    );
    expect((await call('PUT', '/last', { value: 'x' })).status).toBe(200);
    expect((await call('PUT', '/beyond', { value: 'x' })).body.code).toBe('CONFLICT');
    expect((await call('PUT', '/last', { value: 'y' })).body.version).toBe(2);
  });
});

describe('the event of a change', () => {
  it('is kept with it when the log takes none at that moment, and handed in later (SEC-4)', async () => {
    sink.isStuck = true;
    expect((await call('PUT', '/k', { value: 'x' })).status).toBe(200);
    expect(events).toEqual([]);
    const [waiting] = await database.sql.query<{ drafts: string }>('SELECT drafts FROM config_outbox');
    expect(waiting?.drafts).toContain('secret.changed');
    await database.sql.query('DELETE FROM config_outbox');
  });

  it('comes first: while the log is down nothing is changed', async () => {
    sink.isDown = true;
    expect((await call('PUT', '/k', { value: 'x' })).body.code).toBe('UNAVAILABLE');
    expect(await reveal('k')).toBeUndefined();
  });

  it('says who did it to whoever may open it', async () => {
    await call('PUT', '/k', { value: 'x' });
    expect(events[0]?.disclosures).toMatchObject([
      { pointer: '/actor', value: { kind: 'service', how: 'key' } },
    ]);
  });
});
