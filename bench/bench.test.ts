import { describe, expect, it } from 'vitest';
import { parseArguments } from './arguments.js';
import { auditExplore } from './audit/explore.js';
import { auditIngest } from './audit/ingest.js';
import { auditProof } from './audit/proof.js';
import { authorizeCached } from './authorize/cached.js';
import { authorizeFull } from './authorize/full.js';
import { authorizeProof } from './authorize/proof.js';
import { compareGoals, GOALS } from './goals.js';
import { currentCommit, describeMachine } from './machine.js';
import { formatMarkdown } from './markdown.js';
import { openPeer } from './peers/remote-peer.js';
import type { Result } from './result.js';
import { median, percentile, QUICK } from './runner.js';
import { formatReport } from './table.js';

const isPositive = (value: number): boolean => Number.isFinite(value) && value > 0;

/** The shape of `--json`; no figure is asserted. */
function expectRow(row: Result, name: string): void {
  expect(row.name).toBe(name);
  expect(typeof row.params['work']).toBe('string');
  for (const value of [row.ops_per_s, row.p50_us, row.p99_us, row.rss_bytes, row.rounds]) {
    expect(isPositive(value)).toBe(true);
  }
  expect(row.p99_us).toBeGreaterThanOrEqual(row.p50_us);
  expect(row.p999_us).toBeGreaterThanOrEqual(row.p99_us);
  expect(row.bytes_per_op).toBeGreaterThanOrEqual(0);
  expect(Object.keys(row.peers)).toEqual(Object.keys(row.ratios));
  for (const value of [...Object.values(row.ratios), ...Object.values(row.peers)]) {
    expect(isPositive(value)).toBe(true);
  }
  expect(JSON.parse(JSON.stringify(row))).toEqual(row);
}

describe('benchmarks that run in this process', () => {
  const cases = [
    { benchmark: authorizeCached, peers: ['string-map', 'fast-jwt-cache'] },
    { benchmark: authorizeProof, peers: ['bare-hmac', 'fast-jwt-cache', 'jose'] },
    { benchmark: authorizeFull, peers: ['node-crypto', 'jose', 'fast-jwt'] },
  ];
  it.each(cases)('$benchmark.name decides rightly and reports its rows', async ({ benchmark, peers }) => {
    const rows = await benchmark.run(QUICK, true);
    for (const row of rows) expectRow(row, benchmark.name);
    expect(Object.keys(rows[0]?.ratios ?? {})).toEqual(peers);
    const report = { machine: describeMachine(), commit: currentCommit(), results: rows };
    expect(isPositive(report.machine.cores) && isPositive(report.machine.memory_bytes)).toBe(true);
    expect(formatReport(report, [])).toContain(`x ${peers[0]}`);
  });
});

describe('benchmarks of the log', () => {
  it.each([auditIngest, auditProof, auditExplore])(
    '$name measures a real one and reports its rows',
    async ({ name, run }) => {
      const rows = await run(QUICK, true);
      for (const row of rows) {
        expect(row.name).toBe(name);
        expect(typeof row.params['work']).toBe('string');
        for (const value of [row.ops_per_s, row.p50_us, row.p99_us, row.rss_bytes])
          expect(isPositive(value)).toBe(true);
        expect(JSON.parse(JSON.stringify(row))).toEqual(row);
      }
      const report = { machine: describeMachine(), commit: currentCommit(), results: rows };
      expect(formatReport(report, [])).toContain(name);
    },
    180_000,
  );
});

describe('peers in processes of their own', () => {
  it.each(['aps', 'cedar', 'ucanto'])('%s decides rightly', async (name) => {
    const peer = await openPeer({ name: `../dist/peers/${name}` });
    expect(peer.name).toBe(name);
    await peer.run(1100);
    await peer.close();
  });

  it('are no silent loss', async () => {
    await expect(openPeer({ name: 'nobody' })).rejects.toThrow('the peer nobody ended');
  });
});

describe('goals', () => {
  const row: Result = {
    name: 'authorize.full',
    params: { links: 1, grants: 1, provider: 'node' },
    ops_per_s: 1,
    p50_us: 1,
    p99_us: 1,
    p999_us: 1,
    bytes_per_op: 0,
    rss_bytes: 1,
    ratios: { 'node-crypto': 0.95, jose: 1.6 },
    rounds: 1,
    peers: {},
  };

  it('are met at the bound, and missed below it or unmeasured', () => {
    const found = compareGoals(['authorize.full'], [row])
      .filter(({ goal }) => goal.params['provider'] === 'node')
      .map(({ goal, ok }) => [goal.measure, ok]);
    expect(found).toEqual([
      ['ratio to node-crypto', true],
      ['ratio to jose', false],
      ['ratio to fast-jwt', false],
      ['ratio to biscuit', false],
      ['ratio to aps', false],
      ['ratio to ucanto', false],
    ]);
  });

  it('concern the row with their params only', () => {
    const other = { ...row, params: { links: 2, grants: 1 } };
    expect(compareGoals(['authorize.full'], [other]).every(({ reached }) => reached === undefined)).toBe(
      true,
    );
  });

  it('that are missed are named in the report', () => {
    const goals = compareGoals(['authorize.full'], [row]);
    const text = formatReport({ machine: describeMachine(), commit: 'x', results: [row] }, goals);
    expect(text).toContain('MISSED authorize.full: ratio to jose >= 1.7, reached 1.6');
    expect(text).toContain('MISSED authorize.full: ratio to fast-jwt >= 0.9, reached not measured');
  });

  it('and rows become the tables of the README', () => {
    const results = [{ ...row, bytes_per_session: 140, added_p50_ms: 0.4, added_p50_ms_stdio: 0.3 }];
    const text = formatMarkdown({ machine: describeMachine(), commit: 'x', results }, [
      ...compareGoals(['authorize.full'], results),
    ]);
    expect(text.split('\n')[0]).toBe('<!-- figures -->');
    expect(text).toContain(
      '| `authorize.full` links=1 grants=1 provider=node | 1 | 1 | 1 | 1 | 0 | 140 | 0 | 0.95x',
    );
    expect(text).toContain('0.4 ms added p50 over direct');
    expect(text).toContain(': ratio to jose >= 1.7 | 1.6 | missed |');
    expect(text).toContain(': ratio to biscuit >= 3 | not measured | missed |');
    expect(text.endsWith('<!-- /figures -->')).toBe(true);
  });

  it('have one bound each', () => {
    for (const { atLeast, atMost } of GOALS)
      expect((atLeast === undefined) !== (atMost === undefined)).toBe(true);
  });
});

describe('statistics', () => {
  it('take the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([5, 1, 4, 2, 3], 0.5)).toBe(3);
    expect(percentile([1, 2], 0.99)).toBe(2);
  });
});

describe('arguments', () => {
  it('choose benchmarks by name, by default all', () => {
    expect(parseArguments(['a', '--json'], ['a', 'b'])).toMatchObject({ names: ['a'], json: true });
    expect(parseArguments([], ['a', 'b'])).toMatchObject({ names: ['a', 'b'], check: false });
  });

  it('choose all whose names begin so, in their order and once', () => {
    const known = ['authorize.cached', 'authorize.full', 'start.embedded'];
    expect(parseArguments(['authorize.full', 'authorize'], known).names).toEqual(known.slice(0, 2));
    expect(parseArguments(['start'], known).names).toEqual(['start.embedded']);
  });

  it('refuse what is not known', () => {
    expect(() => parseArguments(['c'], ['a'])).toThrow('no benchmark c');
    expect(() => parseArguments(['--fast'], ['a'])).toThrow(TypeError);
  });
});
