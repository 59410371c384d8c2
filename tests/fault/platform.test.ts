import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect as connectSocket, createServer } from 'node:net';
import { join } from 'node:path';
import type { AuditEvent, Bundle } from '@talosprotocol/contracts';
import {
  attenuateToBearer,
  createTreeHasher,
  encodeHex,
  eventBytes,
  parseBearerKey,
  parseBundle,
  parseCheckpoint,
  parseNote,
  parseTrustFile,
  rootOf,
  verifyBundle,
} from '@talosprotocol/protocol';
import { createAgent, type Denial, parseRefusal } from '@talosprotocol/sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase } from '../../packages/server/src/platform/testing/database.js';
import { callOnce, connect } from '../support/mcp-clients.js';
import {
  buildServer,
  endAllPlatforms,
  expectNoSurvivors,
  failToStart,
  familyOf,
  killDuringStart,
  processes,
  startPlatform,
} from '../support/platform-process.js';
import {
  type Cast,
  castOf,
  crypto,
  deps,
  ODD_TOOLS,
  type Operator,
  oddServer,
  pinServers,
  seconds,
} from '../support/world.js';

let program: Awaited<ReturnType<typeof buildServer>>;
const folders: string[] = [];

beforeAll(async () => {
  program = await buildServer();
});
afterEach(async () => {
  await endAllPlatforms();
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});
afterAll(() => program.remove());

/** A folder of a test, with a data folder and a journal of the tool server in it. */
function newPlace() {
  const path = mkdtempSync('/tmp/talos-fault-');
  // As root the database runs as another user, who must get through.
  chmodSync(path, 0o711);
  folders.push(path);
  return { data: join(path, 'data'), journal: join(path, 'journal') };
}

const ODD = [{ scope: 'tool:odd', ops: ['read' as const, 'write' as const] }];
const start = (data: string, env: Record<string, string> = {}) => startPlatform(program.path, data, env);

/** A platform with the odd server, whose family is complete: it has a grandchild. */
async function startWithTools(
  { data, journal }: ReturnType<typeof newPlace>,
  env: Record<string, string> = {},
) {
  const platform = await start(data, env);
  await pinServers(platform, { odd: oddServer(journal, 'family') }, { odd: ODD_TOOLS });
  const cast = await castOf(platform, { docs: '/' }, { grants: ODD });
  return { platform, cast };
}

function keyOf(
  { agentChain, agent }: Cast,
  more: Partial<Parameters<typeof attenuateToBearer>[1]> = {},
): string {
  const options = { aud: 'same', grants: 'same', exp: seconds() + 600, ...more } as const;
  return attenuateToBearer(agentChain, options, agent.signer, deps);
}

const notes = (journal: string): string[] => {
  try {
    return readFileSync(journal, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('note '));
  } catch {
    return [];
  }
};

/** Everything in the log, verified offline. */
async function wholeLog({ audit }: Pick<Operator, 'audit'>) {
  const bytes = await audit.bundle();
  const trust = parseTrustFile(Buffer.from(JSON.stringify(await audit.trust())), crypto);
  const report = verifyBundle(bytes, trust, crypto);
  const { bundle } = parseBundle(bytes, crypto);
  return { report, bundle, events: bundle.entries.map(({ event }) => event) };
}

/** Holds an earlier checkpoint against the log as it is now. */
function expectExtends({ entries }: Bundle, note: string): void {
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

const idOf = (receipt: string): string => `evt_${receipt.slice('rcp_'.length)}`;
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

describe('a start that is killed', () => {
  it.each([150, 500, 900])(
    'after %i ms leaves nothing that hinders the next',
    async (ms) => {
      const place = newPlace();
      const family = await killDuringStart(program.path, place.data, ms);
      await expectNoSurvivors(family);
      const { platform, cast } = await startWithTools(place);
      const credential = { identity: cast.agent, chain: cast.agentChain };
      expect(await callOnce(platform.ready.gateway, credential, 'odd__look', {})).toEqual({ text: 'looked' });
      await wholeLog(platform);
    },
    60_000,
  );
});

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  // DEC-13, AUD-7
  it('lets a running call finish, records it, and leaves no process', async () => {
    const place = newPlace();
    const { platform, cast } = await startWithTools(place);
    const caller = await connect(platform.ready.gateway, { identity: cast.agent, chain: cast.agentChain });
    expect(await caller.call('odd__look')).toEqual({ text: 'looked' });
    const slow = caller.call('odd__slow', { ms: 3_000 });
    await expect.poll(() => readFileSync(place.journal, 'utf8')).toContain('slow');
    const family = familyOf(platform.pid);
    expect(family.length).toBeGreaterThan(5);
    const end = platform.end(signal);
    // From now on nothing new is taken, at no port, while the call is waited for.
    for (const url of [platform.ready.kernel, platform.ready.gateway, platform.ready.audit]) {
      await expect.poll(() => isOpen(url)).toBe(false);
    }
    expect(await Promise.race([slow, 'running'])).toBe('running');
    expect(await slow).toEqual({ text: 'slept' });
    const receipt = caller.last().headers.get('x-talos-receipt')!;
    expect(await end).toEqual({ code: 0, signal: null });
    await expectNoSurvivors(family, 1_000);

    const again = await start(place.data);
    const { events } = await wholeLog(again);
    const outcome = events.find((event) => event.type === 'outcome' && event.decision === idOf(receipt));
    expect(outcome).toMatchObject({ status: 'completed' });
    await again.end('SIGTERM');
  }, 60_000);
});

describe('a start', () => {
  it('is refused while another platform runs on the folder, which it does not disturb', async () => {
    const { data } = newPlace();
    const first = await start(data);
    const { error, end } = await failToStart(program.path, data);
    expect(error).toMatchObject({
      code: 'CONFLICT',
      reason: expect.stringContaining(`process ${first.pid}`),
    });
    expect(error.hint).toBeDefined();
    expect(end.code).toBe(1);
    expect((await fetch(new URL('/health/ready', first.ready.kernel))).status).toBe(200);
    expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const second = await start(data);
    expect(second.ready.gatewayDid).toBe(first.ready.gatewayDid);
  }, 60_000);

  it('says which setting to change when a port is in use, and leaves nothing', async () => {
    const { data } = newPlace();
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as { port: number };
    try {
      for (const name of ['KERNEL', 'GATEWAY', 'AUDIT']) {
        const setting = `TALOS_${name}_PORT`;
        const { error, end } = await failToStart(program.path, data, { [setting]: String(port) });
        expect(error).toMatchObject({ code: 'SETTINGS_INVALID', hint: expect.stringContaining(setting) });
        expect(error.reason).toContain(`127.0.0.1:${port}`);
        expect(end.code).toBe(1);
        expect(processesIn(data)).toEqual([]);
      }
    } finally {
      holder.close();
    }
    const platform = await start(data, { TALOS_AUDIT_PORT: String(port) });
    expect(platform.ready.audit).toBe(`http://127.0.0.1:${port}`);
  }, 60_000);

  it('on a folder of a newer version is refused, and the folder stays as it is', async () => {
    const { data } = newPlace();
    mkdirSync(data);
    writeFileSync(join(data, 'version'), '2\n');
    const { error, end } = await failToStart(program.path, data);
    expect(error).toMatchObject({
      code: 'SETTINGS_INVALID',
      reason: expect.stringContaining('newer version'),
    });
    expect(end.code).toBe(1);
    expect(readdirSync(data)).toEqual(['version']);
  });

  it.each([
    ['a setting there is not', { TALOS_PROT: '1' }, /TALOS_PROT is not a setting/],
    ['a bad port', { TALOS_GATEWAY_PORT: '99999' }, /TALOS_GATEWAY_PORT must be a port/],
    ['two ports that are one', { TALOS_KERNEL_PORT: '18000', TALOS_AUDIT_PORT: '18000' }, /must differ/],
    ['a talos.yaml that is not there', { TALOS_CONFIG: '/nonexistent/talos.yaml' }, /talos\.yaml cannot be/],
    ['a short passphrase', { TALOS_KEY_PASSPHRASE: 'short-canary'.slice(0, 8) }, /at least 12/],
  ])('with %s is refused with words, no stack, and exit code 1', async (_, env, words) => {
    const { data } = newPlace();
    const { error, end, said } = await failToStart(
      program.path,
      data,
      env as unknown as Record<string, string>,
    );
    expect(error).toMatchObject({ code: 'SETTINGS_INVALID', reason: expect.stringMatching(words) });
    expect(end.code).toBe(1);
    expect(said).not.toMatch(/\n\s+at /);
    expect(said).not.toContain('short-ca');
  });
});

describe("a PostgreSQL of the operator's own", () => {
  it('is used instead of the embedded one, keeps the data, and its password is never said', async () => {
    const database = await openTestDatabase();
    try {
      const {
        socketFolder,
        port,
        user,
        password,
        database: name,
      } = database.address as never as {
        socketFolder: string;
        port: number;
        user: string;
        password: { reveal(): string };
        database: string;
      };
      const url = (secret: string) =>
        `postgres://${user}:${secret}@/${name}?host=${encodeURIComponent(socketFolder)}&port=${port}`;
      const env = { TALOS_DATABASE_URL: url(password.reveal()) };
      const place = newPlace();
      const { platform, cast } = await startWithTools(place, env);
      expect(familyOf(platform.pid).filter(({ command }) => command.includes('postgres'))).toEqual([]);
      expect(readdirSync(place.data)).not.toContain('pg');
      const credential = { identity: cast.agent, chain: cast.agentChain };
      expect(await callOnce(platform.ready.gateway, credential, 'odd__look', {})).toEqual({ text: 'looked' });
      const { report } = await wholeLog(platform);
      const family = familyOf(platform.pid);
      await platform.end('SIGKILL');
      await expectNoSurvivors(family);

      const again = await start(place.data, env);
      expect(await callOnce(again.ready.gateway, credential, 'odd__look', {})).toEqual({ text: 'looked' });
      expect((await wholeLog(again)).report.size).toBeGreaterThan(report.size);
      expect(again.log()).not.toContain(password.reveal());
      expect(await again.end('SIGTERM')).toEqual({ code: 0, signal: null });

      const wrong = await failToStart(program.path, newPlace().data, {
        TALOS_DATABASE_URL: url('canary-wrong'),
      });
      expect(wrong.end.code).toBe(1);
      expect(wrong.error.hint ?? wrong.error.reason).toBeDefined();
      expect(wrong.said).not.toContain('canary-wrong');
    } finally {
      await database.close();
    }
  }, 60_000);
});

function isOpen(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connectSocket({ host: hostname, port: Number(port) });
    const settle = (open: boolean) => () => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', settle(true)).once('error', settle(false));
  });
}

/** Processes that work in a folder or name it. */
function processesIn(folder: string): string[] {
  return processes()
    .filter(({ command }) => command.includes(folder))
    .map(({ pid, command }) => `${pid} ${command}`);
}
