import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { AnnouncedTools, createChecker, type Grant, type ToolManifest } from '@talosprotocol/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { issueKey, lidOf, openWorld, type World } from '../testing/world.js';

const reads: ToolManifest = {
  op: 'read',
  resources: [{ ptr: '/path', kind: 'path', required: true, resolve: 'realpath' }],
};
const writes: ToolManifest = { ...reads, op: 'write' };
const readsMany: ToolManifest = {
  op: 'read',
  resources: [{ ptr: '/paths/*', kind: 'path', required: true, resolve: 'realpath' }],
};

let root: string;
let database: TestDatabase;
let world: World;

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'talos-mcp-')));
  await mkdir(join(root, 'docs'));
  await mkdir(join(root, 'private'));
  await writeFile(join(root, 'docs/a.txt'), 'hello');
  await writeFile(join(root, 'private/b.txt'), 'secret');
  await symlink(join(root, 'private/b.txt'), join(root, 'docs/link.txt'));
  await symlink(join(root, 'private/new.txt'), join(root, 'docs/dangling.txt'));
  database = await openTestDatabase();
  const entry = join(
    dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/package.json')),
    'dist/index.js',
  );
  const servers = { files: { command: process.execPath, args: [entry, root] } };
  const manifests = {
    files: {
      read_text_file: reads,
      write_file: writes,
      list_directory: reads,
      read_multiple_files: readsMany,
    },
  };
  world = await openWorld(database, servers, manifests);
});
afterAll(async () => {
  await world?.close();
  await database?.close();
  await rm(root, { recursive: true, force: true });
});

const docs = (): Grant[] => [
  { scope: `tool:files/method:read_text_file/resource:${root}/docs`, ops: ['read'] },
  { scope: `tool:files/method:write_file/resource:${root}/docs`, ops: ['write'] },
];

const CLIENTS = {
  'v1 of 2025-11-25': async (key: string, url: string) => {
    const client = new Client1({ name: 'test', version: '1' });
    const requestInit = { headers: { authorization: `Bearer ${key}` } };
    await client.connect(new Transport1(new URL(url), { requestInit }) as never);
    return client;
  },
  'v2 of 2025-11-25': async (key: string, url: string) => {
    const client = new Client2({ name: 'test', version: '1' });
    const requestInit = { headers: { authorization: `Bearer ${key}` } };
    await client.connect(new Transport2(new URL(url), { requestInit }));
    return client;
  },
  'v2 of 2026-07-28': async (key: string, url: string) => {
    const client = new Client2(
      { name: 'test', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    const requestInit = { headers: { authorization: `Bearer ${key}` } };
    await client.connect(new Transport2(new URL(url), { requestInit }));
    return client;
  },
};

it('refuses a call whose real paths are together more than could be recorded (CAP-15)', async () => {
  const deep = join(root, 'docs', ...Array<string>(14).fill('\u00e9'.repeat(120)));
  await mkdir(deep, { recursive: true });
  const paths = Array.from({ length: 10 }, (_, i) => join(root, `docs/short${i}`));
  for (const [i, path] of paths.entries()) await symlink(join(deep, `${i}`), path);
  for (const i of paths.keys()) await writeFile(join(deep, `${i}`), 'deep');
  const key = issueKey([{ scope: 'tool:files/method:read_multiple_files/resource:/', ops: ['read'] }]);
  const client = await CLIENTS['v1 of 2025-11-25'](key, world.url);
  const call = (count: number) =>
    client.callTool({ name: 'files__read_multiple_files', arguments: { paths: paths.slice(0, count) } });
  expect(await call(9)).toMatchObject({ content: [{ text: expect.stringContaining('deep') }] });
  await expect(call(10)).rejects.toMatchObject({
    data: { code: 'CONSTRAINT_VIOLATED', receipt: expect.any(String) },
  });
  await client.close();
});

it.each<[string, () => Partial<Grant>]>([
  ['within', () => ({ where: [{ ptr: '/path', op: 'within', value: join(root, 'docs') }] })],
  ['glob', () => ({ where: [{ ptr: '/path', op: 'glob', value: join(root, 'docs/*') }] })],
  ['ne', () => ({ where: [{ ptr: '/path', op: 'ne', value: join(root, 'private/b.txt') }] })],
])('a constraint with %s holds for where a symbolic link leads, too (CAP-18)', async (_, caveat) => {
  const key = issueKey([{ scope: 'tool:files/method:read_text_file', ops: ['read'], ...caveat() }]);
  const client = await CLIENTS['v1 of 2025-11-25'](key, world.url);
  const read = (path: string) =>
    client.callTool({ name: 'files__read_text_file', arguments: { path: join(root, path) } });
  expect(await read('docs/a.txt')).toMatchObject({ content: [{ text: 'hello' }] });
  const refused = await read('docs/link.txt').catch((error: { data: object }) => error.data);
  expect(refused).toMatchObject({ code: 'CONSTRAINT_VIOLATED', link: 1, receipt: expect.any(String) });
  expect(JSON.stringify(refused)).not.toContain('private');
  await client.close();
});

// DEC-5, DEC-7, DEC-8, DEC-9, DEC-10, CAP-18
describe.each(Object.entries(CLIENTS))('the official client %s', (_, connect) => {
  it('lists what the capability may use, and calls it', async () => {
    const client = await connect(issueKey(docs()), world.url);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['files__read_text_file', 'files__write_file']);
    expect(tools[0]).not.toHaveProperty('execution');
    const path = join(root, 'docs/a.txt');
    const result = await client.callTool({ name: 'files__read_text_file', arguments: { path } });
    expect(result).toMatchObject({
      content: [{ type: 'text', text: 'hello' }],
      structuredContent: { content: 'hello' },
    });
    await client.close();
  });

  it('uses plain names where the route names the server', async () => {
    const client = await connect(issueKey(docs()), `${world.url}/files`);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['read_text_file', 'write_file']);
    const arguments_ = { path: join(root, 'docs/new.txt'), content: 'x' };
    const result = await client.callTool({ name: 'write_file', arguments: arguments_ });
    expect(result).toMatchObject({ content: [{ type: 'text' }] });
    await client.close();
  });

  it.each([
    ['a path outside', 'read_text_file', () => ({ path: join(root, 'private/b.txt') }), 'SCOPE_MISMATCH'],
    [
      'a path with ..',
      'read_text_file',
      () => ({ path: `${root}/docs/../private/b.txt` }),
      'CONSTRAINT_VIOLATED',
    ],
    ['a symbolic link', 'read_text_file', () => ({ path: join(root, 'docs/link.txt') }), 'SCOPE_MISMATCH'],
    [
      'a link to nowhere',
      'write_file',
      () => ({ path: join(root, 'docs/dangling.txt'), content: '' }),
      'CONSTRAINT_VIOLATED',
    ],
    ['another tool', 'list_directory', () => ({ path: join(root, 'docs') }), 'SCOPE_MISMATCH'],
    ['a tool without manifest', 'move_file', () => ({}), 'SCOPE_MISMATCH'],
  ])('is told why %s is refused', async (_name, tool, args, code) => {
    const client = await connect(issueKey(docs()), world.url);
    const refused = client.callTool({ name: `files__${tool}`, arguments: args() });
    await expect(refused).rejects.toMatchObject({
      code: -32010,
      data: { code, hint: expect.any(String), request_id: expect.any(String), receipt: expect.any(String) },
    });
    await client.close();
  });

  it('is not told where a symbolic link leads', async () => {
    const client = await connect(issueKey(docs()), world.url);
    const call = { name: 'files__read_text_file', arguments: { path: join(root, 'docs/link.txt') } };
    const refused = await client.callTool(call).catch((error: { data: object }) => error.data);
    expect(refused).toMatchObject({ code: 'SCOPE_MISMATCH', link: 1 });
    expect(JSON.stringify(refused)).not.toContain('private');
    await client.close();
  });

  it('is refused the call beyond its limit, and after revocation', async () => {
    const key = issueKey(docs(), [{ per: 'total', calls: 1 }]);
    const client = await connect(key, world.url);
    const call = () =>
      client.callTool({ name: 'files__read_text_file', arguments: { path: join(root, 'docs/a.txt') } });
    await call();
    await expect(call()).rejects.toMatchObject({ data: { code: 'BUDGET_EXCEEDED', link: 1 } });
    world.kernel.revoke(lidOf(key));
    await expect(call()).rejects.toThrow('REVOKED');
    await client.close();
  });

  it('cannot connect without a capability', async () => {
    await expect(connect('talos_nothing', world.url)).rejects.toThrow(/MALFORMED|HTTP 401/);
  });
});

describe('what is recorded (AUD-3, AUD-7, AUD-8)', () => {
  it('has the decision before the answer and one outcome after it', async () => {
    world.audit.events.length = 0;
    const client = await CLIENTS['v1 of 2025-11-25'](issueKey(docs()), world.url);
    await client.callTool({ name: 'files__read_text_file', arguments: { path: join(root, 'docs/a.txt') } });
    expect(world.audit.events[0]).toMatchObject({
      type: 'decision',
      members: { effect: 'allow' },
      notBefore: expect.any(Number),
      notAfter: expect.any(Number),
    });
    await expect.poll(() => world.audit.events.length).toBe(2);
    const [decision, outcome] = world.audit.events;
    expect(decision?.disclosures.map(({ pointer }) => pointer)).toEqual([
      '/items',
      '/request_hash',
      '/forwarded_hash',
    ]);
    expect(outcome).toMatchObject({
      type: 'outcome',
      members: { decision: decision?.id, request: decision?.members.request, status: 'completed' },
    });
    await client.close();
  });

  it('never holds an argument in the open', () => {
    const open = JSON.stringify(world.audit.events.map(({ disclosures: _, ...event }) => event));
    expect(open).not.toContain(root);
  });
});

it('the canary is refused and recorded', async () => {
  expect(await world.gateway.canary()).toHaveLength(2);
});

it('proposes a manifest for every announced tool, and says which pins hold', async () => {
  const answer = await world.look('files');
  expect(createChecker(AnnouncedTools)(answer)).toBeUndefined();
  const { tools, missing } = answer;
  expect(missing).toEqual([]);
  expect(tools.length).toBeGreaterThan(10);
  const named = Object.fromEntries(tools.map((tool) => [tool.name, tool]));
  expect(named['move_file']?.proposed.manifest).toEqual({
    op: 'write',
    resources: [
      { ptr: '/source', kind: 'path', required: true, resolve: 'realpath' },
      { ptr: '/destination', kind: 'path', required: true, resolve: 'realpath' },
    ],
  });
  expect(named['read_multiple_files']?.proposed.manifest.resources[0]?.ptr).toBe('/paths/*');
  expect(named['read_text_file']?.pinned?.matches).toBe(true);
  expect(named['move_file']?.pinned).toBeUndefined();
});
