import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Audit, createAudit } from './service.js';
import {
  type AuditWorld,
  auditDeps,
  type Changes,
  decision,
  openAuditWorld,
  outcome,
} from './testing/room.js';
import { mountSmallDisk } from './testing/small-disk.js';

let world: AuditWorld;
let tiles: string;
const open: Audit[] = [];

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(async () => {
  for (const audit of open.splice(0)) await audit.stop();
});
afterAll(() => world.close());

async function start(changes: Changes = {}, folder = tiles): Promise<Audit> {
  const audit = createAudit(auditDeps(world.sql, folder, changes));
  open.push(audit);
  await audit.start();
  return audit;
}

/** A log of `events` and its opening, closed again. */
async function closedLog(events: number): Promise<void> {
  tiles = await world.fresh();
  const audit = await start();
  await Promise.all(Array.from({ length: events }, () => audit.record(decision())));
  await audit.stop();
}

const startAgain = (changes?: Changes): Promise<string> =>
  start(changes).then(
    () => 'started',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

async function refusal(): Promise<{ code: string; reason: string }> {
  const error: unknown = await start().catch((cause: unknown) => cause);
  const { code, data } = error as { code: string; data: { reason: string } };
  return { code, reason: data.reason };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(path, bytes);
}

describe('a start after an orderly end', () => {
  it('continues the log and counts its boots', async () => {
    await closedLog(600);
    const audit = await start();
    const page = await audit.events({ limit: 1 });
    expect(page.events[0]).toMatchObject({ index: 601, event: { type: 'log.opened', boot: 2, size: 601 } });
    await audit.record(decision());
    const { events } = await audit.events({ limit: 500 });
    expect(new Set(events.map(({ index }) => index)).size).toBe(500);
  });

  it('writes `lost` for an allowed write without outcome, once', async () => {
    tiles = await world.fresh();
    const audit = await start();
    const lost = decision({ op: 'write' });
    const done = decision({ op: 'write' });
    for (const draft of [lost, done, decision({ op: 'read' })]) await audit.record(draft);
    await Promise.all([audit.record(outcome(done))]);
    const together = decision({ op: 'write' });
    await Promise.all([audit.record(together), audit.record(outcome(together))]);
    await audit.stop();
    for (let boot = 2; boot <= 3; boot += 1) {
      const again = await start();
      expect((await again.findRequest(lost.members.request))?.outcome).toMatchObject({ status: 'lost' });
      expect((await again.findRequest(done.members.request))?.outcome).toMatchObject({ status: 'completed' });
      expect((await again.stats()).sequenced).toBe(7 + (boot - 1) + 1);
      await again.stop();
    }
  });

  it('writes `lost` for a call with a price, whose price stays spent (AUD-85)', async () => {
    tiles = await world.fresh();
    const audit = await start();
    const read = decision({ op: 'read' });
    const held = { amount: 250_000, currency: 'EUR' };
    await audit.record({ ...read, members: { ...read.members, held } });
    await audit.stop();
    const again = await start();
    const record = await again.findRequest(read.members.request);
    expect(record?.outcome).toMatchObject({ status: 'lost', cost: held });
    await again.stop();
  });
});

describe('a start with a log that a later version wrote', () => {
  it('is refused by its number: it would write older events behind newer ones (AUD-91)', async () => {
    await closedLog(3);
    const late = `UPDATE audit_event SET event = replace(event, '"v":1}', '"v":$}') WHERE idx = (SELECT max(idx) FROM audit_event)`;
    await world.sql.query(late.replace('$', '2'));
    const refusal = await start().catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'SETTINGS_INVALID',
      data: { reason: 'the log has events of version 2, and this program writes version 1' },
    });
    await world.sql.query(late.replace('"v":1}', '"v":2}').replace('$', '1'));
    expect(await startAgain()).toBe('started');
  });
});

describe('a start with tiles that are missing', () => {
  it('makes all of them again from the rows', async () => {
    await closedLog(600);
    const before = await filesBelow(join(tiles, 'tile'));
    const contents = await Promise.all(before.map((path) => readFile(path)));
    await rm(join(tiles, 'tile'), { recursive: true });
    await start();
    for (const [i, path] of before.entries()) {
      if (/\.p\//.test(path) && !/\/00[02]\.p\/(?:89|2)$/.test(path)) continue;
      expect((await readFile(path)).equals(contents[i]!)).toBe(true);
    }
  });

  it.each(['0/000', '0/001', '0/002.p', '1/000.p', 'entries/000', 'entries/002.p'])(
    'makes tile/%s again when it alone is missing',
    async (path) => {
      await closedLog(600);
      const missing = join(tiles, 'tile', path);
      await rm(missing, { recursive: true });
      expect(await startAgain()).toBe('started');
      expect((await stat(missing)).isFile()).toBe(!path.endsWith('.p'));
    },
  );
});

// AUD-132
describe('a start with a log that was tampered with', () => {
  it('refuses a flipped bit in every file, and names that file and no other', async () => {
    await closedLog(600);
    const files = await filesBelow(tiles);
    const current = files.filter((path) => !/\.p\//.test(path) || /\/00[02]\.p\/(?:89|2)$/.test(path));
    expect(current.length).toBeGreaterThanOrEqual(8);
    for (const path of current) {
      await flipBit(path);
      const { code, reason } = await refusal();
      expect([path, code]).toEqual([path, 'LOG_CORRUPT']);
      const name = relative(tiles, path);
      expect(reason.match(/tile\/[0-9a-z./]+/g) ?? ['checkpoint']).toEqual([name]);
      expect(reason).toContain(name);
      await flipBit(path);
    }
    expect(await startAgain()).toBe('started');
  });

  it('refuses a torn file of every kind, names it, and goes on once it was deleted: it is made again', async () => {
    const torn: [string, string][] = [
      ['tile/0/001', 'tile/0/001'],
      ['tile/0/002.p/89', 'tile/0/002.p/89'],
      ['tile/1/000.p/2', 'tile/1/000.p/2'],
      ['tile/entries/001', 'tile/entries/001'],
      ['tile/entries/002.p/89', 'tile/entries/002.p/89'],
    ];
    for (const [path, named] of torn) {
      await closedLog(600);
      const file = join(tiles, path);
      await truncate(file, (await stat(file)).size >> 1);
      await expect(start()).rejects.toMatchObject({
        code: 'LOG_CORRUPT',
        data: { reason: expect.stringContaining(named), hint: expect.stringContaining('talos audit fsck') },
      });
      open.splice(0);
      await rm(file);
      expect([path, await startAgain()]).toEqual([path, 'started']);
      await open.pop()?.stop();
    }
  });

  it('does not go back in time with a clock that did (AUD-21)', async () => {
    await closedLog(3);
    const [last] = await world.sql.query<{ time_ms: number }>(
      'SELECT max(time_ms) AS time_ms FROM audit_emitter',
    );
    const hour = 3_600_000;
    const clock = { now: () => Date.now() - hour, monotonic: () => performance.now() };
    const audit = await start({ clock });
    const { index } = await audit.record(decision());
    const { event } = await audit.event(String(index));
    expect(Date.parse(event.time)).toBe(last!.time_ms);
    await audit.receipt(`rcp_${event.id.slice(4)}`, 30_000);
  });

  it('refuses events that are gone, at the end or in the middle', async () => {
    await closedLog(600);
    await world.sql.query('DELETE FROM audit_event WHERE idx = 600');
    expect(await startAgain()).toBe('LOG_CORRUPT');
    await world.sql.query('UPDATE audit_log SET size = 600');
    expect(await startAgain()).toBe('LOG_CORRUPT');
    await closedLog(600);
    await world.sql.query('DELETE FROM audit_event WHERE idx = 300');
    expect(await startAgain()).toBe('LOG_CORRUPT');
  });

  it('calls a row that is gone that, whether its tiles are there or must be made again', async () => {
    await closedLog(600);
    await world.sql.query('DELETE FROM audit_event WHERE idx = 300');
    expect(await refusal()).toEqual({
      code: 'LOG_CORRUPT',
      reason: 'the database lacks the row of event 300',
    });
    await rm(join(tiles, 'tile/entries/001'));
    const reason =
      'tile/entries/001 is missing, and cannot be made again: the database lacks the row of event 300';
    expect(await refusal()).toEqual({ code: 'LOG_CORRUPT', reason });
  });

  it('refuses an event that was edited, and names it', async () => {
    await closedLog(300);
    await world.sql.query(`UPDATE audit_event SET event = replace(event, '"allow"', '"deny"') WHERE idx = 7`);
    const reason = 'the row of event 7 in the database is not the event that was signed';
    expect(await refusal()).toEqual({ code: 'LOG_CORRUPT', reason });
    await rm(join(tiles, 'tile/entries/000'));
    expect((await refusal()).reason).toMatch(
      /^tile\/entries\/000 is missing.* event 7 .*tile\/0\/000 differ$/,
    );
  });

  it('refuses tiles whose events are missing and were edited', async () => {
    await closedLog(300);
    await rm(join(tiles, 'tile'), { recursive: true });
    await world.sql.query(`UPDATE audit_event SET event = replace(event, '"allow"', '"deny"') WHERE idx = 7`);
    expect(await startAgain()).toBe('LOG_CORRUPT');
    expect(await filesBelow(tiles)).toHaveLength(1);
  });

  it('refuses a database that went back behind what was signed', async () => {
    await closedLog(10);
    const [old] = await world.sql.query<{ size: number; note: string }>(
      'SELECT size, note FROM audit_checkpoint',
    );
    const audit = await start();
    await audit.record(decision());
    await audit.stop();
    await world.sql.query('UPDATE audit_checkpoint SET size = $1, note = $2', [old!.size, old!.note]);
    expect(await startAgain()).toBe('LOG_CORRUPT');
  });

  it('refuses an empty database beside a signed log, and a checkpoint in the wrong size', async () => {
    await closedLog(10);
    await world.sql.query('UPDATE audit_checkpoint SET size = 3');
    expect(await startAgain()).toBe('LOG_CORRUPT');
    const kept = tiles;
    await world.fresh();
    tiles = kept;
    expect(await startAgain()).toBe('LOG_CORRUPT');
  });

  it('takes an older checkpoint file of the same history and brings it up to date, but none of another', async () => {
    await closedLog(10);
    const old = await readFile(join(tiles, 'checkpoint'), 'utf8');
    const audit = await start();
    await audit.record(decision());
    await audit.stop();
    await writeFile(join(tiles, 'checkpoint'), old);
    expect(await startAgain()).toBe('started');
    await open.pop()?.stop();
    const mine = tiles;
    await closedLog(4);
    const foreign = await readFile(join(tiles, 'checkpoint'), 'utf8');
    await closedLog(10);
    await writeFile(join(tiles, 'checkpoint'), foreign);
    expect(mine).not.toBe(tiles);
    expect(await startAgain()).toBe('LOG_CORRUPT');
  });

  it('refuses the log of another origin or key', async () => {
    await closedLog(1);
    expect(await startAgain({ origin: 'talos.test/another/default' })).toBe('SETTINGS_INVALID');
    const { agent } = await import('./testing/room.js');
    expect(await startAgain({ logKey: agent })).toBe('SETTINGS_INVALID');
  });

  it('refuses to go on for another tenant: one event of it and no bundle of the log would verify', async () => {
    await closedLog(1);
    await expect(start({ tenant: 'acme' })).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      data: { hint: expect.stringContaining('tenant default') },
    });
    // The refused start left nothing behind: the log goes on as it was.
    await (await start()).stop();
    expect(await world.sql.query('SELECT boot, size FROM audit_log')).toEqual([{ boot: 2, size: 3 }]);
  });
});

describe('one holder', () => {
  it('does not open while another holds the log', async () => {
    tiles = await world.fresh();
    await start();
    expect(await startAgain({ limits: { lockMs: 120 } })).toBe('CONFLICT');
  });

  it('takes the log again when its connection was cut, and loses nothing', async () => {
    tiles = await world.fresh();
    const audit = await start();
    const drafts = Array.from({ length: 300 }, () => decision());
    const recording = drafts.map((draft) => audit.record(draft));
    await world.sql.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()`,
    );
    const recorded = await Promise.all(recording);
    recorded.push(await audit.record(decision()));
    expect(recorded.map(({ index }) => index)).toEqual(recorded.map((_, i) => i + 1));
    const last = `rcp_${recorded.at(-1)!.id.slice(4)}`;
    expect((await audit.receipt(last)).id).toBe(last);
    audit.assertReady();
  });

  it('takes the log again though nothing was being written when the connection was cut', async () => {
    tiles = await world.fresh();
    const audit = await start();
    await world.sql.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()`,
    );
    const isReady = (): boolean => {
      try {
        audit.assertReady();
        return true;
      } catch {
        return false;
      }
    };
    const epochs = () => world.sql.query('SELECT epoch FROM audit_log');
    await expect.poll(epochs, { timeout: 5_000 }).toEqual([{ epoch: 2 }]);
    await expect.poll(isReady, { timeout: 5_000 }).toBe(true);
    expect((await audit.record(decision())).index).toBe(1);
  });

  it('keeps every event while tiles cannot be written, and signs them when they can', async (context) => {
    const disk = await mountSmallDisk(1_048_576);
    if (disk === undefined) return context.skip('mounting is not permitted here');
    try {
      await world.fresh();
      tiles = disk.path;
      const audit = await start();
      const ballast = join(tiles, 'ballast');
      await writeFile(ballast, new Uint8Array(2_000_000)).catch(() => undefined);
      const recorded = await Promise.all(Array.from({ length: 200 }, () => audit.record(decision())));
      const receipt = `rcp_${recorded.at(-1)!.id.slice(4)}`;
      await expect(audit.receipt(receipt, 300)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(() => audit.assertReady()).toThrow();
      await rm(ballast);
      expect((await audit.receipt(receipt, 5_000)).id).toBe(receipt);
      audit.assertReady();
      await audit.stop();
    } finally {
      await disk.remove();
    }
  });

  it('cannot write after another took over, though it did not notice', async () => {
    tiles = await world.fresh();
    const first = await start();
    await first.record(decision());
    await first.receipt((await first.events({ limit: 1 })).events[0]!.receipt);
    const other = world.otherSql();
    // The other one became the holder while the first was paused: its lock is gone, the epoch has moved on.
    await other.query('UPDATE audit_log SET epoch = epoch + 1');
    await other.query('UPDATE audit_checkpoint SET epoch = epoch + 1');
    const session = await other.openSession();
    const held = session.query('SELECT pg_advisory_lock($1)', [0x6175646974]);
    const end = await first.record(decision()).then(
      () => 'written',
      (error: { code?: string }) => error.code,
    );
    await held;
    expect(end).toBe('UNAVAILABLE');
    expect(await other.query('SELECT count(*)::int AS n FROM audit_event')).toEqual([{ n: 2 }]);
    expect(() => first.assertAccepting('read')).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    await session.close();
    await expect
      .poll(
        () =>
          first.record(decision()).then(
            () => 'written',
            () => 'refused',
          ),
        { timeout: 8_000 },
      )
      .toBe('written');
  }, 30_000);
});
