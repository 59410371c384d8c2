import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCli, type TestCli } from '../../testing/cli.js';

const URL = 'http://127.0.0.1:9';
const BEFORE = '# mine\nversion: 1\nservers: {}\n';

let cli: TestCli;
let config: string;
let reloads: number;
beforeEach(() => {
  cli = createTestCli();
  config = join(cli.folder, 'talos.yaml');
  reloads = 0;
  mkdirSync(join(cli.data, 'keys'), { recursive: true });
  writeFileSync(join(cli.data, 'keys/admin.credential'), 'tal_svc_x', { mode: 0o600 });
  writeFileSync(config, BEFORE);
  const urls = { kernel: URL, gateway: URL, audit: URL };
  const record = { pid: process.pid, ...urls, config, gatewayDid: 'd', organisationDid: 'd' };
  writeFileSync(join(cli.data, 'platform.json'), JSON.stringify(record), { mode: 0o600 });
});
afterEach(() => cli.remove());

const yaml = (): string => readFileSync(config, 'utf8');
const WRAP = ['mcp', 'wrap', '--name', 'bad', '--', 'sh', '-c', 'exit 3'];

/** A platform that puts every policy in force, and answers for the tools of a server as told. */
const platform =
  (tools: (signal: AbortSignal | null | undefined) => Promise<Response>): typeof fetch =>
  async (input, init) => {
    if (String(input).endsWith('/tools')) return tools(init?.signal);
    reloads += 1;
    return Response.json({ policy: 'a'.repeat(64) });
  };

const failing = () => Promise.reject(new Error('the server ended'));

describe('mcp wrap on a platform that runs', () => {
  it('leaves nothing behind when the server fails, so that the same name can be tried again', async () => {
    for (let tries = 0; tries < 2; tries += 1) {
      const ran = await cli.run(WRAP, {
        fetch: platform(() => {
          expect(yaml()).toContain('bad:');
          return failing();
        }),
      });
      expect(ran.stderr).not.toContain('CONFLICT');
      expect([ran.code, yaml()]).toEqual([4, BEFORE]);
    }
    expect(reloads).toBeGreaterThanOrEqual(2);
  });

  it('leaves what somebody else changed meanwhile', async () => {
    const theirs = 'version: 1\nservers:\n  bad:\n    command: mine\n';
    const ran = await cli.run(WRAP, {
      fetch: platform(() => {
        writeFileSync(config, theirs);
        return failing();
      }),
    });
    expect([ran.code, yaml()]).toEqual([4, theirs]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'hears %s while it waits for the server: nothing is left, exit code %i',
    async (signal, code) => {
      let stop: ((signal: 'SIGINT' | 'SIGTERM') => void) | undefined;
      const ran = await cli.run(WRAP, {
        onStop: (callback) => {
          stop = callback;
          return () => undefined;
        },
        fetch: platform(
          (aborted) =>
            new Promise((_, reject) => {
              aborted?.addEventListener('abort', () => reject(aborted.reason));
              stop?.(signal);
            }),
        ),
      });
      expect([ran.code, yaml(), ran.stderr]).toEqual([code, BEFORE, 'talos: stopped\n']);
    },
  );
});
