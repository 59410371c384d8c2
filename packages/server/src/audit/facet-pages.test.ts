import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Queries } from '../platform/sql.js';
import { PAGE, readFacetPages } from './facet-pages.js';
import { createPartitions } from './partitions.js';
import { type AuditWorld, auditDeps, openAuditWorld } from './testing/room.js';

const SIZE = 100_000;
/** Every second event has facet 1, of the rest each eleventh facet 2, the others one of 5,000. */
const facetAt = (idx: number): number =>
  idx % 2 === 0 ? 1 : idx % 11 === 0 ? 2 : 10 + ((idx * 7_919) % 5_000);

let world: AuditWorld;
beforeAll(async () => {
  world = await openAuditWorld();
  await world.fresh();
  await createPartitions(world.sql, SIZE, auditDeps(world.sql, '/nowhere').log).makeRoom(SIZE);
  await world.sql.query(
    `INSERT INTO audit_index (idx, time_ms, facet)
     SELECT i, 0, CASE WHEN i % 2 = 0 THEN 1 WHEN i % 11 = 0 THEN 2 ELSE 10 + (i::bigint * 7919) % 5000 END
     FROM generate_series(0, $1::int - 1) AS i`,
    [SIZE],
  );
});
afterAll(() => world?.close());

/** Tells how many rows each query gave. */
function counted(sql: Queries): { readonly queries: Queries; readonly rows: number[] } {
  const rows: number[] = [];
  const query: Queries['query'] = async (text, values) => {
    const found = await sql.query(text, values);
    rows.push(found.length);
    return found as never;
  };
  return { queries: { query }, rows };
}

const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

describe('the pages of some facets', () => {
  it.each<[string, number[], number, number]>([
    ['one that is frequent', [1], 0, SIZE],
    ['one that is rare', [10], 0, SIZE],
    ['some that are rare', numbers(10, 30), 0, SIZE],
    ['many that are rare', numbers(10, 5_000), 0, SIZE],
    ['all', [1, 2, ...numbers(10, 5_000)], 0, SIZE],
    ['more than the span has indexes', numbers(1, 9_000), 500, 700],
    ['a frequent one and none there is', [2, 99_999], 17, 40_000],
    ['none there is', [99_999], 0, SIZE],
    ['one, behind the end', [1], SIZE, SIZE + 50_000],
    ['one, in no span', [1], 50, 50],
    ['no facet', [], 0, SIZE],
  ])('are all their events in order: %s', async (_, facets, from, to) => {
    const { queries, rows } = counted(world.sql);
    const wanted = new Set(facets);
    const right = numbers(from, Math.max(0, Math.min(to, SIZE) - from)).filter((idx) =>
      wanted.has(facetAt(idx)),
    );
    const found: number[] = [];
    let at = from;
    for await (const { indexes, next } of readFacetPages(queries, facets, { from, to })) {
      expect(indexes.length).toBeLessThanOrEqual(PAGE);
      expect(indexes.every((idx) => idx >= at && idx < next)).toBe(true);
      at = next;
      found.push(...indexes);
    }
    expect(found).toEqual(right);
    expect(at).toBe(facets.length === 0 ? from : Math.max(from, to));
    expect(Math.max(0, ...rows)).toBeLessThanOrEqual(PAGE + 1);
  });
});
