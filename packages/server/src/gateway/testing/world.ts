import type { Grant, Limit, PolicyDocument, ToolManifest } from '@talosprotocol/contracts';
import {
  createDidResolver,
  createSigner,
  createUuidv7,
  formatTalosAuthorization,
  issueBearer,
  issueCapability,
  parseAnchors,
  parseBearerKey,
  sessionMac,
} from '@talosprotocol/protocol';
import { createListener } from '../../platform/http.js';
import { createMetrics } from '../../platform/metrics/metrics.js';
import { migrate } from '../../platform/migrations.js';
import type { Secret } from '../../platform/secret.js';
import { clock, random } from '../../platform/system.js';
import type { TestDatabase } from '../../platform/testing/database.js';
import type { CallLedger, Policy } from '../admission/ports.js';
import type { AnnouncedTools } from '../mcp/announced-tools.js';
import { createMemoryLog } from '../mcp/upstream/testing/deps.js';
import { GATEWAY_MIGRATIONS } from '../migrations.js';
import { compilePolicy } from '../policy.js';
import { createGateway, type GatewayDeps } from '../service.js';
import { createTestAuthority, createTestLedger, createTestSink, crypto } from './ports.js';

export type Servers = PolicyDocument['servers'];
/** Manifests by server and tool. */
export type Manifests = Readonly<Record<string, Readonly<Record<string, ToolManifest>>>>;
type PinFinder = (server: string, tool: string) => string | undefined;

const NO_PIN = '0'.repeat(64);
const seed = (byte: number) => new Uint8Array(32).fill(byte);
const seconds = () => Math.floor(clock.now() / 1000);
const gatewayDid = createSigner(seed(1), crypto).did;
const organisation = createSigner(seed(2), crypto);

/** A gateway that listens, in front of real tool servers and a real database; the other rooms are test ports, the
 *  ledger too if none is handed in. */
export async function openWorld(
  database: TestDatabase,
  servers: Servers,
  manifests: Manifests,
  given?: CallLedger,
) {
  await migrate(database.sql, GATEWAY_MIGRATIONS);
  const kernel = createKernel(Object.keys(servers));
  const audit = createTestSink();
  const ledger = createTestLedger();
  const log = createMemoryLog();
  const groups = new Set<number>();
  const secrets = new Map<string, Secret<string>>();
  let policy: Policy = policyOf(servers, manifests, () => NO_PIN);
  const deps: GatewayDeps = {
    did: gatewayDid,
    authority: kernel.authority,
    ledger: given ?? ledger,
    counters: { list: async () => [] },
    sink: audit.sink,
    secrets: { reveal: async (name) => secrets.get(name) },
    policy: () => policy,
    sql: database.sql,
    redis: undefined,
    clock,
    random,
    crypto,
    log,
    metrics: createMetrics(),
    tracer: undefined,
    environment: { PATH: process.env['PATH'] },
    reaper: { addGroup: (pgid) => void groups.add(pgid), removeGroup: (pgid) => void groups.delete(pgid) },
  };
  const gateway = createGateway(deps);
  const listener = await listen(gateway.routes, log);
  const look = async (server: string): Promise<AnnouncedTools> =>
    (await fetch(`${listener.url}/talos/v1/servers/${server}/tools`)).json() as Promise<AnnouncedTools>;
  const looks = await Promise.all(Object.keys(servers).map(look));
  policy = policyOf(servers, manifests, pinsIn(looks));
  return {
    gateway,
    kernel,
    ledger,
    audit,
    log,
    groups,
    secrets,
    look,
    url: `${listener.url}/mcp`,
    setPolicy(change: (current: Policy) => Policy) {
      policy = change(policy);
    },
    agent: (grants: Grant[], limits?: Limit[]) => openAgent(kernel, `${listener.url}/mcp`, grants, limits),
    async close() {
      await gateway.drain(1_000);
      await gateway.stop();
      await listener.closeGracefully(500);
    },
  };
}

export type World = Awaited<ReturnType<typeof openWorld>>;

function createKernel(servers: readonly string[]) {
  const grants = servers.map((name): Grant => ({ scope: `tool:${name}`, ops: ['read', 'write'] }));
  const anchors = parseAnchors([{ iss: organisation.did, tenant: 'default', grants }], crypto);
  return createTestAuthority(gatewayDid, anchors, createDidResolver({ now: seconds }), seconds);
}

function listen(routes: Parameters<typeof createListener>[0]['routes'], log: GatewayDeps['log']) {
  const guards = { admin: () => undefined };
  const open = { allowedHosts: [], allowedOrigins: [], guards, clock, random, log };
  return createListener({ name: 'gateway', host: '127.0.0.1', port: 0, routes, ...open });
}

const issueDeps = { crypto, now: seconds, randomBytes: random };

function claims(grants: Grant[], limits: Limit[] | undefined, life: number) {
  const base = { aud: [gatewayDid], grants, exp: seconds() + life };
  return limits === undefined ? base : { ...base, limits };
}

/** A bearer key of the organisation. */
export function issueKey(grants: Grant[], limits?: Limit[], life = 3600): string {
  return issueBearer(claims(grants, limits, life), organisation, issueDeps);
}

/** The `lid` of a key's last link. */
export function lidOf(key: string): string {
  return parseBearerKey(key, crypto).chain.leaf.lid;
}

/** An agent with a session, who signs each request. */
async function openAgent(
  kernel: ReturnType<typeof createKernel>,
  url: string,
  grants: Grant[],
  limits: Limit[] | undefined,
) {
  const holder = createSigner(seed(3), crypto);
  const issued = issueCapability(
    { ...claims(grants, limits, 3600), sub: holder.did },
    organisation,
    issueDeps,
  );
  const { sid, key } = await kernel.openSession(issued.chain);
  let last = 0;
  const sign = (body: string, rid: string, seq: number, target: string) => {
    const headers = { 'content-type': 'application/json' };
    const bodyHash = crypto.sha256Hex(Buffer.from(body));
    const fields = { sid, gateway: gatewayDid, seq, rid, method: 'POST', target, headers, bodyHash };
    const mac = sessionMac(key, fields, crypto);
    return { ...headers, authorization: formatTalosAuthorization({ sid, seq, rid, mac }) };
  };
  const post = (message: object, { rid = newRid(), seq = ++last, path = '' } = {}): Promise<Response> => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    return fetch(`${url}${path}`, { method: 'POST', headers: sign(body, rid, seq, `/mcp${path}`), body });
  };
  return { post, lid: issued.leaf.lid };
}

/** A rid, made `ageMs` ago. */
export function newRid(ageMs = 0): string {
  return createUuidv7(clock.now() - ageMs, random(16));
}

function policyOf(servers: Servers, manifests: Manifests, pin: PinFinder): Policy {
  const document: PolicyDocument = { version: 1, servers: withPins(servers, manifests, pin) };
  return compilePolicy({ hash: 'a'.repeat(64), document, defaultTenant: 'default' });
}

function pinsIn(looks: readonly AnnouncedTools[]): PinFinder {
  return (server, tool) => {
    const found = looks.find((look) => look.server === server)?.tools.find(({ name }) => name === tool);
    return found?.pinned?.computed;
  };
}

function withPins(servers: Servers, manifests: Manifests, pin: PinFinder): Servers {
  const toolsOf = (server: string) =>
    Object.entries(manifests[server] ?? {}).map(([tool, manifest]) => {
      return [tool, { ...manifest, pin: pin(server, tool) ?? NO_PIN }] as const;
    });
  const named = Object.entries(servers).map(([name, server]) => {
    return [name, { ...server, tools: Object.fromEntries(toolsOf(name)) }] as const;
  });
  return Object.fromEntries(named);
}
