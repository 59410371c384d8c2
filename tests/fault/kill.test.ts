import { existsSync, readFileSync } from 'node:fs';
import type { AuditEvent } from '@talosprotocol/contracts';
import {
  type AnyBundle,
  createTreeHasher,
  encodeHex,
  eventBytes,
  parseBearerKey,
  parseCheckpoint,
  parseNote,
  rootOf,
} from '@talosprotocol/protocol';
import { createAgent, type Denial, parseRefusal } from '@talosprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { callOnce, connect } from '../support/mcp-clients.js';
import { idOf, keyOf, usePlatforms, wholeLog } from '../support/own-platforms.js';
import { expectNoSurvivors, familyOf, killDuringStart } from '../support/platform-process.js';
import { crypto, deps, type Operator } from '../support/world.js';

const { newPlace, start, startWithTools, program } = usePlatforms();

const notes = (journal: string): string[] => {
  try {
    return readFileSync(journal, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('note '));
  } catch {
    return [];
  }
};

/** Holds an earlier checkpoint against the log as it is now. */
function expectExtends({ entries }: AnyBundle, note: string): void {
  const { size, root } = parseCheckpoint(parseNote(note).text);
  const hasher = createTreeHasher(crypto.sha256);
  const leaves = entries.slice(0, size).map(({ event }) => hasher.leaf(eventBytes(event)));
  expect(leaves).toHaveLength(size);
  expect(encodeHex(rootOf(hasher, leaves))).toBe(encodeHex(root));
}

/** Calls without pause on several connections until the platform is gone; keeps what was answered. */
function load(platform: Operator, keys: readonly string[]) {
  const receipts: string[] = [];
  const allowed: string[] = [];
  const checkpoints: string[] = [];
  let calls = 0;
  const worker = async (key: string): Promise<void> => {
    for (;;) {
      calls += 1;
      const name = calls % 4 === 0 ? 'odd__nothing' : 'odd__note';
      const args = { text: `call ${calls}` };
      const message = { jsonrpc: '2.0', id: calls, method: 'tools/call', params: { name, arguments: args } };
      const response = await fetch(new URL('/mcp', platform.ready.gateway), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify(message),
      });
      const receipt = response.headers.get('x-talos-receipt');
      const answer = (await response.json()) as { result?: unknown };
      if (receipt !== null) receipts.push(receipt);
      if (receipt !== null && answer.result !== undefined) allowed.push(receipt);
    }
  };
  const watcher = async (): Promise<void> => {
    for (;;) checkpoints.push(await platform.audit.checkpoint());
  };
  const gone = Promise.allSettled([...keys.map(worker), watcher()]);
  return { gone, receipts, allowed, checkpoints };
}

const isAllowed = (event: AuditEvent): boolean => event.type === 'decision' && event.effect === 'allow';

// AUD-7, AUD-21, SES-10, CAP-21
describe('kill -9 of the whole platform under load', () => {
  it('loses nothing that was acknowledged, gives no limit back, leaves no process, and the log goes on', async () => {
    const place = newPlace();
    const { platform, cast } = await startWithTools(place);
    const LIMIT = 60;
    const limited = keyOf(cast, { limits: [{ per: 'total', calls: LIMIT }] });
    const all = load(platform, [keyOf(cast), keyOf(cast), limited]);
    await expect.poll(() => all.allowed.length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(80);
    const family = familyOf(platform.pid);
    for (const kind of [/bin\/postgres /, /^\/bin\/sh -c/, /odd-server/, /setInterval/]) {
      expect(family.filter(({ command }) => kind.test(command))).not.toEqual([]);
    }
    expect(await platform.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    await all.gone;
    await expectNoSurvivors(family);

    const again = await start(place.data);
    const { report, bundle, events } = await wholeLog(again);
    const ids = new Set(events.map(({ id }) => id));
    expect(all.receipts.filter((receipt) => !ids.has(idOf(receipt)))).toEqual([]);
    expect(report.counts.unchecked).toBe(0);
    expect(all.checkpoints.length).toBeGreaterThan(3);
    expectExtends(bundle, all.checkpoints.at(-1)!);
    // No write was done without its decision, and each allowed one has an outcome, its own or `lost`.
    const decided = events.filter(isAllowed);
    expect(notes(place.journal).length).toBeLessThanOrEqual(decided.length);
    expect(notes(place.journal).length).toBeGreaterThanOrEqual(all.allowed.length);
    const outcomes = new Set(events.flatMap((event) => (event.type === 'outcome' ? [event.decision] : [])));
    expect(decided.filter(({ id }) => !outcomes.has(id))).toEqual([]);
    expect(events.filter(({ type }) => type === 'log.opened')).toHaveLength(2);

    // Of the limited key's calls no more than the limit were ever decided, over both lives.
    const { leaf } = parseBearerKey(limited, crypto).chain;
    const spent = (all: readonly AuditEvent[]) =>
      all.filter((event) => isAllowed(event) && event.principal?.sub === leaf.claims.sub).length;
    const before = spent(events);
    expect(before).toBeGreaterThan(0);
    const caller = await connect(again.ready.gateway, { key: limited });
    let refused: Denial | undefined;
    for (let call = 0; call <= LIMIT && refused === undefined; call += 1) {
      refused = (await caller.call('odd__note', { text: 'after' })).denial;
    }
    await caller.close();
    expect(refused).toMatchObject({ code: 'BUDGET_EXCEEDED', link: 2 });
    const after = spent((await wholeLog(again)).events);
    expect(after).toBeGreaterThanOrEqual(before);
    expect(after).toBeLessThanOrEqual(LIMIT);
    expect(await again.end('SIGTERM')).toEqual({ code: 0, signal: null });
  }, 90_000);
});

// SES-10
describe('a write whose outcome was lost in a crash', () => {
  it('is never executed again under its rid', async () => {
    const place = newPlace();
    const { platform, cast } = await startWithTools(place);
    const rid = pinnedRid();
    const call = (at: Operator, ms: number) => {
      const agent = createAgent({
        identity: cast.agent,
        capability: cast.agentChain,
        gateway: at.ready.gateway,
        crypto,
        ...rid,
      });
      const params = { name: 'odd__slow', arguments: { ms } };
      return agent.fetch(new URL('/mcp', at.ready.gateway), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
      });
    };
    const lost = call(platform, 60_000).catch(() => 'lost');
    await expect.poll(() => existsSync(place.journal)).toBe(true);
    await platform.end('SIGKILL');
    expect(await lost).toBe('lost');

    const again = await start(place.data);
    const same = parseRefusal(await (await call(again, 60_000)).text());
    expect(same).toMatchObject({ code: 'IN_PROGRESS' });
    const other = parseRefusal(await (await call(again, 1)).text());
    expect(other).toMatchObject({ code: 'REPLAY' });
    expect(readFileSync(place.journal, 'utf8').trim().split('\n')).toHaveLength(1);
    const { events } = await wholeLog(again);
    expect(events.flatMap((event) => (event.type === 'outcome' ? [event.status] : []))).toEqual(['lost']);
  }, 60_000);
});

/** What makes the SDK call everything by the same rid: the time and the randomness it is made of. */
function pinnedRid() {
  const now = Date.now();
  const random = (length: number) => (length === 16 ? new Uint8Array(16).fill(5) : deps.randomBytes(length));
  return { now: () => now, random };
}

describe('a platform whose database is killed', () => {
  it('ends too, says so, leaves no process, and the next start has everything', async () => {
    const place = newPlace();
    const { platform, cast } = await startWithTools(place);
    const caller = await connect(platform.ready.gateway, { key: keyOf(cast) });
    const family = familyOf(platform.pid);
    const postmaster = family.find(({ command }) => /bin\/postgres -D/.test(command))!;
    expect(await caller.call('odd__note', { text: 'kept' })).toEqual({ text: 'noted kept' });
    // At once: the outcome of the call is on its way to a database that is not there any more.
    process.kill(postmaster.pid, 'SIGKILL');
    const receipt = caller.last().headers.get('x-talos-receipt')!;
    const killed = performance.now();
    expect((await platform.ended).code).toBe(4);
    // Nothing is waited for that cannot come any more, and nothing is said over and over.
    expect(performance.now() - killed).toBeLessThan(8_000);
    expect(platform.log()).toContain('the database ended');
    expect(platform.log()).not.toContain('a step of the shutdown failed');
    expect((platform.log().match(/the log cannot be taken/g) ?? []).length).toBeLessThanOrEqual(1);
    await expectNoSurvivors(family);
    const again = await start(place.data);
    expect((await wholeLog(again)).events.map(({ id }) => id)).toContain(idOf(receipt));
  }, 60_000);
});

describe('a start that is killed', () => {
  it.each([150, 500, 900])(
    'after %i ms leaves nothing that hinders the next',
    async (ms) => {
      const place = newPlace();
      const family = await killDuringStart(program(), place.data, ms);
      await expectNoSurvivors(family);
      const { platform, cast } = await startWithTools(place);
      const credential = { identity: cast.agent, chain: cast.agentChain };
      expect(await callOnce(platform.ready.gateway, credential, 'odd__look', {})).toEqual({ text: 'looked' });
      await wholeLog(platform);
    },
    60_000,
  );
});
