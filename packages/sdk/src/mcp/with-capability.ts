import { type Agent, type AgentOptions, createAgent } from '../agent/agent.js';

/** What `withCapability` needs of an MCP client: that of `@modelcontextprotocol/sdk` (v1) and that of
 *  `@modelcontextprotocol/client` (v2) both have it. */
export interface McpClient {
  connect(transport: never, options?: never): Promise<void>;
  close(): Promise<void>;
}

/** The part of both streamable HTTP transports that is used. They read `_fetch` anew for every request. */
interface HttpTransport {
  _fetch: typeof fetch | undefined;
  readonly _url: URL;
  readonly _abortController?: unknown;
}

const ADVICE = 'Pass the fetch yourself: new StreamableHTTPClientTransport(url, { fetch: agent.fetch })';

/** Puts a capability behind an official MCP client: whatever streamable HTTP transport it connects, every request is
 *  signed. The same client is returned; closing it ends the session of an agent that was made here.
 *  @throws {TypeError} as createAgent. `connect` rejects with TypeError for a transport that is not streamable HTTP, is
 *  started, has a fetch of its own, or leads to another origin than the gateway's
 *  @example const client = withCapability(new Client({ name: 'me', version: '1' }), { identity, capability, gateway });
 *  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', gateway))); */
export function withCapability<C extends McpClient>(client: C, options: AgentOptions | Agent): C {
  const given = isAgent(options);
  const agent = given ? options : createAgent(options);
  const connect = client.connect.bind(client) as (transport: unknown, options?: unknown) => Promise<void>;
  const close = client.close.bind(client);
  const wrapped: Pick<McpClient, 'connect' | 'close'> = {
    async connect(transport: unknown, connectOptions?: unknown) {
      bindTransport(transport, agent);
      await connect(transport, connectOptions);
    },
    async close() {
      await close();
      if (!given) await agent.close();
    },
  };
  return Object.assign(client, wrapped);
}

function bindTransport(transport: unknown, agent: Agent): void {
  if (!isHttpTransport(transport)) throw new TypeError(`not a streamable HTTP transport. ${ADVICE}`);
  if (transport._fetch === agent.fetch) return;
  if (transport._fetch !== undefined) {
    throw new TypeError(
      'the transport has a fetch of its own; give that one to the agent as `fetch` instead',
    );
  }
  if (transport._abortController !== undefined) throw new TypeError(`the transport is started. ${ADVICE}`);
  if (transport._url.origin !== agent.gateway) {
    throw new TypeError(`the transport leads to ${transport._url.origin}, the gateway is ${agent.gateway}`);
  }
  transport._fetch = agent.fetch;
}

/** The older SSE transport has `_fetch` and `_url` too, but cannot end an MCP session. */
function isHttpTransport(transport: unknown): transport is HttpTransport {
  if (typeof transport !== 'object' || transport === null || !Object.hasOwn(transport, '_fetch'))
    return false;
  const { _url, terminateSession } = transport as { _url?: unknown; terminateSession?: unknown };
  return _url instanceof URL && typeof terminateSession === 'function';
}

function isAgent(options: AgentOptions | Agent): options is Agent {
  return !('identity' in options);
}
