import {
  type AuditEvent,
  createChecker,
  type DecisionEvent,
  type EventFilter,
  EventPage,
} from '@talosprotocol/contracts';
import { encodeCursor } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sql } from '../../platform/sql.js';
import { clock } from '../../platform/system.js';
import { type Audit, createAudit } from '../service.js';
import { type AuditWorld, auditDeps, newUuid, openAuditWorld } from '../testing/room.js';
import { createTraffic, hashOf } from '../testing/traffic.js';
import { createExplorer, type EventQuery, type Explorer } from './explorer.js';
import type { ScanLimits } from './scan-query.js';

const crypto = createNodeCrypto();

let world: AuditWorld;
let audit: Audit;
let all: readonly AuditEvent[];
const decisions = new Map<string, DecisionEvent>();
/** Links by `cth`. */
const chains = new Map<string, readonly string[]>();
const traffic = createTraffic({ seed: 7, agents: 6, chainsPerAgent: 3, tools: 9, exp: 2_000_000_000 });
const SLOW_MS = 180_000;
/** Events came over an hour of a clock that stands still for a while and then jumps. */
const START = Date.parse('2026-03-01T10:00:00.000Z');
let now = START;

beforeAll(async () => {
  world = await openAuditWorld();
  const deps = auditDeps(world.sql, await world.fresh(), {
    clock: { ...clock, now: () => now },
    limits: { partition: 256 },
  });
  audit = createAudit(deps);
  await audit.start();
  for (let round = 0; round < 30; round += 1) {
    await Promise.all(traffic.next(40).map((draft) => audit.record(draft as never)));
    now += round % 3 === 0 ? 0 : 120_000;
  }
  all = await readAll();
  for (const event of all) {
    if (event.type === 'decision') decisions.set(event.id, event);
    if (event.type === 'chain') chains.set(event.cth, event.chain.split('~').map(hashOf));
  }
}, SLOW_MS);
afterAll(async () => {
  await audit.stop();
  await world.close();
});

async function readAll(): Promise<AuditEvent[]> {
  const rows = await world.sql.query<{ event: string }>('SELECT event FROM audit_event ORDER BY idx');
  return rows.map(({ event }) => JSON.parse(event) as AuditEvent);
}

/** What a filter means, said without an index (AUD-65). */
function fits(filter: EventFilter, event: AuditEvent): boolean {
  const decision =
    event.type === 'decision' ? event : event.type === 'outcome' ? decisions.get(event.decision) : undefined;
  const cth = decision?.credential.cth ?? ('cth' in event ? event.cth : undefined);
  const lids = chains.get(cth ?? '') ?? [];
  const holds = (hash: string): boolean =>
    cth === hash || lids.includes(hash) || (event.type === 'revocation' && event.lid === hash);
  const cost = event.type === 'outcome' ? event.cost : undefined;
  const checks: { [K in keyof EventFilter]-?: (value: NonNullable<EventFilter[K]>) => boolean } = {
    agent: (value) => event.principal?.sub === value,
    capability: (value) => holds(value),
    server: (value) => decision?.action.server === value,
    tool: (value) => decision?.action.tool === value,
    op: (value) => decision?.action.op === value,
    surface: (value) => decision?.surface === value,
    effect: (value) => decision?.effect === value,
    code: (value) => 'code' in event && event.code === value,
    status: (value) => event.type === 'outcome' && event.status === value,
    type: (value) => event.type === value,
    since: (value: string) => event.time >= value,
    until: (value: string) => event.time < value,
    min_cost: (value) => (cost?.amount ?? 0) >= value,
    currency: (value) => cost?.currency === value,
  };
  return Object.entries(filter).every(([name, value]) => checks[name as keyof EventFilter](value as never));
}

/** Every page of a query, and how many there were. */
/** Reads page by page; `meanwhile` is done while each of them is read. */
async function pagesOf(
  explorer: Explorer,
  query: EventQuery,
  meanwhile?: () => Promise<unknown>,
): Promise<{ indexes: number[]; pages: number }> {
  const indexes: number[] = [];
  let pages = 0;
  for (let cursor: string | undefined; ; ) {
    const reading = explorer.events({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    const [page] = await Promise.all([reading, meanwhile?.()]);
    pages += 1;
    expect(page.events.length).toBeLessThanOrEqual(query.limit);
    indexes.push(...page.events.map(({ index }) => index));
    if (page.next === null) return { indexes, pages };
    cursor = page.next;
  }
}

const time = fc
  .integer({ min: -1, max: 45 })
  .map((minutes) => new Date(START + minutes * 60_000).toISOString());
const hashes = traffic.chains.flatMap((chain) => [hashOf(chain), ...chain.split('~').map(hashOf)]);
const filters: fc.Arbitrary<EventFilter> = fc.record(
  {
    agent: fc.constantFrom(...traffic.agents, 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'),
    capability: fc.constantFrom(...hashes, 'A'.repeat(43)),
    server: fc.constantFrom('server-0', 'server-1', 'nowhere'),
    tool: fc.constantFrom(
      ...traffic.tools.map(({ tool }) => tool),
      "x'); DROP TABLE audit_event; --".replaceAll(' ', '_'),
    ),
    op: fc.constantFrom('read' as const, 'write' as const),
    surface: fc.constantFrom('mcp' as const, 'admin' as const),
    effect: fc.constantFrom('allow' as const, 'deny' as const),
    code: fc.constantFrom('EXPIRED' as const, 'SCOPE_MISMATCH' as const, 'RATE_LIMITED' as const),
    status: fc.constantFrom('completed' as const, 'failed' as const),
    type: fc.constantFrom('decision' as const, 'outcome' as const, 'chain' as const, 'revocation' as const),
    since: time,
    until: time,
    min_cost: fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constantFrom(1, 10, 100, 10_000)),
    currency: fc.constantFrom('EUR', 'USD'),
  },
  { requiredKeys: [] },
);
/** Few members, so that most filters find something; all of them now and then. */
const fewMembers = fc.tuple(filters, fc.array(fc.nat(13), { maxLength: 3 })).map(([filter, kept]) => {
  const names = Object.keys(filter);
  if (kept.length === 3) return filter;
  return Object.fromEntries(
    kept
      .map((i) => names[i % Math.max(1, names.length)])
      .filter((name) => name !== undefined)
      .map((name) => [name, filter[name as keyof EventFilter]]),
  );
});

const TINY: Partial<ScanLimits> = {
  ...{ merged: 0, listed: 3, known: 9, gathered: 5, priced: 4, window: 7, budgetMs: 0 },
};
/** How it is read, and how often it is tried: small steps take their time. */
const WAYS: readonly (readonly [string, Partial<ScanLimits>, number])[] = [
  ['as it is', {}, 60],
  ['by merging every facet', { merged: 10_000 }, 30],
  ['by windows, then facet by facet, or all rows of a price at once', { merged: 0, window: 16 }, 60],
  ['by price where facets are too many to list', { merged: 0, listed: 2, known: 2, window: 16 }, 60],
  [
    'by price, and by windows, where facets are too many to ask each',
    { merged: 0, listed: 2, window: 16 },
    60,
  ],
  ['by the dearest, and as far as these say', { merged: 0, gathered: 0, window: 24 }, 60],
  ['by windows over facets that are listed', { merged: 0, gathered: 0, window: 64 }, 30],
  ['by windows over facets that are too many to list', { listed: 0, known: 0, merged: 0, window: 64 }, 30],
  ['by the smallest steps', TINY, 8],
];

describe('events that are asked for', () => {
  it.each(WAYS)(
    'are those that fit, in both orders, on any pages (AUD-65): %s',
    async (_, limits, numRuns) => {
      const explorer = createExplorer({ sql: world.sql, clock, crypto, limits });
      await fc.assert(
        fc.asyncProperty(
          fewMembers,
          fc.constantFrom('newest' as const, 'oldest' as const),
          fc.constantFrom(17, 100, 500),
          async (filter, order, limit) => {
            const expected = all.flatMap((event, index) => (fits(filter, event) ? [index] : []));
            const { indexes } = await pagesOf(explorer, { filter, order, limit });
            expect(indexes).toEqual(order === 'newest' ? expected.reverse() : expected);
          },
        ),
        { numRuns },
      );
    },
    SLOW_MS,
  );

  it('fit the schema, and are the events with their receipts', async () => {
    const page = await audit.events({ limit: 500 });
    expect(createChecker(EventPage)(page)).toBeUndefined();
    expect(page.events.map(({ event }) => event)).toEqual(all.slice(-500).reverse());
    expect(page.events[0]?.receipt).toBe(`rcp_${all.at(-1)?.id.slice(4)}`);
  });

  it(
    'end a page at a bound of bytes, and go on behind it',
    async () => {
      const big = createExplorer({ sql: wide(world.sql), clock, crypto });
      const filter = { type: 'chain' as const };
      for (const order of ['oldest', 'newest'] as const) {
        const { indexes, pages } = await pagesOf(big, { filter, order, limit: 200 });
        const expected = all.flatMap(({ type }, index) => (type === 'chain' ? [index] : []));
        expect(indexes).toEqual(order === 'oldest' ? expected : expected.reverse());
        expect(pages).toBe(Math.ceil(expected.length / 8));
      }
    },
    SLOW_MS,
  );

  it('are asked one event at a time too (AUD-67)', async () => {
    expect(await audit.event('17')).toMatchObject({ index: 17, event: { id: all[17]?.id } });
    expect(await audit.event(all[17]?.id ?? '')).toMatchObject({ index: 17 });
    for (const name of [`evt_${newUuid()}`, '99999999', '999999999999999'])
      await expect(audit.event(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const name of ['', '-1', '017', '1e3', '1 OR 1=1', 'evt_1', `rcp_${newUuid()}`, '9'.repeat(16)])
      await expect(audit.event(name)).rejects.toMatchObject({ code: 'MALFORMED' });
  });
});

/** Bodies of a megabyte, without writing them. */
function wide(sql: Sql): Sql {
  const transaction: Sql['transaction'] = (work, isolation) =>
    sql.transaction(
      (tx) =>
        work({
          query: async (text, values) => {
            const rows = await tx.query(text, values);
            const isBodies =
              typeof text === 'string' && text.includes('disclosures FROM audit_event WHERE idx = ANY');
            return (
              isBodies ? rows.map((row) => ({ ...row, disclosures: `[${' '.repeat(1_000_000)}]` })) : rows
            ) as never;
          },
        }),
      isolation,
    );
  return { ...sql, transaction };
}

describe('pages', () => {
  it(
    'have no gap and no repeat while events are added, in both orders',
    async () => {
      const before = (await readAll()).length;
      const explorer = createExplorer({ sql: world.sql, clock, crypto });
      const filter = { type: 'decision' as const };
      // Fewer than a page has room for, so that the reader catches up.
      const add = () => Promise.all(traffic.next(20).map((draft) => audit.record(draft as never)));
      const newest = await pagesOf(explorer, { filter, order: 'newest', limit: 60 }, add);
      const oldest = await pagesOf(explorer, { filter, order: 'oldest', limit: 60 }, add);
      const log = await readAll();
      expect(log.length).toBeGreaterThanOrEqual(before + 20 * (newest.pages + oldest.pages));
      const expected = log.flatMap((event, index) => (event.type === 'decision' ? [index] : []));
      expect(oldest.indexes).toEqual(expected.slice(0, oldest.indexes.length));
      expect(oldest.indexes.length).toBeGreaterThanOrEqual(newest.indexes.length);
      const first = expected.filter((index) => index <= (newest.indexes[0] ?? 0));
      expect(newest.indexes).toEqual(first.reverse());
    },
    SLOW_MS,
  );

  it('refuse a cursor that is none, or of another log', async () => {
    const { next } = await audit.events({ limit: 3 });
    const real = next ?? '';
    const id = newUuid();
    const strange = encodeCursor({ seconds: Math.floor(Date.now() / 1000), id });
    const moved = encodeCursor({ seconds: 1, id: all[3]?.id.slice(4) ?? '' });
    for (const cursor of [
      '',
      'A',
      `${real}A`,
      real.slice(0, -1),
      real.toUpperCase(),
      strange,
      moved,
      `${real} `,
    ])
      await expect(audit.events({ limit: 3, cursor })).rejects.toMatchObject({ code: 'MALFORMED' });
    expect((await audit.events({ limit: 3, cursor: real })).events).toHaveLength(3);
  });

  it('are refused, not queued without end, when too many ask', async () => {
    const gate = deferred();
    const transaction: Sql['transaction'] = async (work, isolation) => {
      await gate.promise;
      return world.sql.transaction(work, isolation);
    };
    const explorer = createExplorer({ sql: { ...world.sql, transaction }, clock, crypto });
    const asked = Array.from({ length: 80 }, () => explorer.events({ limit: 1 }));
    const ended = Promise.allSettled(asked);
    gate.resolve();
    const refused = (await ended).filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(80 - 4 - 64);
    expect(refused[0]).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
    expect((await explorer.events({ limit: 1 })).events).toHaveLength(1);
  });

  it('stop a statement that runs too long', async () => {
    const slow: Sql['transaction'] = (work, isolation) =>
      world.sql.transaction(
        (tx) =>
          work({
            query: (text, values) =>
              String(text).includes('FROM audit_event')
                ? tx.query('SELECT pg_sleep(20)')
                : tx.query(text, values),
          }),
        isolation,
      );
    const explorer = createExplorer({ sql: { ...world.sql, transaction: slow }, clock, crypto });
    await expect(explorer.events({ limit: 1 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
