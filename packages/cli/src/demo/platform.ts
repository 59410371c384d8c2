import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createAuditClient, createGatewayClient, createKernelClient } from '@talosprotocol/sdk';
import { openAdministratorKey } from '@talosprotocol/sdk/keys';
import { pinOf } from '../commands/mcp/tool-choice.js';
import { startServer } from '../server-process.js';
import { parseTalosYaml, type TalosYaml } from '../talos-yaml.js';
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
    world.server = await startServer({ env: world.env, log, signal: world.signal });
  } finally {
    closeSync(log);
  }
  const { kernel, gateway, audit } = world.server.ready;
  const keysFolder = join(world.scratch.platform, 'keys');
  const adminToken = await openAdministratorKey({ keysFolder, kernel: () => kernel });
  if (adminToken === undefined) throw new Error('the platform of the demo has no administrator');
  world.kernel = createKernelClient({ url: kernel, adminToken });
  world.gateway = createGatewayClient({ url: gateway, adminToken });
  world.audit = createAuditClient({ url: audit, adminToken });
}

const SERVER = 'filesystem';

/** The tools the operator of the demo confirms: the rest is not served. */
const CONFIRMED = ['read_text_file', 'list_directory', 'write_file'];

/** Puts the real filesystem server behind the gateway, and pins the tools that were looked at. */
export async function addToolServer(world: World): Promise<StepOutcome> {
  const { files } = world.scratch;
  const program = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-filesystem/dist/index.js',
  );
  await configure(world, (yaml) =>
    yaml.addServer(SERVER, { command: process.execPath, args: [program, files] }),
  );
  const announced = (await part(world, 'gateway').tools(SERVER)).tools;
  const confirmed = announced.filter(({ name }) => CONFIRMED.includes(name));
  await configure(world, (yaml) =>
    yaml.pinTools(SERVER, Object.fromEntries(confirmed.map((tool) => [tool.name, pinOf(tool)]))),
  );
  const pinned = confirmed.map(({ name }) => name);
  return {
    ok: pinned.length === CONFIRMED.length,
    lines: [
      `@modelcontextprotocol/server-filesystem over stdio, serving ${files}`,
      `it announces ${announced.length} tools; pinned in talos.yaml: ${pinned.join(', ')}`,
    ],
    facts: { announced: announced.length, pinned, files },
  };
}

/** Edits the platform's talos.yaml and makes the change effective. */
async function configure(world: World, change: (yaml: TalosYaml) => void): Promise<void> {
  const { config } = world.scratch;
  const yaml = parseTalosYaml(await readFile(config, 'utf8'), config);
  change(yaml);
  await writeFile(config, yaml.text(), { mode: 0o600 });
  await part(world, 'gateway').reloadPolicy();
}
