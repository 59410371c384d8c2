import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Grant, PolicyDocument, ToolManifest, ToolServer } from '@talosprotocol/contracts';
import {
  type AttenuateOptions,
  attenuate,
  encodeScopeValue,
  parseTrustFile,
  type Trust,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import {
  type AuditClient,
  createAuditClient,
  createGatewayClient,
  createIdentity,
  createKernelClient,
  type GatewayClient,
  type Identity,
  type KernelClient,
} from '@talosprotocol/sdk';
import { openAdministratorKey } from '@talosprotocol/sdk/keys';
import { init } from '../../packages/server/src/main/init.js';
import { serve } from '../../packages/server/src/main/serve.js';
import { currentMachine, readSettings } from '../../packages/server/src/platform/settings.js';

export const crypto = createNodeCrypto();

/** What a platform says once it serves. */
export interface Ready {
  readonly kernel: string;
  readonly gateway: string;
  readonly audit: string;
  readonly data: string;
  readonly config: string;
  readonly gatewayDid: string;
  readonly organisationDid: string;
}

/** Clients of one platform, with the administrator's token. */
export interface Operator {
  readonly ready: Ready;
  readonly adminToken: string;
  readonly kernel: KernelClient;
  readonly gateway: GatewayClient;
  readonly audit: AuditClient;
}

/** As the CLI does it: the first one that asks is the administrator, and keeps the key in the data folder. */
export async function administratorKey({ data, kernel }: Pick<Ready, 'data' | 'kernel'>): Promise<string> {
  const key = await openAdministratorKey({ keysFolder: join(data, 'keys'), kernel: () => kernel });
  if (key === undefined) throw new Error(`there is no administrator of ${data}`);
  return key;
}

/** Clients for a platform that serves, in this process or another. */
export async function operate(ready: Ready): Promise<Operator> {
  const adminToken = await administratorKey(ready);
  const kernel = createKernelClient({ url: ready.kernel, adminToken });
  const gateway = createGatewayClient({ url: ready.gateway, adminToken });
  const audit = createAuditClient({ url: ready.audit, adminToken });
  return { ready, adminToken, kernel, gateway, audit };
}

/** The files a tool server serves; all paths are real. */
export interface Files {
  readonly root: string;
  readonly docs: string;
  readonly guide: string;
  readonly secret: string;
  /** A link below `docs` that leads to `secret`. */
  readonly escape: string;
}

/** Makes a scratch folder to be served. */
async function makeFiles(): Promise<Files> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'talos-files-')));
  const docs = join(root, 'docs');
  const secret = join(root, 'private/payroll.txt');
  const shortcut = join(docs, 'shortcut.txt');
  const guide = join(docs, 'guide.md');
  await mkdir(docs);
  await mkdir(join(root, 'private'));
  await writeFile(guide, '# Guide\n');
  await writeFile(secret, 'nobody but payroll reads this\n');
  await symlink(secret, shortcut);
  return { root, docs, guide, secret, escape: shortcut };
}

type Servers = PolicyDocument['servers'];

/** The official filesystem server, serving a folder. */
export function filesystemServer(folder: string): ToolServer {
  const manifest = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-filesystem/package.json',
  );
  return { command: process.execPath, args: [join(dirname(manifest), 'dist/index.js'), folder] };
}

/** The odd server (`odd-server.mjs`), which notes every call it is sent in `journal`. */
export function oddServer(journal: string, mode = 'plain'): ToolServer {
  const program = fileURLToPath(new URL('./odd-server.mjs', import.meta.url));
  return { command: process.execPath, args: [program, journal, mode], callTimeoutSeconds: 20 };
}

const reads: ToolManifest = {
  op: 'read',
  resources: [{ ptr: '/path', kind: 'path', required: true, resolve: 'realpath' }],
};
/** What the operator confirms of the filesystem server. */
const FILE_TOOLS: Manifests = {
  read_text_file: reads,
  list_directory: reads,
  write_file: { ...reads, op: 'write' },
};
const plain = (op: 'read' | 'write'): ToolManifest => ({ op, resources: [] });
/** What the operator confirms of the odd server. */
export const ODD_TOOLS: Manifests = {
  note: plain('write'),
  look: plain('read'),
  slow: plain('write'),
  die: plain('read'),
  rubbish: plain('read'),
  sly: plain('read'),
  change: plain('write'),
};

export type Manifests = Readonly<Record<string, ToolManifest>>;
/** Generous, so that no test meets a limit it is not about; short where a test waits for it. */
const LIMITS: NonNullable<PolicyDocument['limits']> = {
  denialsPerMinute: 100_000,
  perAddressPerMinute: 1_000_000,
  headerSeconds: 2,
  bodySeconds: 1,
};

/** Writes a talos.yaml whose only anchor is the organisation. */
async function writePolicy(path: string, iss: string, more: Partial<PolicyDocument>): Promise<void> {
  const anchors = [{ iss, tenant: 'default', grants: [{ scope: 'tool:*', ops: ['read', 'write'] }] }];
  // JSON is YAML.
  await writeFile(path, JSON.stringify({ version: 1, anchors, servers: {}, ...more }), { mode: 0o600 });
}

/** Writes talos.yaml with these servers, looks at their tools and pins those of `manifests`, as an operator would. */
export async function pinServers(
  { ready, gateway }: Operator,
  servers: Servers,
  manifests: Readonly<Record<string, Manifests>>,
  limits: PolicyDocument['limits'] = LIMITS,
): Promise<void> {
  const write = async (pinned: Servers): Promise<void> => {
    await writePolicy(ready.config, ready.organisationDid, { limits, servers: pinned });
    await gateway.reloadPolicy();
  };
  const withTools = (pinOf: (server: string, tool: string) => string): Servers =>
    Object.fromEntries(
      Object.entries(servers).map(([server, settings]) => {
        const tools = Object.entries(manifests[server] ?? {}).map(([tool, manifest]) => {
          return [tool, { ...manifest, pin: pinOf(server, tool) }] as const;
        });
        return [server, { ...settings, tools: Object.fromEntries(tools) }];
      }),
    );
  await write(withTools(() => '0'.repeat(64)));
  const pins = new Map<string, string>();
  for (const server of Object.keys(servers)) {
    for (const { name, pinned } of (await gateway.tools(server)).tools) {
      if (pinned !== undefined) pins.set(`${server} ${name}`, pinned.computed);
    }
  }
  await write(withTools((server, tool) => pins.get(`${server} ${tool}`) ?? '0'.repeat(64)));
}

/** All roles in this process, so that coverage counts what they run. */
export interface World extends Operator {
  readonly files: Files;
  /** Calls the odd server was sent, one a line. */
  readonly journal: string;
  /** What the platform logged, one JSON document a line. */
  readonly log: readonly string[];
  trust(): Promise<Trust>;
  close(): Promise<void>;
}

/** Settings of a platform of a test's own: free ports, machine-readable log, nothing of the caller's environment. */
export function testEnvironment(data: string): Record<string, string | undefined> {
  return {
    PATH: process.env['PATH'],
    TALOS_DATA: data,
    TALOS_KERNEL_PORT: '0',
    TALOS_GATEWAY_PORT: '0',
    TALOS_AUDIT_PORT: '0',
    TALOS_LOG_FORMAT: 'json',
    TALOS_LOG_LEVEL: 'debug',
    TALOS_DISK_RESERVE: '1048576',
  };
}

/** Starts a platform with the filesystem server (`files`) and the odd server (`odd`) behind it, all pinned. `more` are
 *  further variables of its environment. */
export async function openWorld(
  limits?: PolicyDocument['limits'],
  more: Readonly<Record<string, string>> = {},
): Promise<World> {
  const data = await mkdtemp(join(tmpdir(), 'talos-world-'));
  const capture = captureLog();
  const env = { ...testEnvironment(data), ...more };
  const settings = readSettings(env, currentMachine());
  const made = (await init(settings)) as { config: string; organisation: string };
  // What a listener is given at its start is not changed by a reload.
  await writePolicy(made.config, made.organisation, { limits: { ...LIMITS, ...limits } });
  const running = await serve(settings, env);
  const operator = await operate(running.ready as Ready);
  const files = await makeFiles();
  const journal = join(files.root, 'journal');
  const servers = { files: filesystemServer(files.root), odd: oddServer(journal) };
  await pinServers(operator, servers, { files: FILE_TOOLS, odd: ODD_TOOLS }, { ...LIMITS, ...limits });
  return {
    ...operator,
    files,
    journal,
    log: capture.lines,
    trust: async () => parseTrustFile(Buffer.from(JSON.stringify(await operator.audit.trust())), crypto),
    close: async () => {
      const clean = await running.shutdown.run('end of the test');
      capture.stop();
      for (const folder of [data, files.root]) await rm(folder, { recursive: true, force: true });
      if (!clean) throw new Error(`the platform did not end cleanly:\n${capture.lines.slice(-20).join('')}`);
    },
  };
}

/** The platform logs on standard error, which is this test's as well: its lines are JSON and are kept. */
function captureLog() {
  const lines: string[] = [];
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = ((chunk: string | Uint8Array, ...rest: never[]) => {
    if (typeof chunk !== 'string' || !chunk.startsWith('{"level"')) return write(chunk, ...rest);
    lines.push(chunk);
    return true;
  }) as typeof process.stderr.write;
  return {
    lines,
    stop: () => {
      process.stderr.write = write;
    },
  };
}

export const seconds = (): number => Math.floor(Date.now() / 1000);
export const deps = {
  crypto,
  now: seconds,
  randomBytes: (length: number) => globalThis.crypto.getRandomValues(new Uint8Array(length)),
};

/** `tool:files/method:<tool>/resource:<folder>` */
export function scopeBelow(tool: string, folder: string): string {
  return `tool:files/method:${tool}/resource:${folder.split('/').map(encodeOrEmpty).join('/')}`;
}

function encodeOrEmpty(name: string): string {
  return name === '' ? '' : encodeScopeValue(name);
}

/** The cast of the main job: an agent that may read below `docs` and pass that on, and a worker it narrows it for. */
export interface Cast {
  readonly agent: Identity;
  readonly worker: Identity;
  /** One link, held by the agent. */
  readonly agentChain: string;
  readonly agentLid: string;
  /** Narrowed offline by the agent: one tool, one folder, fifteen minutes; `change` says what else. */
  narrow(change?: Partial<AttenuateOptions>, now?: number): string;
}

/** Issues the agent's capability. */
export async function castOf(
  { kernel, ready }: Operator,
  { docs }: Pick<Files, 'docs'>,
  more: Partial<Parameters<KernelClient['issueCapability']>[0]> = {},
): Promise<Cast> {
  const agent = createIdentity({ crypto });
  const worker = createIdentity({ crypto });
  const { chain, lid } = await kernel.issueCapability({
    sub: agent.did,
    aud: [ready.gatewayDid],
    grants: [{ scope: scopeBelow('*', docs), ops: ['read'] }],
    exp: seconds() + 3600,
    dlg: 2,
    bearer_below: true,
    ...more,
  });
  const grants: Grant[] = [{ scope: scopeBelow('read_text_file', docs), ops: ['read'] }];
  const narrow: Cast['narrow'] = (change = {}, now = seconds()) =>
    attenuate(chain, { sub: worker.did, grants, exp: now + 900, ...change }, agent.signer, {
      ...deps,
      now: () => now,
    }).chain;
  return { agent, worker, agentChain: chain, agentLid: lid, narrow };
}
