import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CryptoProvider,
  createSigner,
  encodeBase64,
  formatBearerKey,
  parseBearerKey,
  verifyBundle,
} from '@talosprotocol/protocol';
import { createAgent, createIdentity, createSecretsClient } from '@talosprotocol/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  chatAnswer,
  type FakeProvider,
  openFakeProvider,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { createKeyStore } from '../../packages/server/src/platform/key-store.js';
import { createSecret } from '../../packages/server/src/platform/secret.js';
import { createSql, type Sql } from '../../packages/server/src/platform/sql.js';
import { random } from '../../packages/server/src/platform/system.js';
import { parsePrometheus } from '../../packages/server/src/platform/testing/prometheus-text.js';
import { callOnce } from '../support/mcp-clients.js';
import { castOf, crypto, openWorld, scopeBelow, seconds, type World } from '../support/world.js';

const PASSPHRASE = 'canary-passphrase-of-the-keys';
/** Something that is in no key, only in calls: what a tool was told, and what it answered. */
const ARGUMENT = 'canary-argument-7f3a91';
/** The same in every other place of a call that its caller fills. */
const PLANTED = [
  'value',
  'name',
  'nested',
  'meta',
  'rpc-id',
  'user-agent',
  'header',
  'cookie',
  'trace',
  'query',
  'body-member',
  'progress',
  'prompt',
  'system',
  'answer',
  'streamed',
  'tool-argument',
  'model-name',
  'fault',
].map((place) => [place, `canary-${place}-5b1e77`] as const);
const canary = Object.fromEntries(PLANTED) as Readonly<Record<string, string>>;

let world: World;
let sql: Sql;
let provider: FakeProvider;
/** Every secret there was, by what it is. */
const secrets = new Map<string, string | Uint8Array>();
/** `Authorization` values that were sent, whole and as their MACs. */
const sent: string[] = [];

/** Notes every session key that is derived; the keys themselves never leave the SDK. */
const listening: CryptoProvider = {
  ...crypto,
  hkdfSha256: (...input) => {
    const key = crypto.hkdfSha256(...input);
    secrets.set(`session key ${secrets.size}`, key.slice());
    secrets.set(`shared secret ${secrets.size}`, input[0].slice());
    return key;
  },
};

const listen: typeof fetch = (input, init) => {
  const authorization = new Headers(init?.headers).get('authorization');
  if (authorization !== null) sent.push(authorization);
  return fetch(input, init);
};

beforeAll(async () => {
  world = await openWorld({}, { TALOS_KEY_PASSPHRASE: PASSPHRASE });
  const { ready, files } = world;
  const folder = join(ready.data, 'keys');
  const store = createKeyStore({ folder, random, passphrase: createSecret(PASSPHRASE) });
  for (const name of await store.names()) secrets.set(`${name} seed`, (await store.load(name))!.reveal());
  secrets.set('administrator token', world.adminToken);
  secrets.set('passphrase', PASSPHRASE);
  const password = readFileSync(join(folder, 'postgres.password'), 'utf8').trim();
  secrets.set('database password', password);
  sql = createSql({
    address: {
      socketFolder: join(ready.data, 'run/pg'),
      port: 5432,
      user: 'talos',
      database: 'talos',
      password: createSecret(password),
    },
    poolSize: 1,
  });

  const kept = createSecretsClient({ url: ready.kernel, adminToken: world.adminToken });
  for (const [name, value] of [
    ['provider', 'canary-provider-key-1'],
    ['provider', 'canary-provider-key-2'],
    ['gone', 'canary-provider-key-3'],
  ] as const) {
    secrets.set(value, value);
    await kept.set(name, value);
  }
  await kept.remove('gone');
  // Refused, and not repeated.
  for (const wrong of [
    'canary-refused-key-1',
    '\u0000canary-refused-key-2',
    'canary-refused-key-3'.repeat(1000),
  ]) {
    secrets.set(wrong.slice(0, 24), wrong.slice(1, 20));
    await kept.set(wrong.length < 30 ? 'Not a name' : 'long', wrong).catch(() => undefined);
  }

  const cast = await castOf(world, files, { grants: [{ scope: 'tool:*', ops: ['read', 'write'] }] });
  secrets.set('agent seed', cast.agent.exportSeed());
  secrets.set('worker seed', cast.worker.exportSeed());
  const agent = createAgent({
    identity: cast.agent,
    capability: cast.agentChain,
    gateway: ready.gateway,
    crypto: listening,
    fetch: listen,
  });
  const post = (message: object) =>
    agent.fetch(new URL('/mcp', ready.gateway), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
    });
  const call = (name: string, args: object) =>
    post({ method: 'tools/call', params: { name, arguments: args } });
  await agent.fetch(new URL(`/mcp?q=${canary['query']}`, ready.gateway), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': canary['user-agent'] ?? '',
      'x-request-id': canary['header'] ?? '',
      cookie: `session=${canary['cookie']}`,
      traceparent: canary['trace'] ?? '',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: canary['rpc-id'],
      method: 'tools/call',
      params: {
        name: 'odd__note',
        arguments: { text: canary['value'], [canary['name'] ?? '']: 1, deep: [{ a: canary['nested'] }] },
        _meta: { note: canary['meta'], progressToken: canary['progress'] },
      },
    }),
  });
  // Refused, and recorded as that.
  await agent.fetch(new URL('/mcp', ready.gateway), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'files__read_text_file', arguments: { path: `/etc/x`, more: canary['body-member'] } },
    }),
  });
  const note = await call('odd__note', { text: ARGUMENT });
  expect(await note.text()).toContain(ARGUMENT);
  await call('files__read_text_file', { path: files.guide });
  await call('files__nothing', {});
  await call('odd__die', {});

  const grants = [{ scope: scopeBelow('read_text_file', files.docs), ops: ['read' as const] }];
  const key = agent.attenuateToBearer({ aud: 'same', grants, exp: seconds() + 600 });
  const stranger = agent.attenuateToBearer({ aud: [createIdentity().did], grants, exp: seconds() + 600 });
  const expired = agent.attenuateToBearer({ aud: 'same', grants, exp: seconds() + 1 });
  for (const [name, one] of Object.entries({ key, stranger, expired })) {
    secrets.set(`bearer ${name}`, one);
    secrets.set(`bearer seed of ${name}`, seedOf(one));
    await callOnce(ready.gateway, { key: one }, 'files__read_text_file', { path: files.guide });
    await callOnce(ready.gateway, { key: one }, 'files__read_text_file', { path: files.secret });
    // Where it does not belong.
    const json = { 'content-type': 'application/json' };
    for (const [path, headers] of [
      [`/mcp?key=${one}`, json],
      [`/mcp/${one.slice(0, 200)}`, json],
      ['/mcp', { ...json, 'x-api-key': one }],
      ['/mcp', { ...json, authorization: `Basic ${one}` }],
      ['/talos/v1/policy/reload', { authorization: `Bearer ${one}` }],
      [`/nowhere/${one}`, {}],
    ] as const) {
      await fetch(new URL(path, ready.gateway), { method: 'POST', headers, body: '{}' });
    }
    await world.kernel.revoke({ lid: one }).catch(() => undefined);
  }
  await world.kernel.revoke({ lid: parseBearerKey(key, crypto).chain.leaf.lid });
  await callOnce(ready.gateway, { key }, 'files__read_text_file', { path: files.guide });
  await agent.close();
  await callModels();
  for (const value of sent) {
    secrets.set(`sent ${secrets.size}`, value);
    secrets.set(`mac ${secrets.size}`, /mac=(.+)$/.exec(value)![1]!);
  }
});
/** Calls of models, whole, streamed, refused here and refused there, with something planted in each part. */
async function callModels(): Promise<void> {
  provider = await openFakeProvider();
  const document = JSON.parse(readFileSync(world.ready.config, 'utf8'));
  document.anchors[0].grants.push({ scope: 'llm:*', ops: ['write'] });
  document.providers = {
    mine: { api: 'openai', baseUrl: `${provider.url}/v1`, key: 'provider', models: { m: {} } },
  };
  writeFileSync(world.ready.config, JSON.stringify(document));
  await world.gateway.reloadPolicy();
  const seed = random(32);
  const { chain } = await world.kernel.issueCapability({
    sub: createSigner(seed, crypto).did,
    aud: [world.ready.gatewayDid],
    grants: [{ scope: 'llm:mine', ops: ['write'] }],
    exp: seconds() + 600,
    bearer: true,
  });
  const key = formatBearerKey(chain, seed);
  secrets.set('bearer for models', key);
  secrets.set('bearer seed for models', seed);
  const ask = async (model: string, more: object = {}) => {
    const messages = [
      { role: 'system', content: canary['system'] },
      { role: 'user', content: canary['prompt'] },
    ];
    const response = await fetch(new URL('/v1/chat/completions', world.ready.gateway), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ model, messages, ...more }),
    });
    return response.text();
  };
  provider.answer = chatAnswer(canary['answer'] ?? '');
  expect(await ask('mine/m')).toContain(canary['answer']);
  provider.answer = chatAnswer(canary['streamed'] ?? '');
  expect(await ask('mine/m', { stream: true })).toContain(canary['streamed']);
  await ask('mine/m', { tools: [{ type: 'function', function: { name: 'f', x: canary['tool-argument'] } }] });
  // What no provider has is nobody's name; what the form of a name excludes is none either.
  await ask(canary['model-name'] ?? '');
  await ask(`mine/${canary['model-name']} `);
  await ask(`Elsewhere/${canary['model-name']}`);
  await ask('elsewhere/asked-for');
  await ask('mine/m', { [`canary-member`]: canary['fault'] });
  for (const status of [400, 401, 500]) {
    provider.answer = (response) =>
      void response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { message: `${canary['fault']} canary-provider-key-2` } }));
    expect(await ask('mine/m')).not.toContain('canary-provider-key-2');
  }
  provider.answer = (response) => void response.destroy();
  await ask('mine/m');
}

afterAll(async () => {
  await provider?.close();
  await sql?.close();
  await world?.close();
});

function seedOf(key: string): Uint8Array {
  return Buffer.from(key.slice(key.lastIndexOf('~') + 1), 'base64url');
}

/** Every form in which a secret could be written down. */
function formsOf(secret: string | Uint8Array): readonly Buffer[] {
  const bytes = Buffer.from(secret);
  const texts = [
    bytes.toString('hex'),
    bytes.toString('base64url'),
    encodeBase64(bytes),
    [...bytes].join(','),
  ];
  return [bytes, ...texts.map((text) => Buffer.from(text)), Buffer.from(bytes.toString('hex').toUpperCase())];
}

function found(place: Uint8Array): string[] {
  const bytes = Buffer.from(place.buffer, place.byteOffset, place.byteLength);
  return [...secrets].flatMap(([name, secret]) =>
    formsOf(secret).some((form) => bytes.includes(form)) ? [name] : [],
  );
}

/** Every row of every table, as text. */
async function dump(like = '%'): Promise<Buffer> {
  const tables = await sql.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename LIKE $1`,
    [like],
  );
  expect(tables.length).toBeGreaterThan(8);
  const rows = await Promise.all(
    tables.map(({ name }) => sql.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)),
  );
  // What a `bytea` shows as hex is looked at as bytes, too.
  const text = rows
    .flat()
    .map(({ row }) =>
      row.replace(
        /\\\\x((?:[0-9a-f]{2})+)/g,
        (all, hex: string) => `${all} ${Buffer.from(hex, 'hex').toString('latin1')}`,
      ),
    );
  return Buffer.from(text.join('\n'), 'latin1');
}

/** Every file of the data folder but the keys and the database's own programs. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return entry.name === 'postgres-bin' || entry.name === 'keys' ? [] : filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

describe('no secret', () => {
  it('was missed by this test: it knows all of them, and finds what is there', async () => {
    const names = [...secrets.keys()].join(' ');
    for (const kind of [
      'organisation seed',
      'gateway seed',
      'exporter seed',
      'log seed',
      'kek seed',
      'canary-provider-key-3',
      'session key',
      'mac ',
    ]) {
      expect(names).toContain(kind);
    }
    secrets.set('control', world.ready.gatewayDid);
    expect(found(await dump())).toEqual(['control']);
    expect(found(await world.audit.bundle())).toEqual(['control']);
    secrets.set('control', 'policy loaded');
    expect(found(Buffer.from(world.log.join('')))).toEqual(['control']);
    secrets.delete('control');
  });

  it('is in what was logged, at the most talkative level', () => {
    expect(world.log.length).toBeGreaterThan(5);
    expect(found(Buffer.from(world.log.join('')))).toEqual([]);
    expect(world.log.join('')).not.toContain(ARGUMENT);
  });

  it('is in what anybody who watches the platform reads', async () => {
    for (const url of [world.ready.kernel, world.ready.gateway, world.ready.audit]) {
      const headers = { authorization: `Bearer ${world.adminToken}` };
      const text = await (await fetch(new URL('/metrics', url), { headers })).text();
      expect(parsePrometheus(text).size).toBeGreaterThan(10);
      expect(found(Buffer.from(text))).toEqual([]);
      expect(text).not.toContain(ARGUMENT);
      // Nor who calls, from where, for what.
      expect(text).not.toMatch(/did:|127\.0\.0\.1|\/tmp\/|read_text_file|evt_|rcp_|req_|ses_/);
    }
  });

  it('is in any row of the database', async () => {
    expect(found(await dump())).toEqual([]);
  });

  it('is in the bundle, which verifies', async () => {
    const bytes = await world.audit.bundle();
    expect(found(bytes)).toEqual([]);
    expect(verifyBundle(bytes, await world.trust(), crypto).counts.allowed).toBeGreaterThan(3);
  });

  it('is in any file of the data folder besides the keys: tiles, database files, write-ahead log, talos.yaml', async () => {
    await sql.query('CHECKPOINT').catch(() => undefined);
    const files = filesBelow(world.ready.data);
    expect(files.filter((path) => path.includes('/tiles/')).length).toBeGreaterThan(1);
    expect(files.filter((path) => path.includes('/pg_wal/')).length).toBeGreaterThan(0);
    const hits: string[] = [];
    for (const path of files) {
      hits.push(...found(readFileSync(path)).map((name) => `${name} in ${path}`));
      // The platform lives in this process: held up for long, it would end connections as they are used again.
      await new Promise(setImmediate);
    }
    expect(hits).toEqual([]);
  });

  it('lies open in the keys folder: seeds are encrypted, and everything is closed to others', () => {
    const folder = join(world.ready.data, 'keys');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      expect(statSync(path).mode & 0o777, name).toBe(0o600);
      if (name.endsWith('.key')) expect(found(readFileSync(path)), name).toEqual([]);
    }
  });
});

describe('what a tool was told and what it answered', () => {
  it('is in the log of evidence only as a commitment', async () => {
    expect(Buffer.from(await world.audit.bundle()).includes(ARGUMENT)).toBe(false);
    const tiles = filesBelow(join(world.ready.data, 'tiles'));
    expect(tiles.filter((path) => readFileSync(path).includes(ARGUMENT))).toEqual([]);
  });

  it('is nowhere in what the log keeps, whatever part of a call it stood in: events, disclosures, tiles, index', async () => {
    const [kept, tiles] = [await dump('audit_%'), filesBelow(join(world.ready.data, 'tiles'))];
    const places = [kept, await world.audit.bundle(), ...tiles.map((path) => readFileSync(path))].map(
      (place) => Buffer.from(place),
    );
    // The call with all of them was made, and is on record.
    expect(readFileSync(world.journal, 'utf8')).toContain(canary['nested']);
    expect(kept.includes('decision')).toBe(true);
    // What somebody reached for is evidence, as the name of a tool is (LLM-3).
    expect(kept.includes('elsewhere/model:asked-for')).toBe(true);
    const hits = [...PLANTED, ['argument', ARGUMENT] as const].flatMap(([name, text]) =>
      places.some((place) => place.includes(text)) ? [name] : [],
    );
    expect(hits).toEqual([]);
    const logged = world.log.join('');
    expect(PLANTED.flatMap(([name, text]) => (logged.includes(text) ? [name] : []))).toEqual([]);
  });
});
