import { TOOL_NAME } from '@talosprotocol/contracts';
import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { upstreamFailed } from './child.js';
import type { Connection, Reply } from './connection.js';

/** The tools of a server as it announced them, by name. A name announced twice is ambiguous and left out. */
export interface Announcement {
  readonly tools: ReadonlyMap<string, JsonObject>;
  /** How many changes the server had told of when it was asked. */
  readonly change: number;
  /** `clock.monotonic()` when the list was complete. */
  readonly at: number;
}

const PROTOCOL_VERSION = '2025-11-25';
/** What servers in use over stdio speak. */
const ACCEPTED_VERSIONS: readonly JsonValue[] = [PROTOCOL_VERSION, '2025-06-18', '2025-03-26', '2024-11-05'];
const MAX_PAGES = 32;
const MAX_TOOLS = 512;
const NAME = new RegExp(TOOL_NAME);

/** The MCP handshake. We declare no capability, so that a server has nothing to ask of us. */
export async function initialize(connection: Connection, timeoutMs: number): Promise<void> {
  const clientInfo = { name: 'talos-gateway', version: '1' };
  const params = { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo };
  const result = resultOf(await connection.request('initialize', params, { timeoutMs }));
  if (!ACCEPTED_VERSIONS.includes(result['protocolVersion'] ?? null)) {
    throw upstreamFailed('speaks a protocol version that is not known here');
  }
  connection.notify('notifications/initialized');
}

/** Asks for all pages of the tool list. */
export async function listTools(connection: Connection, timeoutMs: number): Promise<Announcement['tools']> {
  const collected = createCollection();
  let cursor: JsonValue | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const params: JsonObject = cursor === undefined ? {} : { cursor };
    const result = resultOf(await connection.request('tools/list', params, { timeoutMs }));
    collected.add(result['tools']);
    cursor = result['nextCursor'];
    if (cursor === undefined) return collected.finish();
    if (typeof cursor !== 'string') throw upstreamFailed('gave a list cursor that is no text');
  }
  throw upstreamFailed(`lists more than ${MAX_PAGES} pages of tools`);
}

function resultOf(reply: Reply): JsonObject {
  if ('result' in reply) return reply.result;
  throw upstreamFailed(`refused the handshake or its tool list (${reply.error.code})`);
}

function createCollection() {
  const tools = new Map<string, JsonObject>();
  const repeated = new Set<string>();
  let count = 0;
  return {
    add(page: JsonValue | undefined): void {
      if (!Array.isArray(page)) throw upstreamFailed('lists tools that are no array');
      count += page.length;
      if (count > MAX_TOOLS) throw upstreamFailed(`lists more than ${MAX_TOOLS} tools`);
      for (const tool of page) if (isTool(tool)) addTool(tool);
    },
    finish(): ReadonlyMap<string, JsonObject> {
      for (const name of repeated) tools.delete(name);
      return tools;
    },
  };
  function addTool(tool: JsonObject & { readonly name: string }): void {
    if (tools.has(tool.name)) repeated.add(tool.name);
    tools.set(tool.name, tool);
  }
}

/** Tools that could not be served to a client are not there. */
function isTool(tool: JsonValue): tool is JsonObject & { readonly name: string } {
  return (
    isJsonObject(tool) &&
    typeof tool['name'] === 'string' &&
    NAME.test(tool['name']) &&
    isJsonObject(tool['inputSchema']) &&
    !needsTask(tool['execution'])
  );
}

function needsTask(execution: JsonValue | undefined): boolean {
  return isJsonObject(execution) && execution['taskSupport'] === 'required';
}
