import { afterEach, describe, expect, it } from 'vitest';
import type { Policy, ServerCommand } from '../admission/ports.js';
import { createLookAtTools } from './announced-tools.js';
import type { Pins } from './pins.js';
import { createUpstreamPool, type UpstreamPool } from './upstream/pool.js';
import { nastyServer, upstreamDeps } from './upstream/testing/deps.js';

const pools: UpstreamPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
});

/** What an administrator is told who looks at the tools of a server with this command. */
async function look(run: Partial<ServerCommand>) {
  const { deps, log } = upstreamDeps();
  const pool = createUpstreamPool(deps);
  pools.push(pool);
  const server = nastyServer('plain');
  const servers = new Map([['nasty', { ...server, run: { ...server.run, ...run } }]]);
  const policy = () => ({ servers, defaultTenant: 'a' }) as unknown as Policy;
  const pins = {} as Pins;
  const error = await createLookAtTools({ policy, pool, pins })('nasty', new AbortController().signal).catch(
    (refusal: unknown) => refusal,
  );
  return { error, log };
}

const script = (text: string) => ({ command: process.execPath, args: ['-e', text] });

describe('a tool server that does not start', () => {
  it('is said to have a command that was not found, by its name', async () => {
    const { error } = await look({ command: 'talos-no-such-command' });
    expect(error).toMatchObject({
      code: 'UPSTREAM_FAILED',
      data: {
        reason: expect.stringContaining('the command talos-no-such-command was not found'),
        hint: expect.stringContaining('talos.yaml'),
      },
    });
    const { error: elsewhere } = await look({ cwd: '/talos/no/such/folder' });
    expect(elsewhere).toMatchObject({ data: { reason: expect.stringContaining('/talos/no/such/folder') } });
  });

  it('is quoted with its exit code and the last line of what it said', async () => {
    const { error } = await look(
      script('console.error("first");console.error("no module x\\n");process.exit(7)'),
    );
    expect(error).toMatchObject({
      code: 'UPSTREAM_FAILED',
      data: {
        reason: 'the tool server ended with exit code 7, and said at last: no module x',
        hint: expect.stringMatching(/command and arguments/),
      },
    });
  });

  it('is quoted without secrets, its own settings, control characters, or length', async () => {
    const secret = 'canary-of-a-setting';
    const text = `console.error(process.env.MINE + " password=hunter2hunter2 \\u001b[2J" + "x".repeat(1500));process.exit(1)`;
    const { error } = await look({ ...script(text), env: { MINE: secret } });
    const { reason } = (error as { data: { reason: string } }).data;
    expect(reason).not.toMatch(/canary|hunter2|\p{Cc}/u);
    expect(reason).toContain('exit code 1');
    expect(reason.length).toBeLessThan(400);
  });
});

it('what it said does not reach an agent', async () => {
  const { upstreamFailed } = await import('./upstream/child.js');
  const { toProblem } = await import('../../platform/problem.js');
  const { toRefusal } = await import('../admission/hint.js');
  const error = upstreamFailed('ended with exit code 7', 'canary');
  expect(JSON.stringify([toProblem(error, 'req_1'), toRefusal(error)])).not.toContain('canary');
});
