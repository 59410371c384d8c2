import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from './program.js';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

let program: Awaited<ReturnType<typeof buildProgram>>;
let folder: string;
const started: ChildProcess[] = [];
const folders: string[] = [];

interface Ready {
  readonly pid: number;
  readonly postgres: number;
  readonly group: number;
  readonly startMs: number;
  readonly rows: { readonly n: number }[];
}

interface Owner {
  readonly child: ChildProcess;
  /** What it said when it was ready; rejects with its standard error if it ended before. */
  readonly ready: Promise<Ready>;
  readonly ended: Promise<number | null>;
}

interface StartOptions {
  readonly mode?: 'reaper' | 'no-reaper';
  readonly reserve?: number;
  readonly uid?: number;
  readonly data?: string;
}

function start({ mode = 'reaper', reserve = 0, uid, data = folder }: StartOptions = {}): Owner {
  const child = spawn(process.execPath, [program.path, data, mode, String(reserve)], {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  started.push(child);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const ready = new Promise<Ready>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Ready));
    ended.then(() => reject(new Error(errors)));
  });
  ready.catch(() => undefined);
  return { child, ready, ended };
}

async function stop(owner: Owner): Promise<number | null> {
  owner.child.stdin?.end();
  return owner.ended;
}

/** Zombies count as gone: who reaps orphans is not ours to say. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function membersOf(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ');
        return Number(fields[2]) === group && fields[0] !== 'Z';
      } catch {
        return false;
      }
    });
}

const until = (condition: () => boolean, timeout = 15_000) =>
  expect.poll(condition, { timeout, interval: 20 }).toBe(true);

function newFolder(): string {
  const path = mkdtempSync('/tmp/talos-fault-');
  folders.push(path);
  return path;
}

beforeAll(async () => {
  program = await buildProgram('server/src/platform/testing/owner-process.ts');
});

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.stdin?.end();
    await new Promise((resolve) => child.once('close', resolve));
  }
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

afterAll(() => program.remove());

describe.skipIf(process.platform !== 'linux')('the owner of a data folder is killed', () => {
  it('leaves no process behind after SIGKILL, and loses nothing that was committed', async () => {
    folder = newFolder();
    const first = start();
    const { pid, postgres, group } = await first.ready;
    expect(membersOf(group).length).toBeGreaterThanOrEqual(2);
    process.kill(pid, 'SIGKILL');
    await until(() => !isRunning(postgres) && membersOf(group).length === 0);

    const second = await start().ready;
    expect(second.rows).toEqual([{ n: 2 }]);
    expect(second.startMs).toBeLessThan(3_000);
  });

  it('stops the database an earlier run left running, and starts its own', async () => {
    folder = newFolder();
    const orphaned = await startOrphan();
    const second = start();
    const { postgres, rows, startMs } = await second.ready;
    expect(isRunning(orphaned)).toBe(false);
    expect(postgres).not.toBe(orphaned);
    expect(rows).toEqual([{ n: 2 }]);
    expect(startMs).toBeLessThan(5_000);
    expect(await stop(second)).toBe(0);
    expect(isRunning(postgres)).toBe(false);
  });

  it('recovers when owner and database are killed together', async () => {
    folder = newFolder();
    const first = await start({ mode: 'no-reaper' }).ready;
    process.kill(first.pid, 'SIGKILL');
    process.kill(first.postgres, 'SIGKILL');
    process.kill(-first.group, 'SIGKILL');
    await until(() => !isRunning(first.postgres) && !isRunning(first.pid));
    expect((await start().ready).rows).toEqual([{ n: 2 }]);
  });

  it('never touches a process that was given the id of a dead postmaster', async () => {
    folder = newFolder();
    const first = start();
    await first.ready;
    await stop(first);
    const bystander = spawn('/bin/sleep', ['600'], { stdio: 'ignore' });
    try {
      const note = join(folder, 'pg/postmaster.pid');
      writeFileSync(
        note,
        `${bystander.pid}\n${join(folder, 'pg')}\n1\n5432\n${join(folder, 'run/pg')}\n\n0 0\n`,
      );
      const { uid, gid } = statSync(join(folder, 'pg'));
      chownSync(note, uid, gid);
      expect((await start().ready).rows).toEqual([{ n: 2 }]);
      expect(isRunning(bystander.pid!)).toBe(true);
    } finally {
      bystander.kill('SIGKILL');
    }
  });

  it('leaves the database of another folder alone', async () => {
    folder = newFolder();
    const other = newFolder();
    const neighbour = await start({ data: other }).ready;
    const first = start();
    await first.ready;
    await stop(first);
    expect(isRunning(neighbour.postgres)).toBe(true);
  });

  async function startOrphan(): Promise<number> {
    const first = await start({ mode: 'no-reaper' }).ready;
    process.kill(first.pid, 'SIGKILL');
    await until(() => !isRunning(first.pid));
    process.kill(-first.group, 'SIGKILL');
    expect(isRunning(first.postgres)).toBe(true);
    return first.postgres;
  }
});

describe.skipIf(process.platform !== 'linux')('the first start is killed', () => {
  it.each([80, 300, 550])('starts as if it had never been (killed after %i ms)', async (afterMs) => {
    folder = newFolder();
    const first = start();
    first.ready.catch(() => undefined);
    await until(() => readdirSync(folder).some((name) => name.startsWith('pg.draft-')));
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    first.child.kill('SIGKILL');
    await first.ended;
    const { rows } = await start().ready;
    expect(rows[0]!.n).toBeLessThanOrEqual(2);
    expect(readdirSync(folder).filter((name) => name.startsWith('pg.draft-'))).toEqual([]);
  });
});

describe('a data folder', () => {
  it('is refused to a second process, which names the first', async () => {
    folder = newFolder();
    const { pid } = await start().ready;
    await expect(start().ready).rejects.toThrow(new RegExp(`in use by process ${pid}`));
  });

  it('goes to exactly one of many that start at once', async () => {
    folder = newFolder();
    const owners = [start(), start(), start(), start()];
    const results = await Promise.allSettled(owners.map((owner) => owner.ready));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  });

  it('of a newer version is refused and left as it is', async () => {
    folder = newFolder();
    writeFileSync(join(folder, 'version'), '2\n');
    await expect(start().ready).rejects.toThrow(/newer version/);
    expect(readdirSync(folder)).toEqual(['version']);
  });

  it('with a path too long for sockets still works', async () => {
    const parent = newFolder();
    chmodSync(parent, 0o755);
    folder = join(parent, 'x'.repeat(100));
    const hash = createHash('sha256').update(folder).digest('hex').slice(0, 16);
    folders.push(`/tmp/talos-${process.getuid?.()}-${hash}`);
    const first = start();
    expect((await first.ready).rows).toEqual([{ n: 1 }]);
    await stop(first);
  });
});

describe.skipIf(!isRoot)('started by root', () => {
  it('runs the database as another user, in a folder closed to the rest', async () => {
    folder = newFolder();
    const { postgres } = await start().ready;
    expect(statSync(`/proc/${postgres}`).uid).not.toBe(0);
    expect(statSync(join(folder, 'pg')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'keys')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'keys/postgres.password')).mode & 0o777).toBe(0o600);
    expect(readFileSync(`/proc/${postgres}/net/tcp`, 'utf8')).not.toMatch(/:1538 /);
  });

  it('says which folder is closed to that user', async () => {
    const closed = newFolder();
    folder = join(closed, 'data');
    await expect(start().ready).rejects.toThrow(new RegExp(`cannot pass through ${closed}`));
  });

  it('works for an ordinary user too', async (context) => {
    folder = newFolder();
    chownSync(folder, NOBODY, NOBODY);
    try {
      execFileSync(process.execPath, ['-e', `require('fs').readFileSync(${JSON.stringify(program.path)})`], {
        uid: NOBODY,
        gid: NOBODY,
        cwd: '/',
        stdio: 'ignore',
      });
    } catch {
      context.skip('the checkout is closed to other users');
    }
    const first = start({ uid: NOBODY });
    const { postgres, rows } = await first.ready;
    expect(rows).toEqual([{ n: 1 }]);
    expect(statSync(`/proc/${postgres}`).uid).toBe(NOBODY);
    expect(await stop(first)).toBe(0);
  });

  it('refuses a folder that belongs to somebody else', async () => {
    folder = newFolder();
    chownSync(folder, NOBODY, NOBODY);
    await expect(start().ready).rejects.toThrow(/belongs to another user/);
  });
});
