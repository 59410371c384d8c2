import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Receipt } from '@talosprotocol/contracts';
import {
  createCompactTree,
  createNoteVerifier,
  createTreeHasher,
  decodeHex,
  encodeHex,
  eventBytes,
  parseEvent,
  verifyCheckpoint,
  verifyTlogProof,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POINTS } from '../../packages/server/src/audit/testing/deadly-store.js';
import { buildProgram } from './program.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);
/** A few in each test run; 200 and more by hand. */
const KILLS = Number(process.env['TALOS_TEST_KILLS'] ?? 8);
const ORIGIN = 'talos.test/log/default';

interface Said {
  readonly ready?: true;
  readonly vkey?: string;
  readonly acked?: { readonly id: string; readonly index: number };
  readonly checkpoint?: string;
  readonly receipt?: Receipt;
  readonly indexes?: readonly number[];
  readonly ids?: readonly string[];
  readonly leaves?: readonly string[];
  readonly size?: number;
  readonly root?: string;
  readonly faults?: readonly object[];
  readonly writes?: number;
  readonly outcomes?: number;
  readonly owed?: number;
}

let program: Awaited<ReturnType<typeof buildProgram>>;
let folder: string;
const started: ChildProcess[] = [];

beforeAll(async () => {
  program = await buildProgram('server/src/audit/testing/writer-process.ts');
  folder = mkdtempSync('/tmp/talos-audit-');
  // As root the database runs as another user, who must get through.
  chmodSync(folder, 0o711);
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await program.remove();
  rmSync(folder, { recursive: true, force: true });
});

function run(mode: 'write' | 'read', ...more: string[]) {
  const child = spawn(process.execPath, [program.path, join(folder, 'data'), mode, '16', ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const said: Said[] = [];
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const lines = createInterface({ input: child.stdout });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ready = new Promise<boolean>((resolve) => {
    lines.on('line', (line) => {
      // A kill may cut the last line.
      if (!line.endsWith('}')) return;
      said.push(JSON.parse(line) as Said);
      if (said.length === 1) resolve(true);
    });
    // One that kills itself may do so before it is ready.
    void ended.then(() => resolve(false));
  });
  return { child, said, ready, ended, errors };
}

/** Never a group: an empty file would name one. */
function postmaster(): number {
  const [line = ''] = readFileSync(join(folder, 'data', 'pg', 'postmaster.pid'), 'utf8').split('\n');
  if (!/^[1-9][0-9]+$/.test(line)) throw new Error(`postmaster.pid begins with ${JSON.stringify(line)}`);
  return Number(line);
}

/** What one life of the writer said until it was ended, one way or another. */
async function lifeOf(round: number): Promise<readonly Said[]> {
  const way = ['writer', 'point', 'database', 'point'][round % 4];
  const point = POINTS[Math.floor(round / 2) % POINTS.length] ?? 'saved';
  const times = String(1 + Math.floor(Math.random() * 6));
  const writer = way === 'point' ? run('write', point, times) : run('write');
  const isReady = await writer.ready;
  if (!isReady && way !== 'point') throw new Error(`the writer did not start: ${writer.errors.join('')}`);
  if (way === 'point') {
    const late = setTimeout(() => writer.child.kill('SIGKILL'), 15_000);
    await writer.ended;
    clearTimeout(late);
    return writer.said;
  }
  await sleep(Math.random() * 600);
  if (way === 'database') {
    process.kill(postmaster(), 'SIGKILL');
    await sleep(Math.random() * 300);
  }
  writer.child.kill('SIGKILL');
  await writer.ended;
  return writer.said;
}

// AUD-7, AUD-10, AUD-75, AUD-77
describe('a log whose writer, or whose database, is killed at any point', () => {
  it(
    `has every event that was acknowledged, each index once, and signed no fork (${KILLS} times)`,
    async () => {
      const said: Said[] = [];
      for (let round = 0; round < KILLS; round += 1) said.push(...(await lifeOf(round)));
      const reader = run('read');
      await reader.ended;
      const last = reader.said.at(-1);
      if (last?.root === undefined) throw new Error(`the log cannot be read: ${reader.errors.join('')}`);
      const of = <T>(pick: (line: Said) => readonly T[] | undefined): T[] =>
        reader.said.flatMap((line) => pick(line) ?? []);
      const [indexes, ids, leaves] = [of((l) => l.indexes), of((l) => l.ids), of((l) => l.leaves)];
      expect(indexes).toEqual(indexes.map((_, i) => i));

      const acked = said.flatMap((line) => line.acked ?? []);
      expect(acked.length).toBeGreaterThan(20 * KILLS);
      expect(acked.filter(({ id, index }) => ids[index] !== id.slice(4))).toEqual([]);
      expect(new Set(acked.map(({ index }) => index)).size).toBe(acked.length);

      // Whatever was ever shown is a beginning of the log as it is now.
      const log = {
        origin: ORIGIN,
        keys: [createNoteVerifier(crypto, said.find(({ vkey }) => vkey)?.vkey ?? '')],
      };
      const tree = createCompactTree(hasher);
      const roots = [encodeHex(tree.root())];
      for (const leaf of leaves) {
        tree.append(decodeHex(leaf));
        roots.push(encodeHex(tree.root()));
      }
      const notes = [...new Set(said.flatMap((line) => line.checkpoint ?? []))];
      const shown = notes.map((note) => verifyCheckpoint(note, log));
      expect(shown.length).toBeGreaterThan(KILLS);
      expect(shown.filter(({ size, root }) => encodeHex(root) !== roots[size])).toEqual([]);
      const sizes = shown.map(({ size }) => size);
      expect(sizes).toEqual([...sizes].sort((a, b) => a - b));

      // Every proof that was handed out still holds, of the events that are there.
      const receipts = said.flatMap((line) => line.receipt ?? []);
      expect(receipts.length).toBeGreaterThan(0);
      for (const { event, proof } of receipts) {
        const leaf = hasher.leaf(eventBytes(parseEvent(event)));
        const { index } = verifyTlogProof(hasher, proof, leaf, log);
        expect(encodeHex(leaf)).toBe(leaves[index]);
      }

      // Nothing is wrong with it anywhere, and every write that was allowed has one outcome: its own, or `lost`.
      expect(last).toMatchObject({ size: indexes.length, root: roots.at(-1), faults: [], owed: 0 });
      expect(last.outcomes).toBe(last.writes);
    },
    KILLS * 60_000,
  );
});
