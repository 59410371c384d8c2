import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCli, type TestCli } from '../../testing/cli.js';
import { serverOf, suggestServerName } from './server-command.js';
import { createSnippets } from './snippets.js';

const io = { cwd: '/srv', env: { TOKEN: 'canary-4711' } } as unknown as Parameters<typeof serverOf>[0];

describe('a wrapped command', () => {
  it('is stated as it would run here, with variables by name only', () => {
    const server = serverOf(io, ['./server', 'a$b', `\${X}`], ['TOKEN']);
    expect(server).toEqual({
      command: '/srv/server',
      args: ['a$$b', `$\${X}`],
      env: { TOKEN: `\${TOKEN}` },
      cwd: '/srv',
    });
    expect(JSON.stringify(server)).not.toContain('canary');
    expect(() => serverOf(io, ['x'], ['TOKEN=1'])).toThrow('name of a variable');
    expect(() => serverOf(io, ['x'], ['ABSENT'])).toThrow('not set');
    expect(() => serverOf(io, [], [])).toThrow('which server?');
  });

  it.each([
    [['npx', '-y', '@modelcontextprotocol/server-filesystem', '/data'], 'filesystem'],
    [['npx', '-y', '@scope/weather-mcp@1.2.3'], 'weather'],
    [['node', '/opt/server-files/dist/index.js'], 'files'],
    [['uvx', 'mcp-server-git'], 'git'],
    [['/usr/bin/python3', 'My_Tool.py'], 'my-tool'],
    [['node'], 'tools'],
    [['../..'], 'tools'],
    [[`x${'y'.repeat(100)}`], `x${'y'.repeat(31)}`],
  ])('%j is called %s', (words, name) => {
    expect(suggestServerName(words)).toBe(name);
  });
});

describe('snippets', () => {
  const facts = { name: 'files', url: 'http://127.0.0.1:8001/mcp/files', keyFile: "/data/it's a key.txt" };

  it('hold the key only if it was asked for', () => {
    const without = Object.values(createSnippets({ ...facts, key: undefined })).join('\n');
    expect(without).not.toContain('talos_');
    expect(createSnippets({ ...facts, key: undefined }).claude_code).toContain(
      `$(cat '/data/it'\\''s a key.txt')`,
    );
    for (const snippet of Object.values(createSnippets({ ...facts, key: 'talos_x~y' })))
      expect(snippet).toContain('talos_x~y');
  });

  it('are JSON where a client reads JSON', () => {
    const { cursor, vscode } = createSnippets({ ...facts, key: undefined });
    expect(JSON.parse(cursor).mcpServers.files.url).toBe(facts.url);
    expect(JSON.parse(vscode).servers.files.type).toBe('http');
  });
});

describe('the key of the administrator', () => {
  const CANARY = 'tal_svc_CANARYCANARY';
  let cli: TestCli;
  let sent: string[];
  beforeEach(() => {
    cli = createTestCli();
    sent = [];
    mkdirSync(join(cli.data, 'keys'), { recursive: true });
    writeFileSync(join(cli.data, 'keys/admin.credential'), CANARY, { mode: 0o600 });
  });
  afterEach(() => cli.remove());

  const fetch: typeof globalThis.fetch = async (input) => {
    sent.push(String(input));
    throw new Error('refused');
  };
  const record = (pid: number) => {
    const url = 'http://127.0.0.1:9';
    const facts = {
      kernel: url,
      gateway: url,
      audit: url,
      config: '/x',
      gatewayDid: 'd',
      organisationDid: 'd',
    };
    writeFileSync(join(cli.data, 'platform.json'), JSON.stringify({ pid, ...facts }), { mode: 0o600 });
  };

  it('goes to the platform of the data folder while that runs, and is never shown', async () => {
    record(process.pid);
    const ran = await cli.run(['audit', 'tail'], { fetch });
    expect(ran.code).toBe(4);
    expect(sent).toEqual(['http://127.0.0.1:9/talos/v1/events?limit=20']);
    expect(ran.stdout + ran.stderr).not.toContain('CANARY');
  });

  it('goes nowhere once that platform ended: somebody else may have its port', async () => {
    record(2 ** 30);
    const ran = await cli.run(['audit', 'tail'], { fetch });
    expect(ran.code).toBe(4);
    expect(ran.stderr).toContain('talos up');
    expect(sent).toEqual([]);
  });

  it.each([
    'http://example.com',
    'http://127.0.0.1.example.com',
    'http://user:pass@127.0.0.1:8002',
    'ftp://127.0.0.1',
    'x',
    '',
  ])('goes to no URL like %j', async (url) => {
    const ran = await cli.run(['audit', 'tail', '--audit', url], { fetch });
    expect(ran.code).toBe(1);
    expect(sent).toEqual([]);
  });

  it('is not read from a file that others can read', async () => {
    writeFileSync(join(cli.data, 'keys/admin.credential'), CANARY);
    chmodSync(join(cli.data, 'keys/admin.credential'), 0o644);
    record(process.pid);
    const ran = await cli.run(['audit', 'tail'], { fetch });
    expect(ran.code).toBe(1);
    expect(sent).toEqual([]);
  });
});
