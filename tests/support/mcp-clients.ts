import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { createAgent, type Denial, denialOf, type Identity } from '@talosprotocol/sdk';
import { crypto } from './world.js';

const info = { name: 'talos-tests', version: '1.0.0' };
type Fetch = typeof fetch;

/** The common part of both official clients. */
interface OfficialClient {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(params: { name: string; arguments?: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
}

/** How each official client connects, with a fetch of ours. */
export const CLIENTS: Readonly<Record<string, (url: URL, fetch: Fetch) => Promise<OfficialClient>>> = {
  'sdk v1, 2025-11-25': async (url, fetch) => {
    const client = new Client1(info);
    await client.connect(new Transport1(url, { fetch }) as never);
    return client as unknown as OfficialClient;
  },
  'client v2, 2025-11-25': async (url, fetch) => {
    const client = new Client2(info);
    await client.connect(new Transport2(url, { fetch }));
    return client as unknown as OfficialClient;
  },
  'client v2, 2026-07-28': async (url, fetch) => {
    const client = new Client2(info, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new Transport2(url, { fetch }));
    return client as unknown as OfficialClient;
  },
};

/** One HTTP exchange as the wire had it. */
interface Exchange {
  readonly url: string;
  readonly init: RequestInit;
  readonly status: number;
  readonly headers: Headers;
}

/** What became of one call. */
export type Outcome = { readonly text: string; readonly denial?: never } | { readonly denial: Denial };

/** An official client in use. */
export interface Caller {
  tools(): Promise<readonly string[]>;
  call(name: string, args?: Record<string, unknown>): Promise<Outcome>;
  /** The last exchange of a `tools/call`. */
  last(): Exchange;
  close(): Promise<void>;
}

/** Who calls: an identity with its chain, or a bearer key. */
export type Credential = { readonly identity: Identity; readonly chain: string } | { readonly key: string };

const DEFAULT = 'client v2, 2025-11-25';

/** Connects an official client. @throws what connecting threw; `denialOf` reads it */
export async function connect(gateway: string, credential: Credential, kind = DEFAULT): Promise<Caller> {
  const exchanges: Exchange[] = [];
  const wire: Fetch = async (input, init = {}) => {
    const response = await fetch(input, init);
    if (isToolCall(init.body))
      exchanges.push({ url: String(input), init, status: response.status, headers: response.headers });
    return response;
  };
  const agent =
    'key' in credential
      ? undefined
      : createAgent({
          identity: credential.identity,
          capability: credential.chain,
          gateway,
          fetch: wire,
          crypto,
        });
  const send = agent?.fetch ?? withKey(wire, (credential as { key: string }).key);
  const client = await CLIENTS[kind]!(new URL('/mcp', gateway), send);
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name, args = {}) => callTool(client, name, args),
    last: () => exchanges.at(-1)!,
    close: async () => {
      await client.close();
      await agent?.close();
    },
  };
}

/** Connects, calls once and closes; a refusal to connect is a denial too. */
export async function callOnce(
  gateway: string,
  credential: Credential,
  tool: string,
  args: Record<string, unknown>,
  kind = DEFAULT,
): Promise<Outcome> {
  try {
    const caller = await connect(gateway, credential, kind);
    try {
      return await caller.call(tool, args);
    } finally {
      await caller.close();
    }
  } catch (error) {
    return { denial: denialOrThrow(error) };
  }
}

function withKey(send: Fetch, key: string): Fetch {
  return (input, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${key}`);
    return send(input, { ...init, headers });
  };
}

function isToolCall(body: unknown): boolean {
  const text = body instanceof Uint8Array ? Buffer.from(body).toString() : body;
  return typeof text === 'string' && text.includes('"tools/call"');
}

async function callTool(
  client: OfficialClient,
  name: string,
  args: Record<string, unknown>,
): Promise<Outcome> {
  try {
    const { content } = (await client.callTool({ name, arguments: args })) as {
      content: { text?: string }[];
    };
    return { text: content.map(({ text = '' }) => text).join('') };
  } catch (error) {
    return { denial: denialOrThrow(error) };
  }
}

function denialOrThrow(error: unknown): Denial {
  const denial = denialOf(error);
  if (denial === undefined) throw error;
  return denial;
}
