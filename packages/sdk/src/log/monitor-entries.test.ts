import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogClient } from './log-client.js';
import { createLogMonitor, type LogMonitorOptions } from './monitor.js';
import { type EventChange, events } from './testing/events.js';
import { type History, history, type LyingLog, ORIGIN, openLyingLog } from './testing/lying-log.js';

const crypto = createNodeCrypto();
let server: LyingLog;
beforeEach(async () => {
  server = await openLyingLog();
});
afterEach(() => server.close());

function watch(options: Partial<LogMonitorOptions> = {}) {
  const client = createLogClient({ url: server.url, log: server.log, crypto });
  return createLogMonitor({ client, log: server.log, crypto, now: () => 0, entries: {}, ...options });
}

const logOf = (count: number, changes: Readonly<Record<number, EventChange>> = {}): History =>
  history().append(...events(ORIGIN, count, changes));

// AUD-97, AUD-98
describe('a monitor that reads entries', () => {
  it('reads each once, in order, also over restarts', async () => {
    server.show(logOf(300));
    const monitor = watch();
    expect(await monitor.check()).toEqual([]);
    expect(monitor.progress()).toEqual({ size: 300, unread: 0 });
    server.asked.length = 0;
    server.show(logOf(700));
    const again = watch({ state: JSON.parse(JSON.stringify(monitor.state())) });
    expect(await again.check()).toEqual([]);
    expect(again.state().walk.next).toBe(700);
    expect(server.asked).not.toContain('tile/entries/000');
  });

  it('reads a bounded number in one look', async () => {
    server.show(logOf(600));
    const monitor = watch({ entries: { mostALook: 584 } });
    expect(await monitor.check()).toEqual([]);
    expect(monitor.progress()).toEqual({ size: 600, unread: 16 });
    expect(await monitor.check()).toEqual([]);
    expect(monitor.progress().unread).toBe(0);
  });

  it.each<[string, EventChange, string]>([
    ["an emitter's number left out", { eseq: 9 }, 'follows'],
    ['another event before', { prev: 'ab'.repeat(32) }, 'previous event'],
    ["a subject's number left out", { pseq: 9 }, 'stands where'],
    ['an event of another log', { origin: 'log.test/other' }, 'another log'],
    ['an event with more than there may be', { more: 1 }, 'an event'],
  ])('finds %s, which the log signed', async (_, change, detail) => {
    server.show(logOf(10, { 5: change }));
    const monitor = watch();
    for (let look = 0; look < 2; look += 1) {
      const found = await monitor.check();
      expect(found).toEqual([
        expect.objectContaining({ kind: 'events', detail: expect.stringContaining('entry 5') }),
      ]);
      expect(found[0]?.detail).toContain(detail);
    }
    expect(monitor.state().walk.next).toBe(5);
  });

  it('finds emitters that nobody trusts', async () => {
    server.show(logOf(3));
    expect(await watch({ entries: { emitters: new Set(['did:key:z6MkOther']) } }).check()).toEqual([
      expect.objectContaining({ kind: 'events', detail: expect.stringContaining('no emitter') }),
    ]);
  });

  it('finds an entry that was changed after it was signed, and one that is not there', async () => {
    const shown = logOf(300);
    server.show(shown);
    const bundle = Buffer.from(shown.files.get('tile/entries/000') as Uint8Array);
    server.lie(
      'tile/entries/000',
      Buffer.from(bundle.toString('latin1').replace('"pseq":7,', '"pseq":8,'), 'latin1'),
    );
    const monitor = watch();
    expect(await monitor.check()).toEqual([
      expect.objectContaining({ kind: 'entries', detail: expect.stringContaining('other entries') }),
    ]);
    server.lie('tile/entries/000', (_, response) => void response.writeHead(404).end());
    expect(await monitor.check()).toEqual([
      expect.objectContaining({ kind: 'entries', detail: expect.stringContaining('not there') }),
    ]);
    server.honest();
    expect(await monitor.check()).toEqual([]);
  });

  it('says that it may not read them', async () => {
    server.show(logOf(3));
    const problem = {
      type: 'urn:talos:problem:FORBIDDEN',
      title: 'No',
      status: 403,
      code: 'FORBIDDEN',
      request_id: 'req_1',
      retryable: false,
    };
    server.lie(
      'tile/entries/000.p/3',
      (_, response) => void response.writeHead(403).end(JSON.stringify(problem)),
    );
    expect(await watch().check()).toEqual([
      expect.objectContaining({ kind: 'unreachable', url: expect.stringMatching(/tile\/entries$/) }),
    ]);
  });

  it('begins where it is told to', async () => {
    server.show(logOf(600));
    server.lie('tile/entries/000', (_, response) => void response.writeHead(410).end());
    const monitor = watch({ entries: { from: 256 } });
    expect(await monitor.check()).toEqual([]);
    expect(monitor.state().walk).toMatchObject({ next: 600, partial: true });
  });
});
