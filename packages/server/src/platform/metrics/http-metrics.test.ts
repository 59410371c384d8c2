import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createListener, type Listener } from '../http.js';
import type { Route } from '../routes.js';
import { random } from '../system.js';
import { parsePrometheus } from '../testing/prometheus-text.js';
import { createTestLog } from '../testing/test-log.js';
import { createTokenGuard } from '../testing/token-guard.js';
import { createHttpMetrics } from './http-metrics.js';
import { createMetrics, type Metrics } from './metrics.js';
import { metricsRoute } from './metrics-route.js';
import { observeProcess } from './process-metrics.js';
import { observeSql } from './sql-metrics.js';

const TOKEN = `tal_admin_${'a'.repeat(43)}`;
const open: Listener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.closeGracefully(100);
});

/** Each look at the clock is a quarter of a second after the last. */
function steppingClock() {
  let time = 0;
  return { now: () => 0, monotonic: () => (time += 250) };
}

async function serve(routes: readonly Route[], metrics = createMetrics()) {
  const clock = steppingClock();
  const http = createHttpMetrics(metrics, clock);
  const listener = await createListener({
    name: 'kernel',
    host: '127.0.0.1',
    port: 0,
    routes,
    guards: { admin: createTokenGuard(TOKEN) },
    allowedHosts: [],
    allowedOrigins: [],
    clock,
    random,
    log: createTestLog([]),
    meter: http.meterOf('kernel'),
  });
  open.push(listener);
  const samples = (name: string) =>
    (parsePrometheus(metrics.text()).get(name)?.samples ?? []).map(({ labels, value }) => ({
      ...labels,
      value,
    }));
  return { listener, metrics, samples };
}

const route = (path: string, handle: Route['handle']): Route => ({
  method: 'GET',
  path,
  surface: 'public',
  audit: 'none',
  handle,
});
const echo = route('/echo/:name', (_, response, { params }) => void response.end(params['name']));

/** Sends these bytes and waits for the end of the connection. */
async function raw(port: number, text: string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.end(text);
  await once(socket.resume(), 'close');
}

describe('requests', () => {
  it('are counted by the pattern of their route, never by what was asked for', async () => {
    const { listener, samples, metrics } = await serve([echo]);
    for (const name of ['canary-one', 'canary-two'])
      await (await fetch(`${listener.url}/echo/${name}`)).text();
    await (await fetch(`${listener.url}/canary-path?canary=query`)).text();
    await (await fetch(`${listener.url}/echo/x`, { method: 'DELETE' })).text();
    await raw(listener.port, 'NONSENSE canary\r\n\r\n');
    const of = { service: 'kernel', method: 'GET', route: '/echo/:name' };
    const none = { service: 'kernel', method: 'none', route: 'none' };
    await expect
      .poll(() => samples('talos_http_requests_total'))
      .toEqual([
        { ...of, status: '200', value: 2 },
        { ...none, status: '404', value: 1 },
        { ...none, status: '405', value: 1 },
      ]);
    expect(samples('talos_http_unreadable_requests_total')).toEqual([{ service: 'kernel', value: 1 }]);
    expect(metrics.text()).not.toContain('canary');
    const durations =
      parsePrometheus(metrics.text()).get('talos_http_request_duration_seconds')?.samples ?? [];
    const total = durations.find(({ name, labels }) => name.endsWith('_count') && labels['method'] === 'GET');
    expect(total?.value).toBe(2);
    const sum = durations.find(({ name, labels }) => name.endsWith('_sum') && labels['method'] === 'GET');
    expect(sum?.value).toBeGreaterThanOrEqual(0.5);
  });

  it('are in flight until they are answered, or their client is gone', async () => {
    let answer: (() => void) | undefined;
    const slow = route('/slow', (_, response) => {
      answer = () => void response.end('late');
    });
    const { listener, samples } = await serve([slow]);
    const first = fetch(`${listener.url}/slow`);
    await expect.poll(() => typeof answer).toBe('function');
    expect(samples('talos_http_requests_in_flight')).toEqual([{ service: 'kernel', value: 1 }]);
    answer?.();
    await (await first).text();
    answer = undefined;
    const leaving = new AbortController();
    const second = fetch(`${listener.url}/slow`, { signal: leaving.signal }).catch(() => undefined);
    await expect.poll(() => typeof answer).toBe('function');
    leaving.abort();
    await second;
    const of = { service: 'kernel', method: 'GET', route: '/slow' };
    await expect
      .poll(() => samples('talos_http_requests_total'))
      .toEqual([
        { ...of, status: '200', value: 1 },
        { ...of, status: 'left', value: 1 },
      ]);
    expect(samples('talos_http_requests_in_flight')).toEqual([{ service: 'kernel', value: 0 }]);
  });

  it('that were sent one behind the other are over when their connection is', async () => {
    const started: string[] = [];
    const stuck = route('/stuck/:name', (_, __, { params }) => void started.push(params['name'] ?? ''));
    const { listener, samples } = await serve([stuck]);
    const socket = connect(listener.port, '127.0.0.1');
    const ask = (name: string) => `GET /stuck/${name} HTTP/1.1\r\nHost: localhost:${listener.port}\r\n\r\n`;
    socket.write(ask('one') + ask('two') + ask('three'));
    await expect.poll(() => started).toEqual(['one', 'two', 'three']);
    expect(samples('talos_http_requests_in_flight')).toEqual([{ service: 'kernel', value: 3 }]);
    socket.destroy();
    await expect
      .poll(() => samples('talos_http_requests_in_flight'))
      .toEqual([{ service: 'kernel', value: 0 }]);
  });
});

/** The same metrics, and how often a series was looked for by its labels. */
function countLookUps(metrics: Metrics) {
  let lookUps = 0;
  const watched =
    <L, S>(look: (labels: L) => S) =>
    (labels: L): S => {
      lookUps += 1;
      return look(labels);
    };
  const counting: Metrics = {
    ...metrics,
    counter: (options) => ({ with: watched(metrics.counter(options).with) }),
    histogram: (options) => ({ with: watched(metrics.histogram(options).with) }),
  };
  return { counting, lookUps: () => lookUps };
}

describe('a request', () => {
  it('like one before finds its series where that one left them: it makes no labels', async () => {
    const { counting, lookUps } = countLookUps(createMetrics());
    const { listener, samples } = await serve([echo], counting);
    const ask = async () => (await fetch(`${listener.url}/echo/x`)).text();
    const value = () => samples('talos_http_requests_total')[0]?.value;
    await ask();
    await expect.poll(value).toBe(1);
    const first = lookUps();
    for (let i = 0; i < 20; i += 1) await ask();
    await expect.poll(value).toBe(21);
    expect(lookUps()).toBe(first);
  });
});

describe('GET /metrics', () => {
  it('answers whoever may read it, as Prometheus wants it', async () => {
    const metrics = createMetrics();
    observeProcess(metrics, '1.2.3');
    observeSql(metrics, { load: () => ({ open: 5, idle: 2, waiting: 1, refused: 4 }) });
    const { listener } = await serve([metricsRoute(metrics)]);
    expect((await fetch(`${listener.url}/metrics`)).status).toBe(401);
    const answer = await fetch(`${listener.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const families = parsePrometheus(await answer.text());
    expect(families.get('talos_build_info')?.samples[0]?.labels).toEqual({
      version: '1.2.3',
      node: process.version,
    });
    expect(families.get('talos_postgres_connections')?.samples.map(({ value }) => value)).toEqual([3, 2]);
    expect(families.get('talos_postgres_waiting_callers')?.samples[0]?.value).toBe(1);
    expect(families.get('talos_postgres_refused_callers_total')?.samples[0]?.value).toBe(4);
    const resident = families.get('talos_process_memory_bytes')?.samples[0];
    expect(resident?.labels).toEqual({ kind: 'resident' });
    expect(resident?.value).toBeGreaterThan(2 ** 20);
    expect(families.get('talos_process_event_loop_busy_ratio')?.samples[0]?.value).toBeLessThanOrEqual(1);
  });
});
