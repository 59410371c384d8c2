import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogClient } from './log-client.js';
import { createLogMonitor } from './monitor.js';
import { entries, history, type LyingLog, ORIGIN, openLyingLog } from './testing/lying-log.js';
import { createWitnessView } from './witness-view.js';

const crypto = createNodeCrypto();
const base = history().append(...entries(300));
const SPLIT_VIEWS = `split-views?origin=${encodeURIComponent(ORIGIN)}`;

let server: LyingLog;
/** Answers as a witness does; its own files are not asked for. */
let witness: LyingLog;
let notes: Record<'base' | 'ahead' | 'other', string>;
beforeEach(async () => {
  [server, witness] = await Promise.all([openLyingLog(), openLyingLog()]);
  notes = {
    other: server.show(history().append(...entries(299), 'another')),
    ahead: server.show(base.append('ahead')),
    base: server.show(base),
  };
  witness.lie(SPLIT_VIEWS, JSON.stringify({ splitViews: [] }));
});
afterEach(() => Promise.all([server.close(), witness.close()]));

const view = () => createWitnessView({ url: witness.url, log: server.log, crypto });
const client = () => createLogClient({ url: server.url, log: server.log, crypto });
const watch = () =>
  createLogMonitor({ client: client(), views: [view()], log: server.log, crypto, now: () => 0 });
const kinds = async (monitor: ReturnType<typeof watch>) => (await monitor.check()).map(({ kind }) => kind);

function saw(checkpoint: string | undefined): void {
  const cosigned = checkpoint === undefined ? null : { checkpoint, time: '2026-11-01T00:00:00.000Z' };
  const logs = [
    { origin: 'log.test/other', size: 1, cosigned: null },
    { origin: ORIGIN, size: 300, root: '', cosigned, splitViews: 0 },
  ];
  witness.lie('logs', JSON.stringify({ name: 'witness.test', vkey: '', logs }));
}

// AUD-97
describe('what a witness saw of a log', () => {
  it('is what the log shows, or more, until the log has grown to it', async () => {
    const monitor = watch();
    saw(notes.base);
    expect(await kinds(monitor)).toEqual([]);
    saw(notes.ahead);
    expect(await kinds(monitor)).toEqual([]);
    expect(monitor.state().ahead).toEqual([[view().url, notes.ahead]]);
    server.show(base.append('ahead', 'and on'));
    expect(await kinds(monitor)).toEqual([]);
    expect(monitor.state().ahead).toEqual([]);
  });

  it('is a split view where it is another history, at once or once the log has grown', async () => {
    saw(notes.other);
    expect(await kinds(watch())).toEqual(['split-view']);
    saw(notes.ahead);
    const monitor = watch();
    expect(await kinds(monitor)).toEqual([]);
    server.show(base.append('otherwise', 'and on'));
    expect(await kinds(monitor)).toEqual(['split-view']);
  });

  it('is a split view where it holds the proof of one, which is checked', async () => {
    const known = client();
    const evidence = await known.findFork(known.verify(notes.other), known.verify(notes.base));
    saw(notes.base);
    const bad = { ...evidence, prefix: 'A'.repeat(43) };
    witness.lie(SPLIT_VIEWS, JSON.stringify({ splitViews: [null, {}, bad] }));
    expect(await kinds(watch())).toEqual([]);
    witness.lie(SPLIT_VIEWS, JSON.stringify({ splitViews: [bad, evidence] }));
    expect((await watch().check())[0]).toMatchObject({ kind: 'split-view', url: view().url, evidence });
  });

  it('is nothing without the signature of the log', async () => {
    saw(notes.base.replace('\n300\n', '\n301\n'));
    expect(await kinds(watch())).toEqual(['signature']);
  });

  it.each([
    ['nothing yet', () => saw(undefined)],
    [
      'nothing of this log',
      () => witness.lie('logs', JSON.stringify({ logs: [{ origin: 'log.test/other' }] })),
    ],
    ['no list', () => witness.lie('logs', JSON.stringify({ logs: {} }))],
    ['no object', () => witness.lie('logs', '[1]')],
    ['no JSON', () => witness.lie('logs', 'rubbish')],
    ['no answer at all', () => witness.lie('logs', (_, response) => void response.writeHead(500).end())],
    ['more than there may be', () => witness.lie('logs', Buffer.alloc(9_000_000, 32))],
  ])('that says %s is said to be out of reach', async (_, say) => {
    say();
    expect(await kinds(watch())).toEqual(['unreachable']);
  });
});
