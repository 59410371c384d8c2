import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createCompactTree,
  createNoteVerifier,
  createTreeHasher,
  encodeHex,
  encodeUtf8,
  verifyCheckpoint,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AUDIT_MIGRATIONS } from '../../packages/server/src/audit/migrations.js';
import {
  type HostileBucket,
  startHostileBucket,
} from '../../packages/server/src/audit/testing/hostile-bucket.js';
import { migrate } from '../../packages/server/src/platform/migrations.js';
import { openTestDatabase, type TestDatabase } from '../../packages/server/src/platform/testing/database.js';
import { buildProgram } from './program.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);
const ORIGIN = 'talos.test/log/default';
/** A few in each test run; more by hand. */
const TAKEOVERS = Number(process.env['TALOS_TEST_TAKEOVERS'] ?? 2);

interface Said {
  readonly ready?: true;
  readonly vkey?: string;
  readonly acked?: { readonly id: string; readonly index: number };
  readonly refused?: string;
  readonly showing?: string;
}

let program: Awaited<ReturnType<typeof buildProgram>>;
let database: TestDatabase;
let bucket: HostileBucket;
/** Every checkpoint that was shown, in order. */
const shown: string[] = [];
let onShown = (): void => undefined;
const started: ChildProcess[] = [];

beforeAll(async () => {
  program = await buildProgram('server/src/audit/testing/leader-process.ts');
});
async function open(): Promise<void> {
  database = await openTestDatabase();
  await migrate(database.sql, AUDIT_MIGRATIONS);
  bucket = await startHostileBucket();
  shown.length = 0;
  onShown = () => undefined;
  bucket.onPut = (key, bytes) => {
    if (key !== 'checkpoint') return;
    shown.push(bytes.toString());
    onShown();
  };
}
afterEach(async () => {
  for (const child of started.splice(0)) {
    child.kill('SIGKILL');
    child.kill('SIGCONT');
  }
  await bucket.close();
  await database.close();
});
afterAll(() => program.remove());

function lead(pace = 'fast') {
  const { address } = database;
  if (!('socketFolder' in address)) throw new Error('the test has a database of its own');
  const env = {
    ...process.env,
    LEADER_DATABASE: JSON.stringify({ ...address, password: address.password.reveal() }),
  };
  const child = spawn(process.execPath, [program.path, bucket.endpoint, pace], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const said: Said[] = [];
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line) as Said));
  const acks = () => said.flatMap(({ acked }) => acked ?? []);
  return { child, said, errors, acks };
}
type Leader = ReturnType<typeof lead>;

const soon = { timeout: 60_000 };
const isLeading = (leader: Leader, acks = 20): Promise<void> =>
  expect.poll(() => leader.acks().length, soon).toBeGreaterThan(acks);

/** The connection of whoever holds the log breaks; its process does not notice while it is stopped. */
async function cutOff(leader: Leader): Promise<void> {
  leader.child.kill('SIGSTOP');
  await database.sql.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()`,
  );
}

const logOf = ({ said }: Leader) => ({
  origin: ORIGIN,
  keys: [createNoteVerifier(crypto, said.find(({ vkey }) => vkey !== undefined)?.vkey ?? '')],
});

/** Whatever was said and shown fits the log as it is now: nothing lost, no index twice, no fork. */
async function expectOneLog(leaders: readonly Leader[]): Promise<void> {
  const rows = await database.sql.query<{ idx: number; id: string; event: string }>(
    'SELECT idx, id, event FROM audit_event ORDER BY idx',
  );
  expect(rows.map(({ idx }) => idx)).toEqual(rows.map((_, i) => i));
  const acked = leaders.flatMap((leader) => leader.acks());
  expect(acked.filter(({ id, index }) => rows[index]?.id !== id.slice(4))).toEqual([]);
  const tree = createCompactTree(hasher);
  const roots = [encodeHex(tree.root())];
  for (const { event } of rows) {
    tree.append(hasher.leaf(encodeUtf8(event)));
    roots.push(encodeHex(tree.root()));
  }
  const log = logOf(leaders[0]!);
  const checkpoints = shown.map((note) => verifyCheckpoint(note, log));
  expect(checkpoints.filter(({ size, root }) => encodeHex(root) !== roots[size])).toEqual([]);
}

const sizeOf = (leader: Leader, note: string | undefined): number =>
  note === undefined ? 0 : verifyCheckpoint(note, logOf(leader)).size;

// AUD-75, AUD-77
describe('two leaders of one log, of which one was stopped and does not know it', () => {
  it(
    `write one log (${TAKEOVERS} times)`,
    async () => {
      await open();
      const leaders = [lead()];
      await isLeading(leaders[0]!);
      for (let round = 0; round < TAKEOVERS; round += 1) {
        const old = leaders.at(-1)!;
        await sleep(Math.random() * 400);
        await cutOff(old);
        const before = old.acks().length;
        const next = lead();
        leaders.push(next);
        await isLeading(next);
        await sleep(Math.random() * 6_000);
        old.child.kill('SIGCONT');
        // Of what it had in hand nobody can say that it is not durable; what comes after is refused.
        await expect.poll(() => old.said.some(({ refused }) => refused !== undefined), soon).toBe(true);
        expect(old.acks().length).toBeLessThanOrEqual(before + 1);
        await isLeading(next, next.acks().length + 20);
        old.child.kill('SIGKILL');
      }
      const last = leaders.at(-1)!;
      await expect.poll(() => sizeOf(last, shown.at(-1)), soon).toBeGreaterThan(last.acks()[0]!.index);
      last.child.kill('SIGKILL');
      await expectOneLog(leaders);
    },
    120_000 * TAKEOVERS,
  );

  it('show an old checkpoint at worst, for a moment, and the leader says so', async () => {
    await open();
    const old = lead('slow');
    await isLeading(old);
    const { length } = old.said.filter(({ showing }) => showing !== undefined);
    await expect
      .poll(() => old.said.filter(({ showing }) => showing !== undefined).length, soon)
      .toBeGreaterThan(length);
    await cutOff(old);
    const stale = old.said.findLast(({ showing }) => showing !== undefined)?.showing;
    const next = lead();
    await isLeading(next);
    await expect.poll(() => sizeOf(next, shown.at(-1)), soon).toBeGreaterThan(sizeOf(old, stale));
    // What is shown between its look and its write is written over unseen: it is stopped before it looks again.
    const { length: before } = shown;
    onShown = () => void next.child.kill('SIGSTOP');
    await expect.poll(() => shown.length, soon).toBeGreaterThan(before);
    old.child.kill('SIGCONT');
    await expect.poll(() => shown.indexOf(stale ?? '', before), soon).toBeGreaterThanOrEqual(0);
    onShown = () => undefined;
    next.child.kill('SIGCONT');
    await expect
      .poll(() => next.errors.join(''), soon)
      .toContain('the checkpoint beside the tiles went back');
    await expect.poll(() => sizeOf(next, shown.at(-1)), soon).toBeGreaterThan(sizeOf(old, stale));
    for (const { child } of [old, next]) child.kill('SIGKILL');
    await expectOneLog([old, next]);
  }, 180_000);
});
