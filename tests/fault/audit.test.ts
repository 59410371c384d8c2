import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createCompactTree,
  createTreeHasher,
  encodeHex,
  encodeUtf8,
  parseCheckpoint,
  parseNote,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from './program.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);

interface Said {
  readonly ready?: true;
  readonly acked?: { readonly id: string; readonly index: number };
  readonly checkpoint?: string;
  readonly rows?: readonly {
    readonly idx: number;
    readonly id: string;
    readonly type: string;
    readonly event: string;
  }[];
  readonly size?: number;
  readonly root?: string;
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

function run(mode: 'write' | 'read') {
  const child = spawn(process.execPath, [program.path, join(folder, 'data'), mode, '32'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  const said: Said[] = [];
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      // A kill may cut the last line.
      if (!line.endsWith('}')) return;
      said.push(JSON.parse(line) as Said);
      if (said.length === 1) resolve();
    });
    child.once('close', () => reject(new Error('the writer ended before it was ready')));
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return { child, said, ready, ended };
}

/** Roots at every size, from the events alone. */
function rootsOf(events: readonly string[]): string[] {
  const tree = createCompactTree(hasher);
  const roots = [encodeHex(tree.root())];
  for (const event of events) {
    tree.append(hasher.leaf(encodeUtf8(event)));
    roots.push(encodeHex(tree.root()));
  }
  return roots;
}

describe('a log whose writer is killed', () => {
  it('has every event that was acknowledged, each index once, under checkpoints that only grew', async () => {
    const said: Said[] = [];
    for (let round = 0; round < 4; round += 1) {
      const writer = run('write');
      await writer.ready;
      await sleep(Math.random() * 600);
      writer.child.kill('SIGKILL');
      await writer.ended;
      said.push(...writer.said);
    }
    const reader = run('read');
    await reader.ended;
    const { rows = [], size, root } = reader.said.at(-1) ?? {};
    expect(rows.map(({ idx }) => idx)).toEqual(rows.map((_, i) => i));

    const acked = said.flatMap((line) => line.acked ?? []);
    expect(acked.length).toBeGreaterThan(100);
    const lost = acked.filter(({ id, index }) => rows[index]?.id !== id.slice(4));
    expect(lost).toEqual([]);

    const roots = rootsOf(rows.map(({ event }) => event));
    const notes = said.flatMap((line) => line.checkpoint ?? []);
    const checkpoints = notes.map((note) => parseCheckpoint(parseNote(note).text));
    const sizes = checkpoints.map((checkpoint) => checkpoint.size);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    for (const checkpoint of checkpoints) expect(encodeHex(checkpoint.root)).toBe(roots[checkpoint.size]);
    expect([size, root]).toEqual([rows.length, roots.at(-1)]);

    // Every write that was allowed has one outcome: its own, or `lost`.
    const events = rows.map(
      ({ event }) =>
        JSON.parse(event) as { type: string; id: string; decision: string; action: { op: string } },
    );
    const writes = events.filter((event) => event.type === 'decision' && event.action.op === 'write');
    const outcomes = events.filter((event) => event.type === 'outcome').map((event) => event.decision);
    expect(new Set(outcomes).size).toBe(outcomes.length);
    for (const { id } of writes) expect(outcomes).toContain(id);
  }, 120_000);
});
