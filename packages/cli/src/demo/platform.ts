import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createAuditClient, createKernelClient } from '@talosprotocol/sdk';
import { stringify } from 'yaml';
import { startServer } from '../server-process.js';
import type { StepOutcome } from './step.js';
import { part, type World } from './world.js';

/** Starts all roles in one process, on the scratch folder's own data. */
export async function startPlatform(world: World): Promise<StepOutcome> {
  const begun = performance.now();
  await launch(world);
  const { kernel, gateway, audit, gatewayDid } = part(world, 'server').ready;
  return {
    ok: true,
    lines: [
      `kernel ${kernel}, gateway ${gateway}, audit ${audit} (process ${part(world, 'server').pid}, ${Math.round(performance.now() - begun)} ms)`,
      'embedded PostgreSQL on a Unix socket, no TCP; every port on loopback',
      `this gateway is ${gatewayDid}`,
    ],
    facts: { kernel, gateway, audit, gateway_did: gatewayDid },
  };
}

/** Starts the process and connects the clients. */
export async function launch(world: World): Promise<void> {
  const log = openSync(world.scratch.log, 'a', 0o600);
  try {
    world.server = await startServer({ env: world.env, log });
  } finally {
    closeSync(log);
  }
  const { kernel, audit } = world.server.ready;
  world.adminToken = (await readFile(join(world.scratch.platform, 'keys', 'admin.token'), 'utf8')).trim();
  world.kernel = createKernelClient({ url: kernel, adminToken: world.adminToken });
  world.audit = createAuditClient({ url: audit, adminToken: world.adminToken });
}

/** The tools the operator of the demo confirms: the rest is not served. */
const CONFIRMED = ['read_text_file', 'list_directory', 'write_file'];

interface Announced {
  readonly name: string;
  readonly proposed: { readonly manifest: Manifest; readonly pin: string };
}

interface Manifest {
  readonly op: string;
  readonly resources: readonly { readonly kind: string }[];
}

/** Puts the real filesystem server behind the gateway, and pins the tools that were looked at. */
export async function addToolServer(world: World): Promise<StepOutcome> {
  const { config, files } = world.scratch;
  const program = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-filesystem/dist/index.js',
  );
  const server = { command: process.execPath, args: [program, files] };
  const before = await readFile(config, 'utf8');
  const base = before.slice(0, before.indexOf('servers:'));
  await writeFile(config, base + stringify({ servers: { filesystem: server } }), { mode: 0o600 });
  await reloadPolicy(world);
  const announced = await lookAtTools(world);
  const tools = Object.fromEntries(announced.filter(({ name }) => CONFIRMED.includes(name)).map(pinOf));
  await writeFile(config, base + stringify({ servers: { filesystem: { ...server, tools } } }), {
    mode: 0o600,
  });
  await reloadPolicy(world);
  return {
    ok: Object.keys(tools).length === CONFIRMED.length,
    lines: [
      `@modelcontextprotocol/server-filesystem over stdio, serving ${files}`,
      `it announces ${announced.length} tools; pinned in talos.yaml: ${Object.keys(tools).join(', ')}`,
    ],
    facts: { announced: announced.length, pinned: Object.keys(tools), files },
  };
}

/** A manifest as proposed, with real paths resolved: the server runs on this host. */
function pinOf({ name, proposed }: Announced): [string, object] {
  return [name, { ...proposed.manifest, pin: proposed.pin }];
}

async function lookAtTools(world: World): Promise<readonly Announced[]> {
  const answer = await admin(world, 'GET', '/talos/v1/servers/filesystem/tools');
  return (answer as { tools: Announced[] }).tools;
}

async function reloadPolicy(world: World): Promise<void> {
  await admin(world, 'POST', '/talos/v1/policy/reload');
}

async function admin(world: World, method: string, path: string): Promise<unknown> {
  const url = new URL(path, part(world, 'server').ready.gateway);
  const headers = { authorization: `Bearer ${part(world, 'adminToken')}` };
  const response = await fetch(url, { method, headers, signal: AbortSignal.timeout(20_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
  return JSON.parse(text);
}
