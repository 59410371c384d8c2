import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WatchAlert } from '@talosprotocol/contracts';
import { walkFrom } from '@talosprotocol/protocol';
import type { Finding, LogMonitor, MonitorState } from '@talosprotocol/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Io } from '../io.js';
import { createTestCli, NOW, type TestCli } from '../testing/cli.js';
import { createAlerts } from './alerts.js';
import { keepEvidence } from './evidence-file.js';
import { createUntold } from './untold.js';
import { createWatchMetrics } from './watch-metrics.js';
import { createStateFile } from './watch-state.js';
import { createWatcher } from './watcher.js';

let cli: TestCli;
let found: readonly Finding[];
/** As `kind state`, and the id; the file where there is one. */
let told: { readonly what: string; readonly id: string; readonly file: string | undefined }[];
const io = (): Io => ({ cwd: cli.folder }) as Io;
const path = (): string => join(cli.folder, 'watch.json');
const folder = (): string => join(cli.folder, 'evidence');
const kept = () => JSON.parse(readFileSync(path(), 'utf8'));

const finding = (kind: 'fork' | 'frozen' | 'rollback', own: Partial<Finding> = {}): Finding => ({
  kind,
  url: 'https://log.test',
  detail: kind,
  ...own,
});
const fork = finding('fork', { evidence: { format: 'talos-conflict-v1', seen: ['one\n', 'two\n'] } });

const memory: MonitorState = {
  origin: 'log.test/log',
  note: null,
  fresh: 0,
  witnessed: 0,
  failing: [],
  ahead: [],
  proven: [],
  walk: walkFrom(0),
};

/** A monitor that sees what `found` says: evidence goes with the first look only, as the sdk's does. */
const monitor: LogMonitor = {
  check: async () => found,
  progress: () => ({ size: 3, unread: 0 }),
  state: () => memory,
};

/** A process, from what the state file holds. */
async function start(tell: (alert: WatchAlert) => void = () => undefined) {
  const state = createStateFile(io(), 'watch.json');
  const before = await state.read();
  return createWatcher({
    monitor,
    alerts: createAlerts({
      origin: 'log.test/log',
      now: () => NOW,
      random: (length) => randomBytes(length),
      raised: before?.raised ?? [],
    }),
    state,
    metrics: createWatchMetrics(() => NOW),
    webhook: undefined,
    waiting: before?.waiting ?? [],
    untold: createUntold({
      left: before?.untold ?? [],
      secure: (alert) => keepEvidence(io(), 'evidence', alert),
      tell: (alert, file) => {
        tell(alert);
        told.push({ what: `${alert.kind} ${alert.state}`, id: alert.id, file });
      },
    }),
    stopped: new AbortController().signal,
  });
}

const whats = (): string[] => told.map(({ what }) => what);

beforeEach(() => {
  cli = createTestCli();
  found = [];
  told = [];
});
afterEach(() => cli.remove());

// ADR 38
describe('a watcher', () => {
  it('tells once, and keeps as untold nothing that was told', async () => {
    found = [fork, finding('frozen')];
    const watcher = await start();
    await watcher.look();
    found = [finding('fork')];
    await watcher.look();
    await (await start()).look();
    expect(whats()).toEqual(['fork raised', 'frozen raised', 'frozen ended']);
    expect(kept().untold).toBeUndefined();
    expect(readFileSync(told[0]?.file ?? '', 'utf8')).toContain('talos-conflict-v1');
  });

  it('tells again what could not be told, and the rest of the look at once', async () => {
    found = [fork, finding('frozen')];
    const broken = await start(({ kind }) => {
      if (kind === 'fork') throw new Error('nobody listens');
    });
    await expect(broken.look()).rejects.toThrow('nobody listens');
    expect(whats()).toEqual(['frozen raised']);
    // The sdk gives evidence once; the next look has the finding alone.
    found = [finding('fork'), finding('frozen')];
    await (await start()).look();
    expect(whats()).toEqual(['frozen raised', 'fork raised']);
    expect(readFileSync(told[1]?.file ?? '', 'utf8')).toContain('talos-conflict-v1');
  });

  it('keeps a proof until its folder can be written, and says what it found all the same', async () => {
    // A file where the folder is to be: nobody can write there, whoever it is.
    writeFileSync(folder(), '');
    found = [fork, finding('frozen')];
    await expect((await start()).look()).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(whats()).toEqual(['fork raised', 'frozen raised']);
    found = [finding('fork'), finding('frozen')];
    await expect((await start()).look()).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    rmSync(folder());
    await (await start()).look();
    expect(whats().slice(2)).toEqual(['fork raised', 'fork raised']);
    expect(new Set(told.filter(({ what }) => what === 'fork raised').map(({ id }) => id)).size).toBe(1);
    expect(readdirSync(folder())).toHaveLength(1);
    expect(kept().untold).toBeUndefined();
  });

  it('that is killed between keeping and telling tells it again at the next start, without a webhook', async () => {
    found = [fork, finding('frozen')];
    let atTelling: string | undefined;
    const killed = await start(() => {
      atTelling ??= readFileSync(path(), 'utf8');
    });
    await killed.look();
    // By then its evidence was there.
    expect(readdirSync(folder())).toHaveLength(1);
    const first = told.splice(0);
    writeFileSync(path(), atTelling ?? '');
    found = [finding('fork')];
    await (await start()).look();
    expect(whats()).toEqual(['fork raised', 'frozen raised', 'frozen ended']);
    expect(told.slice(0, 2)).toEqual(first);
  });

  it('reads a state of before there was anything untold in it', async () => {
    await (await start()).look();
    expect(Object.keys(kept())).toEqual(['format', 'monitor', 'raised', 'waiting']);
    await (await start()).look();
    expect(whats()).toEqual([]);
  });
});
