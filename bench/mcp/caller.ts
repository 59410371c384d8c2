import { randomUUID } from 'node:crypto';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Limit, Op } from '@talosprotocol/contracts';
import {
  createAgent,
  createIdentity,
  createKernelClient,
  denialOf,
  withCapability,
} from '@talosprotocol/sdk';
import { type Ready, readAdminToken } from '../platform.js';
import { SERVERS } from './tool-servers.js';

/** The official client at one end point. */
export interface Caller {
  /** Calls `echo` and gives back milliseconds.
   *  @throws {Error} any other answer */
  call(): Promise<number>;
  /** Makes a call that must be refused, if anybody is there to refuse it. */
  checkRefusal(): Promise<void>;
  close(): Promise<void>;
}

/** Connects without anything in between. */
export async function connectDirectly(url: string): Promise<Caller> {
  const client = newClient();
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return {
    call: () => timedEcho(client, 'echo'),
    checkRefusal: async () => undefined,
    close: () => client.close(),
  };
}

/** Connects through the gateway with a capability for `echo` of one server, and for that alone. */
export async function connectThroughGateway(ready: Ready, op: Op, limits: readonly Limit[]): Promise<Caller> {
  const kernel = createKernelClient({ url: ready.kernel, adminToken: await readAdminToken(ready) });
  const identity = createIdentity();
  await kernel.registerSigner(identity.signer, { kind: 'agent', name: `bench-${op}-${limits.length}` });
  const { chain } = await kernel.issueCapability({
    sub: identity.did,
    aud: [ready.gatewayDid],
    grants: [{ scope: `tool:${SERVERS[op]}/method:echo`, ops: [op] }],
    exp: Math.floor(Date.now() / 1000) + 3600,
    ...(limits.length === 0 ? {} : { limits: [...limits] }),
  });
  const agent = createAgent({ identity, capability: chain, gateway: ready.gateway });
  const client = withCapability(newClient(), agent);
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', ready.gateway)));
  const other = SERVERS[op === 'read' ? 'write' : 'read'];
  return {
    call: () => timedEcho(client, `${SERVERS[op]}__echo`),
    checkRefusal: () => refusedEcho(client, `${other}__echo`),
    close: async () => {
      await client.close();
      await agent.close();
    },
  };
}

function newClient(): Client {
  return new Client({ name: 'talos-bench', version: '1.0.0' });
}

async function timedEcho(client: Client, name: string): Promise<number> {
  const message = randomUUID();
  const begun = performance.now();
  const { content } = await client.callTool({ name, arguments: { message } });
  const ms = performance.now() - begun;
  const [block] = content as readonly { readonly text?: string }[];
  if (block?.text !== `Echo: ${message}`) throw new Error(`${name} answered something else`);
  return ms;
}

async function refusedEcho(client: Client, name: string): Promise<void> {
  const code = await client.callTool({ name, arguments: { message: 'x' } }).then(
    () => 'allowed',
    (error: unknown) => denialOf(error)?.code ?? String(error),
  );
  if (code !== 'SCOPE_MISMATCH') throw new Error(`the gateway decided a call wrongly: ${code}`);
}
