import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseReceipt, parseTrustFile, verifyReceipt } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { writeServerRecord } from '../../packages/cli/src/server-record.js';
import { connect } from '../support/mcp-clients.js';
import { idOf, keyOf, usePlatforms, wholeLog } from '../support/own-platforms.js';
import { openTerminal } from '../support/terminal.js';
import { crypto } from '../support/world.js';

const { newPlace, start, startWithTools } = usePlatforms();

/** One command line on a data folder, and its answer. */
async function talos(data: string, argv: readonly string[], env: Record<string, string> = {}) {
  const { PATH, HOME } = process.env;
  const { io, out } = openTerminal({
    env: { PATH, HOME, TALOS_DATA: data, TALOS_LOG_LEVEL: 'error', ...env },
    cwd: dirname(data),
  });
  const code = await run([...argv, '--json'], io);
  return { code, answer: JSON.parse(out()) };
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await writeFile(path, bytes);
}

// AUD-79, AUD-80, AUD-81
describe('a whole log', () => {
  it('is examined, taken away, examined there, and brought back by whoever has its keys', async () => {
    const place = newPlace();
    const { platform, cast } = await startWithTools(place);
    const caller = await connect(platform.ready.gateway, { key: keyOf(cast) });
    for (let call = 0; call < 12; call += 1) await caller.call('odd__note', { text: `call ${call}` });
    const receipt = caller.last().headers.get('x-talos-receipt')!;
    await caller.close();
    const told = await platform.audit.receipt(receipt);
    const trust = parseTrustFile(Buffer.from(JSON.stringify(await platform.audit.trust())), crypto);
    const [own] = (await platform.audit.trust()).logs;
    const vkey = own!.vkey;
    const at = ['--audit', platform.ready.audit];
    const tar = join(dirname(place.data), 'log.tar');
    const folder = join(dirname(place.data), 'log');

    // While the platform runs.
    await writeServerRecord(place.data, { ...platform.ready, pid: platform.pid });
    expect((await talos(place.data, ['audit', 'fsck'])).answer).toMatchObject({
      ok: true,
      rows: 0,
      faults: [],
    });
    for (const path of [tar, folder]) {
      const { code, answer } = await talos(place.data, ['audit', 'log', 'export', path, ...at]);
      expect([code, answer.vkey, answer.later]).toEqual([0, vkey, expect.any(Number)]);
    }
    expect((await talos(place.data, ['audit', 'log', 'export', tar, ...at])).answer.error.code).toBe(
      'CONFLICT',
    );
    expect(execFileSync('tar', ['tf', tar], { encoding: 'utf8' })).toContain('talos-log.json');
    const url = `${platform.ready.audit}/tlog`;
    expect((await talos(place.data, ['audit', 'fsck', url, '--vkey', vkey])).answer.error.code).toBe(
      'UNAUTHENTICATED',
    );
    const keyFile = join(place.data, 'keys', 'admin.credential');
    const overHttp = await talos(place.data, ['audit', 'fsck', url, '--vkey', vkey], {
      TALOS_KEY_FILE: keyFile,
    });
    expect([overHttp.code, overHttp.answer.ok]).toEqual([0, true]);
    // AUD-112: nothing is that old, what is young stays, and nothing goes unasked.
    const prune = (...more: string[]) => talos(place.data, ['audit', 'prune', ...more, ...at]);
    const nothing = { from: 0, to: 0, kept: 0, event: null };
    for (const how of ['--dry-run', '--yes'])
      expect((await prune('--before', '2020-01-01', how)).answer).toMatchObject({ ok: true, ...nothing });
    expect((await prune('--before', '1h', '--yes')).answer.error.code).toBe('CONFLICT');
    for (const args of [['--before', '2020-01-01'], ['--yes'], ['--before', 'long ago', '--yes']])
      expect([args, (await prune(...args)).code]).toEqual([args, 1]);
    const { events } = await wholeLog(platform);
    expect(await platform.end('SIGTERM')).toEqual({ code: 0, signal: null });

    // Offline, with the database.
    const offline = await talos(place.data, ['audit', 'fsck']);
    expect(offline.answer).toMatchObject({ ok: true, count: 0 });
    expect(offline.answer.rows).toBeGreaterThanOrEqual(events.length);
    const tile = join(place.data, 'tiles', 'tile', '0', `000.p/${offline.answer.size}`);
    await flip(tile, 33);
    const damaged = await talos(place.data, ['audit', 'fsck']);
    expect([damaged.code, damaged.answer.count]).toEqual([3, 1]);
    expect(damaged.answer.faults[0]).toMatchObject({
      where: `tile/0/000.p/${offline.answer.size}`,
      index: 1,
    });
    await flip(tile, 33);

    // The archives, by the key of the log.
    for (const path of [tar, folder]) {
      expect((await talos(place.data, ['audit', 'fsck', path, '--vkey', vkey])).code).toBe(0);
      const other = vkey.replace(/^talos/, 'salot');
      expect((await talos(place.data, ['audit', 'fsck', path, '--vkey', other])).code).not.toBe(0);
    }
    expect((await talos(place.data, ['audit', 'fsck', tar])).answer.error.code).toBe('USAGE');

    // Brought back.
    const restored = join(dirname(place.data), 'restored');
    const bring = (path: string) => talos(restored, ['audit', 'log', 'import', path]);
    expect((await bring(tar)).answer.error.code).toBe('SETTINGS_INVALID');
    await mkdir(restored, { mode: 0o711 });
    // Its administrator is in the database that is not there any more.
    const keys = (path: string): boolean => /keys$|\.key$/.test(path);
    await cp(join(place.data, 'keys'), join(restored, 'keys'), { recursive: true, filter: keys });
    await cp(join(place.data, 'talos.yaml'), join(restored, 'talos.yaml'));
    await flip(join(folder, 'tile', 'entries', `000.p/${(await readManifest(folder)).size}`), 60);
    const refused = await bring(folder);
    expect([refused.code, refused.answer.imported]).toEqual([3, false]);
    const brought = await bring(tar);
    expect(brought.answer).toMatchObject({ ok: true, imported: true });
    expect((await bring(tar)).answer.error.code).toBe('CONFLICT');
    expect((await talos(restored, ['audit', 'fsck'])).answer).toMatchObject({
      ok: true,
      size: brought.answer.size,
    });

    const again = await start(restored);
    const log = await wholeLog(again);
    expect(log.report.counts.unchecked).toBe(0);
    expect(log.events.slice(0, brought.answer.size)).toEqual(events.slice(0, brought.answer.size));
    expect(log.events.map(({ id }) => id)).toContain(idOf(receipt));
    // What was handed out before still holds, and what is handed out now says the same.
    expect(verifyReceipt(parseReceipt(Buffer.from(JSON.stringify(told))), trust, crypto).event.id).toBe(
      idOf(receipt),
    );
    const now = await again.audit.receipt(receipt);
    expect([now.event, now.disclosures]).toEqual([told.event, told.disclosures]);
    expect(await again.end('SIGTERM')).toEqual({ code: 0, signal: null });
  }, 180_000);
});

async function readManifest(folder: string): Promise<{ size: number }> {
  return JSON.parse(await readFile(join(folder, 'talos-log.json'), 'utf8'));
}
