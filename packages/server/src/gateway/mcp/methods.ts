import type { JsonObject } from '@talosprotocol/protocol';
import type { Authenticated } from '../admission/ports.js';
import type { Catalogue } from './catalogue.js';
import type { InFlight } from './in-flight.js';
import { ERA_2025, ERA_2026, type Era, type McpMessage, RPC, RpcFault, VERSIONS_2025 } from './rpc.js';

/** What a method that reaches no upstream is served with. */
export interface MethodContext {
  readonly message: McpMessage;
  readonly caller: Authenticated;
  /** The server the route names. */
  readonly route: string | undefined;
  readonly catalogue: Catalogue;
  readonly inFlight: InFlight;
  readonly signal: AbortSignal;
}

type Method = (context: MethodContext) => JsonObject | Promise<JsonObject>;

const SERVER_INFO = { name: 'talos', version: '0.1.0' };
const CAPABILITIES = { tools: {} };

/** Every method besides `tools/call`, by era (DEC-6). What is not here is refused and reaches no upstream. */
const METHODS: Readonly<Record<Era, ReadonlyMap<string, Method>>> = {
  [ERA_2025]: new Map<string, Method>([
    ['initialize', initialize],
    ['ping', () => ({})],
    ['tools/list', listTools],
  ]),
  [ERA_2026]: new Map<string, Method>([
    ['server/discover', () => ({ ...UNCACHED, supportedVersions: [ERA_2026], capabilities: CAPABILITIES })],
    ['tools/list', async (context) => ({ ...UNCACHED, ...(await listTools(context)) })],
  ]),
};

/** What one caller may see is not for another, and not for long. */
const UNCACHED = { ttlMs: 0, cacheScope: 'private' };

/** Serves a request. @throws {RpcFault} for a method or params we do not serve; TrustError otherwise */
export async function serveMethod(context: MethodContext): Promise<JsonObject> {
  const { era, id, method } = context.message;
  const serve = METHODS[era].get(method);
  if (serve !== undefined) return serve(context);
  throw new RpcFault(era === ERA_2026 ? 404 : 200, RPC.unknownMethod, 'the method is not served', id ?? null);
}

/** Notifications are taken, and dropped unless they cancel a call of the same caller. */
export function serveNotification({ message, caller, inFlight }: MethodContext): void {
  const { requestId } = message.params;
  if (message.method !== 'notifications/cancelled') return;
  if (typeof requestId === 'string' || typeof requestId === 'number') inFlight.cancel(caller, requestId);
}

/** A result with what the era wants on each of them. */
export function withServerInfo(result: JsonObject, era: Era): JsonObject {
  if (era === ERA_2025) return result;
  return { resultType: 'complete', ...result, _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO } };
}

function initialize({ message }: MethodContext): JsonObject {
  const wanted = message.params['protocolVersion'];
  if (typeof wanted !== 'string') throw invalidParams(message, 'params.protocolVersion is not a string');
  const protocolVersion = VERSIONS_2025.includes(wanted) ? wanted : ERA_2025;
  return { protocolVersion, capabilities: CAPABILITIES, serverInfo: SERVER_INFO };
}

async function listTools({ message, caller, catalogue, route, signal }: MethodContext): Promise<JsonObject> {
  if (message.params['cursor'] !== undefined) throw invalidParams(message, 'no such cursor was given');
  const tools = await catalogue.list(caller.capability, route, signal);
  caller.assertLive('read');
  return { tools };
}

function invalidParams({ id }: McpMessage, message: string): RpcFault {
  return new RpcFault(200, RPC.invalidParams, message, id ?? null);
}
