import type { Grant, TrustAnchor, WellKnown } from '@talosprotocol/contracts';
import {
  createDidResolver,
  createSigner,
  createUuidv7,
  type DidDirectory,
  type IssueOptions,
  issueCapability,
  type ParsedManifest,
  parseAnchors,
  parseManifest,
  type Signer,
  TrustError,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { createListener, type Listener } from '../../platform/http.js';
import { createLog } from '../../platform/log.js';
import { createMetrics } from '../../platform/metrics/metrics.js';
import { migrate } from '../../platform/migrations.js';
import type { Sql } from '../../platform/sql.js';
import { random } from '../../platform/system.js';
import { createTokenGuard } from '../../platform/testing/token-guard.js';
import { kernelMigrations } from '../migrations.js';
import type { AuditSink, DenialDraft, KernelDraft, KernelPolicy } from '../ports.js';
import { createKernel, type Kernel } from '../service.js';

/** A kernel on a real database and a real listener, with a clock and an audit sink the test controls. */

export const crypto = createNodeCrypto();
const ADMIN_TOKEN = `tal_admin_${'a'.repeat(43)}`;
export const GRANTS: Grant[] = [{ scope: 'tool:files', ops: ['read'] }];

/** An audit sink that keeps what it is given and can be told to fail or to wait. */
interface RecordingSink extends AuditSink {
  readonly drafts: KernelDraft[];
  readonly denials: DenialDraft[];
  /** What the next records do before they are durable. */
  before: () => Promise<void>;
  /** True: the disk is below its reserve. */
  isFull: boolean;
}

function createRecordingSink(): RecordingSink {
  let index = 0;
  const sink: RecordingSink = {
    drafts: [],
    denials: [],
    before: () => Promise.resolve(),
    isFull: false,
    assertAccepting: () => {
      if (sink.isFull) throw new TrustError('DISK_FULL', 'free disk is below the reserve');
    },
    record: async (draft) => {
      await sink.before();
      sink.drafts.push(draft);
      return { id: draft.id, index: index++ };
    },
    recordDenial: async (draft) => {
      await sink.before();
      sink.denials.push(draft);
      return { id: draft.id, index: index++ };
    },
  };
  return sink;
}

/** Parts that survive a restart of the kernel. */
export interface Platform {
  readonly organisation: Signer;
  readonly gateway: Signer;
  readonly time: { now: number; monotonic: number };
  /** While `on`, the limiter refuses every address. */
  readonly flood: { on: boolean };
  readonly sink: RecordingSink;
  /** What is published on the web, by URL: documents and logs of DIDs. */
  readonly web: Map<string, Uint8Array>;
  /** Starts of the kernel so far. */
  readonly boots: { last: number };
  readonly policy: { anchors: TrustAnchor[]; manifests: Map<string, ParsedManifest> };
}

export function createPlatform(): Platform {
  const organisation = createSigner(random(32), crypto);
  const anchor: TrustAnchor = { iss: organisation.did, tenant: 'acme', grants: GRANTS };
  return {
    organisation,
    gateway: createSigner(random(32), crypto),
    time: { now: Date.parse('2026-11-23T12:00:00.000Z'), monotonic: 0 },
    flood: { on: false },
    sink: createRecordingSink(),
    web: new Map(),
    boots: { last: 0 },
    policy: {
      anchors: [anchor],
      manifests: new Map([
        [
          'files read_file',
          parseManifest({ op: 'read', resources: [{ ptr: '/path', kind: 'path', required: true }] }),
        ],
      ]),
    },
  };
}

export interface World extends Platform {
  readonly kernel: Kernel;
  readonly listener: Listener;
  readonly seconds: () => number;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  admin: Record<string, string>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly body: any;
}

function createCall(listener: Listener) {
  return async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(`${listener.url}${path}`, init);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
  };
}

export async function openWorld(sql: Sql, platform: Platform = createPlatform()): Promise<World> {
  await migrate(sql, kernelMigrations);
  const { time, organisation, gateway, policy, sink } = platform;
  const clock = { now: () => time.now, monotonic: () => time.monotonic };
  const log = createLog({ level: 'silent', format: 'json', clock });
  const seconds = (): number => Math.floor(time.now / 1000);
  const guard = createTokenGuard(ADMIN_TOKEN);
  let last: { key: string; value: KernelPolicy } | undefined;
  platform.boots.last += 1;
  const kernel = await createKernel({
    webhook: undefined,
    node: 1,
    boot: platform.boots.last,
    sql,
    clock,
    random,
    log,
    metrics: createMetrics(),
    crypto,
    organisation,
    gateway,
    resolver: resolverOf(platform),
    policy: () => {
      const key = JSON.stringify(policy.anchors);
      if (last?.key !== key) last = { key, value: toPolicy(platform) };
      return last.value;
    },
    audit: sink,
    decisions: { findRequest: async () => undefined },
    limiter: { take: (address) => limit(platform, address) },
    authorize: guard,
    wellKnown: wellKnown(platform),
    sessionMemory: 16 * 2 ** 20,
  });
  const listener = await createListener({
    name: 'kernel',
    host: '127.0.0.1',
    port: 0,
    routes: [...kernel.adminRoutes, ...kernel.sessionRoutes, ...kernel.publicRoutes],
    guards: { admin: guard },
    allowedHosts: [],
    allowedOrigins: [],
    clock,
    random,
    log,
  });
  const call = createCall(listener);
  return {
    ...platform,
    kernel,
    listener,
    seconds,
    admin: { authorization: `Bearer ${ADMIN_TOKEN}` },
    post: (path, body, headers = {}) =>
      call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    get: (path, headers = {}) => call(path, { headers }),
    close: async () => {
      await listener.closeGracefully(1_000);
      await kernel.close();
    },
  };
}

function resolverOf({ web, time }: Platform): DidDirectory {
  return createDidResolver({
    now: () => Math.floor(time.now / 1000),
    crypto,
    allow: () => true,
    fetchDocument: async (url) => {
      const found = web.get(url);
      if (found === undefined) throw new Error('404');
      return found;
    },
  });
}

function limit({ flood }: Platform, address: string): void {
  if (flood.on) throw new TrustError('RATE_LIMITED', `too many requests of ${address}`);
}

function toPolicy({ policy }: Platform): KernelPolicy {
  return {
    hash: 'ab'.repeat(32),
    defaultTenant: 'acme',
    anchors: parseAnchors(policy.anchors, crypto),
    manifestOf: (server, tool) => policy.manifests.get(`${server} ${tool}`),
  };
}

function wellKnown({ gateway, organisation }: Platform): WellKnown {
  return {
    gateway: gateway.did,
    organisation: organisation.did,
    log: { origin: 'talos.local/test/default', vkey: 'talos.local/test/default+00000000+AQ==' },
    versions: { talos: '0.1.0', api: ['v1'], mcp: ['2025-11-25'] },
  };
}

/** An agent with a chain of one link. */
export function issueTo(world: World, options: Partial<IssueOptions> = {}) {
  const agent = createSigner(random(32), crypto);
  const issuing = { crypto, now: world.seconds, randomBytes: random };
  const chain = issueCapability(
    { sub: agent.did, aud: [world.gateway.did], grants: GRANTS, exp: world.seconds() + 7200, ...options },
    world.organisation,
    issuing,
  );
  return { agent, chain, issuing };
}

/** A request id of the logical call. */
export const newRid = (world: World): string => createUuidv7(world.time.now, random(16));
