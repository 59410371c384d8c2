import {
  createTreeHasher,
  createWitnessPolicy,
  encodeUtf8,
  parseSplitView,
  type TrustedLog,
  verifySplitView,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from './finding.js';
import { createLogClient } from './log-client.js';
import { createLogMonitor, type LogMonitorOptions } from './monitor.js';
import type { MonitorState } from './monitor-state.js';
import {
  entries,
  history,
  type LyingLog,
  noteKey,
  ORIGIN,
  openLyingLog,
  witness,
} from './testing/lying-log.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);

let server: LyingLog;
let mirror: LyingLog;
let time: number;
beforeEach(async () => {
  time = Date.UTC(2026, 10, 1);
  [server, mirror] = await Promise.all([openLyingLog(), openLyingLog()]);
});
afterEach(() => Promise.all([server.close(), mirror.close()]));

const clientOf = ({ url, log }: LyingLog) => createLogClient({ url, log, crypto });

function watch(options: Partial<LogMonitorOptions> = {}) {
  return createLogMonitor({ client: clientOf(server), log: server.log, crypto, now: () => time, ...options });
}

/** As after a restart: what is kept is JSON. */
const kept = (monitor: { state(): MonitorState }): MonitorState =>
  JSON.parse(JSON.stringify(monitor.state()));
const kindsOf = (found: readonly Finding[]): string[] => found.map(({ kind }) => kind);

function assertProves({ evidence }: Finding, log: TrustedLog): void {
  const read = parseSplitView(encodeUtf8(JSON.stringify(evidence)));
  verifySplitView(read, log, hasher);
}

const base = history().append(...entries(300));

// AUD-97
describe('a monitor', () => {
  it('finds nothing wrong with a log that grows, also over restarts', async () => {
    let now = base;
    let state: MonitorState | undefined;
    for (const count of [0, 1, 300, 0]) {
      now = now.append(...entries(count, `more ${count}`));
      server.show(now);
      const monitor = watch(state === undefined ? {} : { state });
      expect(await monitor.check()).toEqual([]);
      expect(monitor.progress()).toEqual({ size: now.size, unread: 0 });
      state = kept(monitor);
    }
  });

  it.each([
    ['a smaller log', (log: LyingLog) => log.show(history().append(...entries(299)))],
    [
      'a smaller log whose tiles are gone',
      (log: LyingLog) => log.show({ ...history().append(...entries(299)), files: new Map() }),
    ],
    ['an empty log', (log: LyingLog) => log.show(history())],
  ])('finds %s a rollback, also if it was away meanwhile', async (_, roll) => {
    const note = server.show(base);
    const before = watch();
    await before.check();
    const state = kept(before);
    const smaller = roll(server);
    for (const monitor of [before, watch({ state })]) {
      const [finding, ...more] = await monitor.check();
      expect(more).toEqual([]);
      expect(finding).toMatchObject({ kind: 'rollback', url: clientOf(server).url });
      expect(finding?.evidence).toEqual({ format: 'talos-conflict-v1', seen: [note, smaller] });
    }
    // It is over when it is over.
    server.show(base);
    expect(await before.check()).toEqual([]);
  });

  it.each([
    ['of the same size', base.size, history().append(...entries(299), 'another')],
    ['that is larger', base.size, history().append(...entries(299), 'another', ...entries(700, 'more'))],
    ['that is smaller', base.size, history().append(...entries(200), 'another')],
  ])('finds another history %s, and proves it to anybody', async (_, __, other) => {
    server.show(base);
    const monitor = watch();
    await monitor.check();
    server.show({ ...other, files: new Map([...base.files, ...other.files]) });
    const found = await monitor.check();
    expect(kindsOf(found)).toEqual(['fork']);
    assertProves(found[0] as Finding, server.log);
    // For ever, also when the log shows again what it showed first.
    server.show(base.append('and on'));
    expect(kindsOf(await monitor.check())).toEqual(['fork']);
    expect(kindsOf(await watch({ state: kept(monitor) }).check())).toEqual(['fork']);
  });

  it('goes on along the history it saw first', async () => {
    server.show(base);
    const monitor = watch();
    await monitor.check();
    server.show(history().append(...entries(400, 'another')));
    await monitor.check();
    expect(monitor.progress().size).toBe(base.size);
  });

  it.each([
    ['another key', (log: LyingLog) => log.show(base, { signers: [noteKey(ORIGIN, 99).signer] })],
    [
      'a key of another log',
      (log: LyingLog) =>
        log.show(base, { origin: 'log.test/other', signers: [noteKey('log.test/other', 21).signer] }),
    ],
    ['nobody', (log: LyingLog) => log.lie('checkpoint', 'log.test/one\n1\nAAAA\n')],
  ])('finds a checkpoint that is signed by %s', async (_, sign) => {
    server.show(base);
    const monitor = watch();
    await monitor.check();
    sign(server);
    expect(kindsOf(await monitor.check())).toEqual(['signature']);
  });

  it('finds tiles that do not make the checkpoint, and does not believe it', async () => {
    server.show(base);
    const monitor = watch();
    await monitor.check();
    const grown = base.append(...entries(900, 'more'));
    server.show(grown);
    for (const path of ['tile/0/004.p/176', 'tile/1/000.p/4']) {
      const bytes = (grown.files.get(path) as Uint8Array).slice();
      bytes[0] = (bytes[0] as number) ^ 1;
      server.lie(path, bytes);
      expect(kindsOf(await monitor.check())).toEqual(['tiles']);
      expect(monitor.progress().size).toBe(base.size);
      server.honest();
    }
    server.lie('tile/1/000.p/4', (_, response) => void response.writeHead(404).end());
    expect(kindsOf(await monitor.check())).toEqual(['tiles']);
    server.honest();
    expect(await monitor.check()).toEqual([]);
  });

  it('lets a log lag behind itself for a while, as long as its tiles are all there', async () => {
    const older = history().append(...entries(255));
    server.show(base);
    const monitor = watch({ lagMs: 60_000 });
    await monitor.check();
    server.show({ ...older, files: base.files });
    expect(await monitor.check()).toEqual([]);
    expect(monitor.progress()).toEqual({ size: 300, unread: 0, shown: 255 });
    time += 59_999;
    expect(await watch({ lagMs: 60_000, state: kept(monitor) }).check()).toEqual([]);
    time += 1;
    expect(kindsOf(await monitor.check())).toEqual(['rollback']);
    server.show(base);
    expect(await monitor.check()).toEqual([]);
    expect(monitor.progress()).toEqual({ size: 300, unread: 0 });
    // The next time counts anew; and what is taken back is found at once.
    server.show({ ...older, files: base.files });
    expect(await monitor.check()).toEqual([]);
    for (const emptied of [older, history()]) {
      server.show(emptied);
      expect(kindsOf(await monitor.check())).toEqual(['rollback']);
    }
    expect(monitor.progress().size).toBe(base.size);
  });

  it('does not begin with a checkpoint whose tiles are not there', async () => {
    server.show({ ...base, files: new Map() });
    const monitor = watch();
    expect(kindsOf(await monitor.check())).toEqual(['tiles']);
    expect(monitor.state().note).toBeNull();
  });

  it('finds a log that shows nothing new for too long, although it is asked', async () => {
    server.show(base);
    const monitor = watch({ maxAgeMs: 60_000 });
    expect(await monitor.check()).toEqual([]);
    time += 59_999;
    expect(await monitor.check()).toEqual([]);
    time += 1;
    expect(await monitor.check()).toEqual([expect.objectContaining({ kind: 'frozen' })]);
    expect(kindsOf(await watch({ maxAgeMs: 60_000, state: kept(monitor) }).check())).toEqual(['frozen']);
    server.show(base.append('news'));
    expect(await monitor.check()).toEqual([]);
  });

  it('waits for an answer as long as it was told to', async () => {
    const monitor = watch({ patienceMs: 30_000 });
    expect(await monitor.check()).toEqual([]);
    time += 29_999;
    expect(await monitor.check()).toEqual([]);
    time += 1;
    expect(kindsOf(await monitor.check())).toEqual(['unreachable']);
    expect(kindsOf(await watch({ patienceMs: 30_000, state: kept(monitor) }).check())).toEqual([
      'unreachable',
    ]);
    server.show(base);
    expect(await monitor.check()).toEqual([]);
    server.lie('checkpoint', (_, response) => void response.writeHead(503).end());
    expect(await monitor.check()).toEqual([]);
  });

  it.each<[string, Partial<LogMonitorOptions>, () => void, string]>([
    [
      'shows less than before',
      { lagMs: 60_000 },
      () => server.show({ ...history().append(...entries(255)), files: base.files }),
      'rollback',
    ],
    [
      'gives no answer',
      { patienceMs: 60_000 },
      () => server.lie('checkpoint', (_, response) => void response.writeHead(503).end()),
      'unreachable',
    ],
    ['shows nothing new', { maxAgeMs: 60_000 }, () => undefined, 'frozen'],
  ])(
    'waits no longer for a log that %s because its own clock had run ahead',
    async (_, limits, turn, kind) => {
      server.show(base);
      const honest = time;
      time += 365 * 86_400_000;
      const monitor = watch(limits);
      expect(await monitor.check()).toEqual([]);
      turn();
      expect(await monitor.check()).toEqual([]);
      time = honest;
      expect(await watch({ ...limits, state: kept(monitor) }).check()).toEqual([]);
      expect(await monitor.check()).toEqual([]);
      time += 60_000;
      expect(kindsOf(await monitor.check())).toEqual([kind]);
    },
  );

  it('says at once what is wrong where it was told not to wait', async () => {
    expect(kindsOf(await watch().check())).toEqual(['unreachable']);
  });

  it('begins with the state of its own log only', async () => {
    server.show(base);
    const monitor = watch();
    await monitor.check();
    const state = kept(monitor);
    const stranger = await openLyingLog(ORIGIN, 77);
    const code = 'SETTINGS_INVALID';
    expect(() => watch({ state: { ...state, origin: 'log.test/two' } })).toThrow(
      expect.objectContaining({ code }),
    );
    expect(() => watch({ state, client: clientOf(stranger), log: stranger.log })).toThrow(
      expect.objectContaining({ code }),
    );
    await stranger.close();
  });
});

describe('witnesses', () => {
  const [one, two] = [witness('witness.test/one', 41), witness('witness.test/two', 42)] as const;
  const signers = [noteKey(ORIGIN, 21).signer, one.signer, two.signer];
  const log = (): TrustedLog => ({
    ...server.log,
    witnesses: createWitnessPolicy(crypto, { witnesses: [one.vkey, two.vkey], quorum: 2 }),
  });

  it('are missed when too few cosigned, also while the log grows', async () => {
    server.show(base, { signers });
    const monitor = watch({ log: log(), patienceMs: 10_000 });
    expect(await monitor.check()).toEqual([]);
    server.show(base.append('more'), { signers: signers.slice(0, 2) });
    expect(await monitor.check()).toEqual([]);
    time += 10_000;
    expect(await monitor.check()).toEqual([
      expect.objectContaining({ kind: 'witnesses', detail: expect.stringContaining('1 of 2') }),
    ]);
    server.show(base.append('more'), { signers });
    expect(await monitor.check()).toEqual([]);
  });

  it('are missed in time also by a monitor whose clock had run ahead', async () => {
    server.show(base, { signers });
    const monitor = watch({ log: log(), patienceMs: 10_000 });
    time += 86_400_000;
    expect(await monitor.check()).toEqual([]);
    time -= 86_400_000;
    server.show(base.append('more'), { signers: signers.slice(0, 2) });
    expect(await monitor.check()).toEqual([]);
    time += 10_000;
    expect(kindsOf(await monitor.check())).toEqual(['witnesses']);
  });

  it('whose line does not verify are found at once', async () => {
    const note = server.show(base, { signers });
    const last = note.lastIndexOf('witness.test/two');
    const forged = `${note.slice(0, last)}${note.slice(last).replace(/ (\S{20})(\S)/, (_, head, next) => ` ${head}${next === 'A' ? 'B' : 'A'}`)}`;
    server.lie('checkpoint', forged);
    expect(kindsOf(await watch({ log: log(), patienceMs: 10_000 }).check())).toEqual(['witnesses']);
  });

  it('that look again keep a quiet log fresh', async () => {
    const at = (ms: number) => [signers[0]!, witness('witness.test/one', 41, ms / 1000).signer, two.signer];
    server.show(base, { signers: at(time) });
    const monitor = watch({ log: log(), maxAgeMs: 60_000 });
    await monitor.check();
    time += 60_000;
    // A time that has not come yet counts for nothing.
    server.show(base, { signers: at(time + 3_600_000) });
    expect(kindsOf(await monitor.check())).toEqual(['frozen']);
    server.show(base, { signers: at(time) });
    expect(await monitor.check()).toEqual([]);
  });
});

describe('another view of the log', () => {
  const both = () => ({ views: [clientOf(mirror)] });

  it('is the same, or behind, or ahead', async () => {
    server.show(base);
    const monitor = watch(both());
    for (const shown of [base, history().append(...entries(255)), history(), base.append('ahead')]) {
      mirror.show(shown);
      expect(await monitor.check()).toEqual([]);
    }
  });

  it.each([
    ['of the same size', history().append(...entries(299), 'another')],
    ['that is behind', history().append(...entries(100), 'another')],
    ['that is ahead', history().append(...entries(299), 'another', ...entries(300))],
  ])('with another history %s is a split view, and proven to anybody', async (_, other) => {
    server.show(base);
    mirror.show(other);
    const monitor = watch(both());
    const found = await monitor.check();
    expect(found).toEqual([expect.objectContaining({ kind: 'split-view', url: clientOf(mirror).url })]);
    assertProves(found[0] as Finding, server.log);
    mirror.show(base);
    expect(kindsOf(await monitor.check())).toEqual(['split-view']);
  });

  it('without tiles is remembered until the log has grown to it, also over restarts', async () => {
    server.show(base);
    const bare = (shown: typeof base) => mirror.show({ ...shown, files: new Map() });
    bare(base.append('ahead'));
    const first = watch(both());
    expect(await first.check()).toEqual([]);
    // It would have no trace any more of what it showed.
    bare(base);
    const monitor = watch({ ...both(), state: kept(first) });
    expect(await monitor.check()).toEqual([]);
    server.show(base.append('another', ...entries(10)));
    const found = await monitor.check();
    expect(kindsOf(found)).toEqual(['split-view']);
    assertProves(found[0] as Finding, server.log);
    // And one that was right is forgotten.
    server.show(base);
    bare(base.append('right'));
    const honest = watch(both());
    await honest.check();
    expect(honest.state().ahead.length).toBe(1);
    server.show(base.append('right', 'and on'));
    expect(await honest.check()).toEqual([]);
    expect(honest.state().ahead).toEqual([]);
  });

  it('that cannot be read, or is signed by another, is said to be so', async () => {
    server.show(base);
    const monitor = watch({ ...both(), patienceMs: 1_000 });
    expect(await monitor.check()).toEqual([]);
    time += 1_000;
    expect(kindsOf(await monitor.check())).toEqual(['unreachable']);
    mirror.show(base, { signers: [noteKey(ORIGIN, 99).signer] });
    expect(kindsOf(await monitor.check())).toEqual(['signature']);
  });

  it('is nothing while the log itself was never seen', async () => {
    mirror.show(base);
    expect(kindsOf(await watch(both()).check())).toEqual(['unreachable']);
    expect(mirror.asked).toEqual([]);
  });
});
