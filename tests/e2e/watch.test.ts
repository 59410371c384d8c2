import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChecker, WatchAlert } from '@talosprotocol/contracts';
import {
  createNoteVerifier,
  createTreeHasher,
  formatAddCheckpoint,
  parseSplitView,
  verifySplitView,
} from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import {
  entries,
  history,
  type LyingLog,
  noteKey,
  ORIGIN,
  openLyingLog,
  witness,
} from '../../packages/sdk/src/log/testing/lying-log.js';
import { createListener, type Listener } from '../../packages/server/src/platform/http.js';
import { migrate } from '../../packages/server/src/platform/migrations.js';
import { clock, random } from '../../packages/server/src/platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../packages/server/src/platform/testing/database.js';
import { parsePrometheus } from '../../packages/server/src/platform/testing/prometheus-text.js';
import { createTestLog } from '../../packages/server/src/platform/testing/test-log.js';
import { followedLogs } from '../../packages/server/src/witness/followed-logs.js';
import { WITNESS_MIGRATIONS } from '../../packages/server/src/witness/migrations.js';
import { createWitnessRoutes } from '../../packages/server/src/witness/routes.js';
import { cosignerOf } from '../../packages/server/src/witness/testing/forks.js';
import { createWitness } from '../../packages/server/src/witness/witness.js';
import { buildProgram } from '../fault/program.js';
import { openTerminal } from '../support/terminal.js';
import { crypto, openWorld, type World } from '../support/world.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const base = history().append(...entries(300));

let folder: string;
let log: LyingLog;
let now: number;
const cleanups: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'talos-watch-'));
  log = await openLyingLog();
  now = Date.UTC(2026, 10, 1);
});
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
  await log.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Watching {
  readonly out: () => string;
  readonly err: () => string;
  readonly code: Promise<number>;
  /** Documents on standard output, one a line. */
  alerts(): WatchAlert[];
  stop(): Promise<number>;
}

function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Watching {
  const { io, out, err, interrupt } = openTerminal({ env, cwd: folder, now: () => now });
  const code = run(['audit', 'watch', ...argv], io);
  return {
    out,
    err,
    code,
    alerts: () =>
      out()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    stop: () => {
      interrupt();
      return code;
    },
  };
}

interface Looked {
  readonly ok: boolean;
  readonly origin: string;
  readonly size: number;
  readonly read?: number;
  readonly findings: readonly { readonly kind: string; readonly url: string; readonly detail: string }[];
  readonly files: readonly string[];
}

async function lookOnce(argv: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const state = argv.includes('--state') ? [] : ['--state', 'watch.json'];
  const trust = argv.includes('--trust') ? [] : ['--vkey', log.vkey];
  const watching = start([log.url, ...trust, ...state, '--once', '--json', ...argv], env);
  const code = await watching.code;
  const said = JSON.parse(watching.out()) as Looked & {
    readonly error?: { readonly message: string };
  };
  return { code, kinds: said.findings?.map(({ kind }) => kind), ...said };
}

function trustFile(more: object = {}): string {
  const path = join(folder, 'trust.json');
  const logs = [{ origin: ORIGIN, vkey: log.vkey, ...more }];
  writeFileSync(
    path,
    JSON.stringify({ format: 'talos-trust-v1', logs, exporters: [], emitters: [], anchors: [] }),
  );
  return path;
}

// AUD-97, AUD-98
describe('talos audit watch --once', () => {
  it('says how a log is, remembers it for its owner alone, and ends with 0', async () => {
    log.show(base);
    expect(await lookOnce()).toMatchObject({
      code: 0,
      ok: true,
      origin: ORIGIN,
      size: 300,
      findings: [],
      files: [],
    });
    expect(statSync(join(folder, 'watch.json')).mode & 0o777).toBe(0o600);
    const plain = start([log.url, '--vkey', log.vkey, '--once']);
    expect(await plain.code).toBe(0);
    expect(plain.out()).toBe(`Nothing is wrong with ${ORIGIN}, 300 entries\n`);
  });

  it('ends with 4 if there is no answer, and with 3 if there is a wrong one', async () => {
    expect(await lookOnce()).toMatchObject({ code: 4, kinds: ['unreachable'] });
    log.show(base, { signers: [noteKey(ORIGIN, 99).signer] });
    expect(await lookOnce()).toMatchObject({ code: 3, kinds: ['signature'] });
  });

  it('knows after a restart that the log was larger', async () => {
    log.show(base);
    await lookOnce();
    log.show(history().append(...entries(299)));
    const { code, kinds, files } = await lookOnce();
    expect([code, kinds]).toEqual([3, ['rollback']]);
    const conflict = JSON.parse(readFileSync(files[0] as string, 'utf8'));
    expect(conflict).toMatchObject({ format: 'talos-conflict-v1' });
    expect(conflict.seen.length).toBe(2);
    expect(statSync(files[0] as string).mode & 0o777).toBe(0o600);
  });

  it('says that an older state was shown, and ends with 3 once that is not forgiven any more', async () => {
    log.show(base);
    await lookOnce();
    log.show({ ...history().append(...entries(280)), files: base.files });
    expect(await lookOnce()).toMatchObject({ code: 0, ok: true, size: 300, shown: 280 });
    now += 59_999;
    const plain = start([log.url, '--vkey', log.vkey, '--state', 'watch.json', '--once']);
    expect(await plain.code).toBe(0);
    expect(plain.out()).toContain('a smaller state was shown: 280 entries of 300; forgiven');
    now += 1;
    expect(await lookOnce()).toMatchObject({ code: 3, kinds: ['rollback'], shown: 280 });
    log.show(base);
    const again = await lookOnce();
    expect(again).toMatchObject({ code: 0, size: 300 });
    expect(again).not.toHaveProperty('shown');
  });

  it.each([
    ['of the same size', history().append(...entries(299), 'another')],
    ['that is larger', history().append(...entries(299), 'another', ...entries(500))],
  ])('proves another history %s to whoever gets the file, and goes on saying so', async (_, other) => {
    log.show(base);
    await lookOnce();
    log.show(other);
    const { code, kinds, files } = await lookOnce();
    expect([code, kinds]).toEqual([3, ['fork']]);
    const evidence = parseSplitView(readFileSync(files[0] as string));
    // With the key of the log alone.
    const trusted = { origin: ORIGIN, keys: [createNoteVerifier(crypto, log.vkey)] };
    verifySplitView(evidence, trusted, createTreeHasher(crypto.sha256));
    log.show(base.append('and on'));
    expect(await lookOnce()).toMatchObject({ code: 3, kinds: ['fork'] });
  });

  it('says that nothing new was shown for too long', async () => {
    log.show(base);
    await lookOnce(['--max-age', '1h']);
    now += 3_599_000;
    expect((await lookOnce(['--max-age', '1h'])).code).toBe(0);
    now += 1_000;
    expect(await lookOnce(['--max-age', '1h'])).toMatchObject({ code: 3, kinds: ['frozen'] });
  });

  it('finds a changed tile, a changed entry, and another view of the log', async () => {
    log.show(base);
    const other = await openLyingLog();
    cleanups.push(other.close);
    other.show(base);
    const also = ['--also', other.url, '--entries'];
    // These are no events: what was signed breaks the rules.
    expect(await lookOnce(also)).toMatchObject({ code: 3, kinds: ['events'] });
    log.lie(
      'tile/entries/000',
      Buffer.from(base.files.get('tile/entries/000') as Uint8Array).fill(1, 40, 41),
    );
    expect(await lookOnce(also)).toMatchObject({ code: 3, kinds: ['entries'] });
    log.honest();
    const grown = base.append('more');
    log.show(grown);
    log.lie('tile/0/001.p/45', new Uint8Array(45 * 32));
    expect(await lookOnce()).toMatchObject({ code: 3, kinds: ['tiles'] });
    log.honest();
    other.show(history().append(...entries(299), 'another'));
    expect(await lookOnce(['--also', other.url])).toMatchObject({ code: 3, kinds: ['split-view'] });
  });

  it('misses witnesses that are not there any more', async () => {
    const [one, two] = [witness('witness.test/one', 41), witness('witness.test/two', 42)];
    const trust = ['--trust', trustFile({ witnesses: [one.vkey, two.vkey], quorum: 2 })];
    const signers = [noteKey(ORIGIN, 21).signer, one.signer, two.signer];
    log.show(base, { signers });
    expect((await lookOnce(trust)).code).toBe(0);
    log.show(base, { signers: signers.slice(0, 2) });
    expect(await lookOnce(trust)).toMatchObject({ code: 3, kinds: ['witnesses'] });
  });

  it.each<[string, readonly string[], string]>([
    ['nobody is trusted', ['--state', 'a.json'], 'whom do you trust?'],
    ['two are', ['--vkey', 'x', '--trust', 'y'], 'whom do you trust?'],
    ['a key is none', ['--vkey', 'x'], 'verifier key'],
    ['the log is none of the file', ['--trust', 'trust.json', '--origin', 'log.test/two'], 'which log'],
    ['another view is no URL', ['--vkey', 'KEY', '--also', 'http://a/?b'], 'no URL of a log'],
    ['a time is none', ['--vkey', 'KEY', '--every', '10'], 'not a duration'],
    ['entries begin without being read', ['--vkey', 'KEY', '--from', '3'], '--from is of --entries'],
    ['a port is none', ['--vkey', 'KEY', '--metrics-port', '70000'], 'port up to 65535'],
    ['a webhook has no secret', ['--vkey', 'KEY', '--webhook', 'https://hooks.test/'], 'secret'],
    ['a webhook is no URL', ['--vkey', 'KEY', '--webhook', 'http://hooks.test/'], 'no URL that alerts'],
    ['the state is none', ['--vkey', 'KEY', '--state', 'trust.json'], 'no state of a monitor'],
  ])('ends with 1 if %s', async (_, argv, said) => {
    trustFile();
    const env = argv.includes('http://hooks.test/') ? { TALOS_WEBHOOK_SECRET: SECRET } : {};
    const watching = start(
      [log.url, '--once', ...argv.map((word) => (word === 'KEY' ? log.vkey : word))],
      env,
    );
    expect(await watching.code).toBe(1);
    expect(watching.err()).toContain(said);
    expect(log.asked).toEqual([]);
  });

  it('sends a key to nobody in the clear', async () => {
    writeFileSync(join(folder, 'key'), `tal_svc_${'a'.repeat(32)}_${'b'.repeat(43)}\n`, { mode: 0o600 });
    const env = { TALOS_KEY_FILE: 'key' };
    const watching = start(['http://log.test/tlog', '--vkey', log.vkey, '--entries', '--once'], env);
    expect(await watching.code).toBe(1);
    expect(watching.err()).toContain('in the clear');
  });
});

/** Receives alerts; answers 503 while it is down. */
async function openReceiver() {
  const got: WatchAlert[] = [];
  const headers: Record<string, unknown>[] = [];
  const state = { down: false };
  const server: Server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    if (state.down) return void response.writeHead(503).end();
    got.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    headers.push(incoming.headers);
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/canary-path`;
  return { got, headers, state, url };
}

const check = createChecker(WatchAlert);

describe('talos audit watch', () => {
  const argv = (): string[] => [
    log.url,
    '--vkey',
    log.vkey,
    '--state',
    'watch.json',
    '--every',
    '1s',
    '--grace',
    '1s',
  ];

  it('tells once when something is found and once when it is found no more: in a line, a metric and a webhook', async () => {
    const receiver = await openReceiver();
    log.show(base);
    const watching = start([...argv(), '--json', '--metrics-port', '0', '--webhook', receiver.url], {
      TALOS_WEBHOOK_SECRET: SECRET,
    });
    await expect.poll(() => existsSync(join(folder, 'watch.json'))).toBe(true);
    log.show(history().append(...entries(299)));
    await expect.poll(() => watching.alerts().length, { timeout: 20_000 }).toBe(1);
    log.show(base.append('more'));
    await expect.poll(() => watching.alerts().length, { timeout: 20_000 }).toBe(2);
    log.show(history().append(...entries(400, 'another')));
    await expect.poll(() => watching.alerts().length, { timeout: 20_000 }).toBe(3);
    await expect.poll(() => receiver.got.length, { timeout: 20_000 }).toBe(3);
    expect(await watching.stop()).toBe(0);

    const changes = receiver.got.map(({ kind, state }) => `${kind} ${state}`);
    expect(changes).toEqual(['rollback raised', 'rollback ended', 'fork raised']);
    expect(receiver.got.map(check)).toEqual([undefined, undefined, undefined]);
    expect(receiver.got[2]?.evidence).toMatchObject({ format: 'talos-split-view-v1' });
    // A line says where the evidence is instead.
    const [, , last] = watching.alerts() as (WatchAlert & { readonly evidence_file?: string })[];
    expect(last?.evidence).toBeUndefined();
    expect(
      readdirSync(join(folder, 'watch.json.evidence')).map((name) => name.replace(/-\w{16}\.json/, '')),
    ).toEqual(['fork', 'rollback']);
    expect(existsSync(last?.evidence_file ?? '')).toBe(true);
    expect(watching.err() + watching.out()).not.toMatch(/whsec_|canary-path/);
  });

  it('serves its metrics on this machine only, as strict readers take them', async () => {
    log.show(base);
    const watching = start([...argv(), '--metrics-port', '0']);
    const said = () => /Metrics at (\S+)/.exec(watching.err())?.[1];
    await expect.poll(said).toBeDefined();
    const url = said() as string;
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const metric = async (name: string, kind?: string): Promise<number | undefined> =>
      parsePrometheus(await (await fetch(url)).text())
        .get(name)
        ?.samples.find(({ labels }) => kind === undefined || labels['kind'] === kind)?.value;
    await expect.poll(() => metric('talos_watch_checkpoint_entries'), { timeout: 20_000 }).toBe(300);
    log.lie('checkpoint', 'rubbish');
    await expect.poll(() => metric('talos_watch_findings', 'signature'), { timeout: 20_000 }).toBe(1);
    expect(await metric('talos_watch_alerts_total', 'signature')).toBe(1);
    expect(await metric('talos_watch_looks_total')).toBeGreaterThan(1);
    expect((await fetch(new URL('/other', url))).status).toBe(404);
    const status = await new Promise((resolve) => {
      request(url, { headers: { host: 'attacker.test' } }, (response) =>
        resolve(response.resume().statusCode),
      ).end();
    });
    expect(status).toBe(421);
    await watching.stop();
  });

  it('delivers after a restart what the webhook did not take before', async () => {
    const receiver = await openReceiver();
    receiver.state.down = true;
    log.show(base, { signers: [noteKey(ORIGIN, 99).signer] });
    const env = { TALOS_WEBHOOK_SECRET: SECRET };
    const first = start([...argv(), '--webhook', receiver.url], env);
    await expect.poll(() => first.out(), { timeout: 20_000 }).toContain('ALERT signature');
    await first.stop();
    expect(receiver.got).toEqual([]);
    receiver.state.down = false;
    const second = start([...argv(), '--webhook', receiver.url], env);
    await expect.poll(() => receiver.got.map(({ kind }) => kind), { timeout: 20_000 }).toEqual(['signature']);
    const keeps = () => JSON.parse(readFileSync(join(folder, 'watch.json'), 'utf8'));
    // Taken it is once the answer is there: whoever stops before delivers it again.
    await expect.poll(() => keeps().waiting).toEqual([]);
    await second.stop();
    // It was raised before: it is not raised again.
    expect(second.out()).not.toContain('ALERT');
    const kept = keeps();
    expect(kept.waiting).toEqual([]);
    expect(kept.raised.map(({ kind }: { kind: string }) => kind)).toEqual(['signature']);
  });
});

describe('a monitor that asks a witness', () => {
  let database: TestDatabase;
  let listener: Listener;
  beforeAll(async () => {
    database = await openTestDatabase();
    await migrate(database.sql, WITNESS_MIGRATIONS);
    const { vkey } = noteKey(ORIGIN, 21);
    const logs = followedLogs({ logs: [{ vkey }] }, crypto);
    const shared = { clock, log: createTestLog() };
    const room = createWitness({
      ...shared,
      sql: database.sql,
      crypto,
      cosigner: cosignerOf(50),
      logs: () => logs,
    });
    listener = await createListener({
      ...shared,
      name: 'witness',
      host: '127.0.0.1',
      port: 0,
      routes: createWitnessRoutes(room, { take: () => undefined }),
      guards: {},
      allowedHosts: [],
      allowedOrigins: [],
      random,
    });
  });
  afterAll(async () => {
    await listener?.closeGracefully(1_000);
    await database?.close();
  });

  it('learns of the history that the witness was shown, and proves it', async () => {
    const other = history().append(...entries(299), 'another');
    const body = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: log.show(other) });
    expect((await fetch(`${listener.url}/add-checkpoint`, { method: 'POST', body })).status).toBe(200);
    log.show(base);
    const { code, kinds, files } = await lookOnce(['--witness', listener.url]);
    expect([code, kinds]).toEqual([3, ['split-view']]);
    const trusted = { origin: ORIGIN, keys: [createNoteVerifier(crypto, log.vkey)] };
    verifySplitView(
      parseSplitView(readFileSync(files[0] as string)),
      trusted,
      createTreeHasher(crypto.sha256),
    );
  });
});

describe('a monitor that is killed at any moment', () => {
  it('loses no alert and forgets nothing that it saw', async () => {
    const program = await buildProgram('cli/src/main.ts', 'packages/cli/node_modules');
    cleanups.push(program.remove);
    const receiver = await openReceiver();
    log.show(base);
    const argv = [
      log.url,
      '--vkey',
      log.vkey,
      '--state',
      'watch.json',
      '--every',
      '1s',
      '--grace',
      '1s',
      '--json',
    ];
    const launch = () =>
      spawn(process.execPath, [program.path, 'audit', 'watch', ...argv, '--webhook', receiver.url], {
        cwd: folder,
        env: { PATH: process.env['PATH'], TALOS_WEBHOOK_SECRET: SECRET },
        stdio: 'ignore',
      });
    // The processes go by the real time, in which nothing must be old.
    now = Date.now();
    await lookOnce(['--state', 'watch.json']);
    log.show(history().append(...entries(400, 'another')));
    receiver.state.down = true;
    for (let run = 0; run < 6; run += 1) {
      const child = launch();
      const ended = once(child, 'exit');
      await new Promise((resolve) => setTimeout(resolve, 300 + run * 250));
      child.kill('SIGKILL');
      await ended;
    }
    receiver.state.down = false;
    const last = launch();
    await expect.poll(() => receiver.got.length, { timeout: 40_000 }).toBeGreaterThan(0);
    last.kill('SIGKILL');
    await once(last, 'exit').catch(() => undefined);
    expect(new Set(receiver.got.map(({ kind, state }) => `${kind} ${state}`))).toEqual(
      new Set(['fork raised']),
    );
    expect(new Set(receiver.got.map(({ id }) => id)).size).toBe(1);
    log.show(base);
    expect(await lookOnce(['--state', 'watch.json'])).toMatchObject({ code: 3, kinds: ['fork'], size: 300 });
  }, 120_000);
});

describe('a monitor of a platform', () => {
  let world: World;
  afterAll(() => world?.close());

  it('reads its log to the end with a key that may, and says so without one', {
    timeout: 120_000,
  }, async () => {
    world = await openWorld();
    const url = `${world.ready.audit}/tlog`;
    writeFileSync(join(folder, 'trust.json'), JSON.stringify(await world.audit.trust()));
    writeFileSync(join(folder, 'key'), world.adminToken, { mode: 0o600 });
    const argv = [url, '--trust', 'trust.json', '--state', 'watch.json', '--entries', '--once', '--json'];
    const without = start(argv);
    expect(await without.code).toBe(4);
    const found = start(argv, { TALOS_KEY_FILE: 'key' });
    expect(await found.code, found.out()).toBe(0);
    const { size, read } = JSON.parse(found.out()) as Looked;
    expect(size).toBeGreaterThan(3);
    expect(read).toBe(size);
    const kept = JSON.parse(readFileSync(join(folder, 'watch.json'), 'utf8'));
    expect(kept.monitor.walk).toMatchObject({ next: size, tenant: 'default', partial: false });
    expect(JSON.stringify(kept)).not.toContain(world.adminToken);
  });
});
