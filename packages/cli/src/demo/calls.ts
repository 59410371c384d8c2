import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { decodeUtf8 } from '@talosprotocol/protocol';
import { type Agent, createAgent, type Denial, denialOf, withCapability } from '@talosprotocol/sdk';
import type { CallOutcome, Calls, SentRequest } from './call-outcome.js';
import { part, type World } from './world.js';

/** Connects the official MCP client over streamable HTTP, with a capability behind it.
 *  @throws what opening the session threw; `denialOf` reads it */
export async function connect(world: World, chain: string): Promise<Calls> {
  const { gateway } = part(world, 'server').ready;
  let last: SentRequest | undefined;
  const wire: typeof fetch = (url, init) => {
    if (isToolCall(init?.body)) last = { url: new URL(String(url)), init: init as RequestInit };
    return fetch(url, init);
  };
  const agent: Agent = createAgent({
    identity: part(world, 'worker'),
    capability: chain,
    gateway,
    fetch: wire,
  });
  const client = withCapability(new Client({ name: 'talos-demo', version: '1.0.0' }), agent);
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', gateway)));
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (tool, args) => timed(world, () => callTool(client, tool, args)),
    lastSent: () => last,
    close: async () => {
      await client.close();
      await agent.close();
    },
  };
}

/** Looks at the bytes that go over the wire, as the agent's fetch hands them on. */
function isToolCall(body: unknown): boolean {
  return body instanceof Uint8Array && decodeUtf8(body).includes('"tools/call"');
}

async function timed<T>(world: World, run: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  try {
    return await run();
  } finally {
    world.latencies.push(performance.now() - begun);
  }
}

async function callTool(client: Client, name: string, args: Record<string, unknown>): Promise<CallOutcome> {
  try {
    const { content, isError } = await client.callTool({ name: `filesystem__${name}`, arguments: args });
    const text = (content as readonly { text?: string }[]).map((block) => block.text ?? '').join('');
    return { allowed: true, text, failed: isError === true };
  } catch (error) {
    return { allowed: false, denial: denialOrThrow(error) };
  }
}

/** The denial inside an error; anything else is a failure of the demo itself. */
export function denialOrThrow(error: unknown): Denial {
  const denial = denialOf(error);
  if (denial === undefined) throw error;
  return denial;
}
