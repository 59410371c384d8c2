import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Op } from '@talosprotocol/contracts';
import { parseManifest, toolPin } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { createGatewayClient } from '@talosprotocol/sdk';
import { stringify } from 'yaml';
import { type Ready, readAdminToken } from '../platform.js';

/** One tool server twice: its tool pinned once as a read and once as a write, which the gateway treats differently. */
export const SERVERS: Readonly<Record<Op, string>> = { read: 'reader', write: 'writer' };

/** Puts the servers into talos.yaml and pins the tool `echo` of both, as an operator would. */
export async function addToolServers(ready: Ready): Promise<void> {
  const gateway = createGatewayClient({ url: ready.gateway, adminToken: await readAdminToken(ready) });
  const first = await readFile(ready.config, 'utf8');
  const base = first.slice(0, first.indexOf('servers:'));
  const program = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));
  const server = { command: process.execPath, args: [program] };
  // One caller calls as fast as it can: the limit per address stays on, but must not be what is measured.
  const limits = { perAddressPerMinute: 1_000_000 };
  const write = (servers: object) =>
    writeFile(ready.config, base + stringify({ servers, limits }), { mode: 0o600 });
  await write({ [SERVERS.read]: server, [SERVERS.write]: server });
  await gateway.reloadPolicy();
  const pinned: Record<string, object> = {};
  for (const op of ['read', 'write'] as const) {
    const { tools } = await gateway.tools(SERVERS[op]);
    const echo = tools.find(({ name }) => name === 'echo');
    if (echo === undefined) throw new Error('the tool server announces no echo');
    const manifest = { op, resources: [] };
    const identified = { server: SERVERS[op], tool: echo.tool, manifest: parseManifest(manifest) };
    const pin = toolPin(identified, createNodeCrypto());
    pinned[SERVERS[op]] = { ...server, tools: { echo: { ...manifest, pin } } };
  }
  await write(pinned);
  await gateway.reloadPolicy();
}
