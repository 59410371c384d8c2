import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  createNoteSigner,
  createNoteVerifier,
  createSigner,
  formatVerifierKey,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../platform/log.js';
import { createMetrics } from '../platform/metrics/metrics.js';
import { clock } from '../platform/system.js';
import { makeCheckpoint } from './checkpoint.js';
import { createPublisher } from './publisher.js';
import { createRewriteReport } from './rewritten.js';
import { type Audit, createAudit } from './service.js';
import { folderPlaces, type Places } from './testing/places.js';
import { type AuditWorld, auditDeps, decision, openAuditWorld } from './testing/room.js';
import type { TileStore } from './tile-store.js';

const crypto = createNodeCrypto();
const said: string[] = [];
const log = createLog({ level: 'error', format: 'json', clock, write: (line) => void said.push(line) });

function logKey() {
  const { publicKey, sign } = createSigner(new Uint8Array(32).fill(8), crypto);
  const vkey = formatVerifierKey(crypto.sha256, 'talos.test/log', publicKey);
  const signer = createNoteSigner(crypto.sha256, { name: 'talos.test/log', publicKey, sign });
  return { origin: 'talos.test/log', vkey, signer, verifier: createNoteVerifier(crypto, vkey) };
}
const key = logKey();
const checkpoint = (size: number, fill = size) => makeCheckpoint(key, size, new Uint8Array(32).fill(fill));

// AUD-77
describe('a publisher', () => {
  let places: Places;
  let tiles: TileStore;
  let now = 0;
  let save = async (): Promise<void> => undefined;
  const onRewrite = createRewriteReport(createMetrics(), log);
  const publisher = () =>
    createPublisher({ tiles, key, onRewrite, clock: { monotonic: () => now }, save: () => save() });
  beforeAll(async () => {
    places = await folderPlaces();
  });
  afterEach(() => {
    said.length = 0;
    save = async () => undefined;
  });
  afterAll(() => places.close());
  const freshTiles = async (): Promise<void> => {
    tiles = await (await places.fresh())();
  };

  it('shows what the database has kept, and nothing that it did not keep', async () => {
    await freshTiles();
    await publisher().publish(checkpoint(1));
    expect(await tiles.readCheckpoint()).toBe(checkpoint(1).note);
    save = async () => Promise.reject(new Error('another holder'));
    await expect(publisher().publish(checkpoint(2))).rejects.toThrow('another holder');
    expect(await tiles.readCheckpoint()).toBe(checkpoint(1).note);
  });

  it('that stood still after the database answered shows nothing: it may have been replaced', async () => {
    await freshTiles();
    save = async () => {
      now += 5_001;
    };
    await expect(publisher().publish(checkpoint(1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await tiles.readCheckpoint()).toBeUndefined();
    save = async () => {
      now += 5_000;
    };
    await publisher().publish(checkpoint(1));
    expect(await tiles.readCheckpoint()).toBe(checkpoint(1).note);
  });

  it.each([
    ['of more events', () => checkpoint(8)],
    ['of as many events and another root', () => checkpoint(7, 9)],
  ])('does not sign beside another one: a checkpoint %s', async (_, other) => {
    await freshTiles();
    const own = publisher();
    await own.publish(checkpoint(7));
    await own.assertAlone(checkpoint(7));
    await tiles.writeCheckpoint(other().note);
    await expect(own.assertAlone(checkpoint(7))).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    await expect(publisher().assertAlone(undefined)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  });

  it('knows a checkpoint again of which it was not told that it was kept', async () => {
    await freshTiles();
    const kept = tiles;
    const lost = {
      ...tiles,
      writeCheckpoint: async (note: string) => {
        await kept.writeCheckpoint(note);
        throw new Error('the answer was lost');
      },
    };
    tiles = lost;
    const own = publisher();
    await expect(own.publish(checkpoint(2))).rejects.toThrow('lost');
    await own.assertAlone(checkpoint(1));
    tiles = kept;
    await expect(publisher().assertAlone(checkpoint(1))).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  });

  it.each([
    ['went back', () => checkpoint(3).note],
    ['is none of this log', () => 'nonsense'],
  ])('says of a checkpoint that it %s, and goes on', async (what, note) => {
    await freshTiles();
    await tiles.writeCheckpoint(note());
    await publisher().assertAlone(checkpoint(7));
    expect(said.join('')).toContain(what);
  });
});

// AUD-77
describe('a log that grows while somebody changes its checkpoint', () => {
  let world: AuditWorld;
  const open: Audit[] = [];
  beforeAll(async () => {
    world = await openAuditWorld();
  });
  afterEach(async () => {
    for (const audit of open.splice(0)) await audit.stop();
    said.length = 0;
  });
  afterAll(() => world.close());

  async function startFresh(): Promise<{ audit: Audit; file: string }> {
    const folder = await world.fresh();
    const audit = createAudit(auditDeps(world.sql, folder, { log }));
    open.push(audit);
    await audit.start();
    return { audit, file: join(folder, 'checkpoint') };
  }
  const record = async (audit: Audit, count: number): Promise<string> => {
    const recorded = await Promise.all(Array.from({ length: count }, () => audit.record(decision())));
    return `rcp_${recorded.at(-1)!.id.slice(4)}`;
  };

  it('stops, signs nothing and takes nothing when another process with its key is ahead', async () => {
    const first = await startFresh();
    await first.audit.receipt(await record(first.audit, 40), 30_000);
    const ahead = await readFile(first.file, 'utf8');
    await open.pop()?.stop();
    const { audit, file } = await startFresh();
    await audit.receipt(await record(audit, 5), 30_000);
    const signed = audit.checkpoint().size;
    await writeFile(file, ahead);
    await expect(audit.receipt(await record(audit, 1), 5_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect.poll(() => said.join('')).toContain('another process signs this log');
    expect(await readFile(file, 'utf8')).toBe(ahead);
    expect(audit.checkpoint().size).toBe(signed);
    expect(() => audit.assertAccepting('read')).toThrow('contradicts itself');
    expect(() => audit.assertReady()).toThrow();
  });

  it('at a start writes it anew when it went back or is gone, and names place, code and sizes', async () => {
    const { audit, file } = await startFresh();
    const old = await readFile(file, 'utf8');
    await audit.receipt(await record(audit, 20), 30_000);
    await open.pop()?.stop();
    const last = await readFile(file, 'utf8');
    for (const [code, change, more] of [
      ['CHECKPOINT_OLDER', () => writeFile(file, old), { count: 1 }],
      ['CHECKPOINT_GONE', () => rm(file), {}],
    ] as const) {
      await change();
      said.length = 0;
      const metrics = createMetrics();
      const again = createAudit(auditDeps(world.sql, dirname(file), { log, metrics }));
      open.push(again);
      await again.start();
      const lines = said.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({ level: 'error', code, path: 'checkpoint', ...more });
      expect(lines[0]?.['size']).toBeGreaterThanOrEqual(21);
      const found = code.slice(11).toLowerCase();
      expect(metrics.text()).toContain(`talos_audit_checkpoint_rewritten_total{found="${found}"} 1`);
      expect(await readFile(file, 'utf8')).not.toBe(old);
      await open.pop()?.stop();
    }
    expect(await readFile(file, 'utf8')).not.toBe(last);
  });

  it('at a start after an orderly end, and when the log is taken again, says nothing', async () => {
    const { audit, file } = await startFresh();
    await audit.receipt(await record(audit, 3), 30_000);
    await world.sql.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()`,
    );
    const taken = () => world.sql.query('SELECT epoch FROM audit_log');
    await expect.poll(taken, { timeout: 5_000 }).toEqual([{ epoch: 2 }]);
    await expect
      .poll(() =>
        audit.record(decision()).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await open.pop()?.stop();
    const again = createAudit(auditDeps(world.sql, dirname(file), { log }));
    open.push(again);
    await again.start();
    expect(said.filter((line) => line.includes('checkpoint'))).toEqual([]);
  });

  it('writes it anew when it went back or is gone, and says so', async () => {
    const { audit, file } = await startFresh();
    const old = await readFile(file, 'utf8');
    await audit.receipt(await record(audit, 20), 30_000);
    await writeFile(file, old);
    await audit.receipt(await record(audit, 1), 30_000);
    expect(said.join('')).toContain('went back');
    said.length = 0;
    await rm(file);
    await audit.receipt(await record(audit, 1), 30_000);
    expect(said.join('')).toContain('"code":"CHECKPOINT_GONE"');
    expect(await readFile(file, 'utf8')).toBe(audit.checkpoint().note);
    audit.assertReady();
  });
});
