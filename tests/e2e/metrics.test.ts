import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { attenuateToBearer } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createWatchMetrics } from '../../packages/cli/src/watch/watch-metrics.js';
import { createMetrics } from '../../packages/server/src/platform/metrics/metrics.js';
import { parsePrometheus } from '../../packages/server/src/platform/testing/prometheus-text.js';
import { callOnce } from '../support/mcp-clients.js';
import { MARK, metricsTable, namesIn, type ShownMetric } from '../support/metrics-page.js';
import { castOf, deps, openWorld, seconds, type World } from '../support/world.js';

// Only watched: it runs as it is, and tells which metrics there are, also those without a series yet.
vi.mock('../../packages/server/src/platform/metrics/metrics.js', { spy: true });

const PAGE = fileURLToPath(new URL('../../docs/metrics.md', import.meta.url));

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

/** What the platform counts, each series as `name{label="value"}`. */
async function read(service: 'kernel' | 'gateway' | 'audit' = 'audit') {
  const headers = { authorization: `Bearer ${world.adminToken}` };
  const answer = await fetch(new URL('/metrics', world.ready[service]), { headers });
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const families = parsePrometheus(await answer.text());
  const value = (name: string, labels: Readonly<Record<string, string>> = {}): number =>
    [...families.values()]
      .flatMap(({ samples }) => samples)
      .find(
        (sample) =>
          sample.name === name && Object.entries(labels).every(([key, one]) => sample.labels[key] === one),
      )?.value ?? 0;
  return { families, value };
}

// AUD-95
describe('the metrics of a platform', () => {
  it('count its decisions by effect and code, and its requests by route and status', async () => {
    const cast = await castOf(world, world.files);
    const options = { aud: 'same', grants: 'same', exp: seconds() + 600 } as const;
    const key = attenuateToBearer(cast.agentChain, options, cast.agent.signer, deps);
    const before = await read();
    const { guide, secret } = world.files;
    for (const path of [guide, guide, secret])
      await callOnce(world.ready.gateway, { key }, 'files__read_text_file', { path });
    const after = await read();
    const grown = (name: string, labels: Readonly<Record<string, string>>): number =>
      after.value(name, labels) - before.value(name, labels);
    const decisions = 'talos_decisions_total';
    expect(grown(decisions, { surface: 'mcp', effect: 'allow', code: 'none' })).toBe(2);
    expect(grown(decisions, { surface: 'mcp', effect: 'deny', code: 'SCOPE_MISMATCH' })).toBe(1);
    const route = { service: 'gateway', method: 'POST', route: '/mcp' };
    expect(grown('talos_http_requests_total', { ...route, status: '200' })).toBeGreaterThanOrEqual(3);
    expect(grown('talos_http_request_duration_seconds_count', route)).toBeGreaterThanOrEqual(3);
    expect(grown('talos_audit_log_entries', {})).toBeGreaterThanOrEqual(3);
  });

  it('say how the log, the database, the feed and the sessions are', async () => {
    const { value } = await read();
    expect(value('talos_audit_log_writable')).toBe(1);
    expect(value('talos_audit_disk_roomy')).toBe(1);
    expect(value('talos_ready')).toBe(1);
    expect(value('talos_health_check_passing', { check: 'audit' })).toBe(1);
    expect(value('talos_tool_server_processes', { server: 'files' })).toBe(1);
    expect(value('talos_outcomes_total', { status: 'completed' })).toBeGreaterThan(0);
    expect(value('talos_audit_queue_drafts', { lane: 'main' })).toBe(0);
    expect(value('talos_sessions_most')).toBeGreaterThan(1_000);
    expect(value('talos_revocation_feed_silence_seconds')).toBeLessThan(60);
    expect(value('talos_postgres_connections', { state: 'idle' })).toBeGreaterThan(0);
    expect(value('talos_process_memory_bytes', { kind: 'resident' })).toBeGreaterThan(2 ** 20);
    await expect.poll(async () => (await read()).value('talos_audit_checkpoint_lag_seconds')).toBe(0);
    const { value: later } = await read();
    expect(later('talos_audit_checkpoint_entries')).toBe(later('talos_audit_log_entries'));
  });

  it('are those of the page, and the rules there name no others', () => {
    const results = vi
      .mocked(createMetrics)
      .mock.results.map(({ value }) => value as { list(): ShownMetric[] });
    // The first is that of the start that made the folder.
    const list = results.map((metrics) => metrics.list()).sort((a, b) => b.length - a.length)[0] ?? [];
    expect(list.length).toBeGreaterThan(25);
    const page = readFileSync(PAGE, 'utf8');
    const [words = ''] = page.split(MARK);
    const wanted = `${words}${MARK}${metricsTable(list)}`;
    if (process.env['TALOS_WRITE_DOCS'] === '1') writeFileSync(PAGE, wanted);
    expect(readFileSync(PAGE, 'utf8')).toBe(wanted);
    const known = new Set([...list.map(({ name }) => name), ...namesIn(createWatchMetrics(() => 0).text())]);
    expect(namesIn(words).filter((name) => name !== 'talos_watch_' && !known.has(name))).toEqual([]);
  });

  // TEL-1
  it('are there without anything that makes spans, where nobody set an address for them', () => {
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    const names = loaded.flatMap((path) => /@opentelemetry\/[a-z-]+/.exec(path) ?? []);
    expect(names).toContain('@opentelemetry/exporter-prometheus');
    expect(names.filter((name) => /trace|otlp/.test(name))).toEqual([]);
  });

  it('are the same at every service of the process', async () => {
    const names = async (service: 'kernel' | 'gateway' | 'audit') =>
      [...(await read(service)).families.keys()].filter((name) => !name.includes('denials'));
    expect(await names('kernel')).toEqual(await names('gateway'));
    expect(await names('gateway')).toEqual(await names('audit'));
  });
});
