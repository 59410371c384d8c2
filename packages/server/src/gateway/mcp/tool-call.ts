import {
  type CheckedItem,
  checkToolInReach,
  isJsonObject,
  itemsOfCall,
  itemsOfRealCall,
  type JsonObject,
  type JsonValue,
  pathsToResolve,
  type ToolCall,
  TrustError,
  withRealPaths,
} from '@talosprotocol/protocol';
import type { Call, Dispatched, Failure, Prepared, RealCall } from '../admission/call.js';
import type { Authenticated, Policy, ServerPolicy, ToolPolicy } from '../admission/ports.js';
import { shown } from '../shown.js';
import type { Catalogue, FoundTool } from './catalogue.js';
import { realPathOf } from './real-path.js';
import { ERA_2026, type Era, type McpMessage, RPC } from './rpc.js';
import { parseToolName, type ToolName } from './tool-name.js';
import type { Reply } from './upstream/connection.js';

export interface ToolCallContext {
  readonly message: McpMessage;
  readonly caller: Authenticated;
  /** The server the route names. */
  readonly route: string | undefined;
  readonly policy: Policy;
  readonly catalogue: Catalogue;
  readonly requestId: string;
  readonly cancelled: AbortSignal | undefined;
}

interface KnownTool {
  readonly server: ServerPolicy;
  readonly tool: ToolPolicy;
}

/** A `tools/call` as admission decides it. `params` was checked by `checkCallParams`. */
export function toolCall(context: ToolCallContext): Call<JsonObject> {
  const { message, route, policy, requestId, cancelled } = context;
  const args = (message.params['arguments'] ?? {}) as JsonObject;
  const name = parseToolName(message.params['name'] as string, route);
  const known = name === undefined ? undefined : findPolicy(policy, name);
  const subject: ToolCall | undefined = name &&
    known && { ...name, manifest: known.tool.manifest, arguments: args };
  const op = subject && strongestOp(subject);
  return {
    action: { method: message.method, ...name, ...(op === undefined ? {} : { op }) },
    // Of what is not known the strictest is assumed.
    op: op ?? 'write',
    recordedFirst: op !== 'read',
    cost: priceOf(subject),
    request: { method: message.method, params: message.params },
    arguments: args,
    items: () => itemsOf(context, name, subject),
    real: () => subject && realCall(subject),
    prepare: (signal) => prepare(context, name, known, args, signal),
    failure: (failure, receipt) => ({ error: refusalError(failure, requestId, receipt) }),
    kept: KEPT,
    cancelled,
    ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
  };
}

/** An answer is kept as it goes on the wire. */
const KEPT: Call<JsonObject>['kept'] = {
  of: (answer, hash) => ({ form: answer, hash: hash(answer['result'] ?? answer['error']) }),
  answer: (kept) => kept,
};

function findPolicy({ servers }: Policy, { server, tool }: ToolName): KnownTool | undefined {
  const found = servers.get(server);
  const policy = found?.tools.get(tool);
  return found && policy && { server: found, tool: policy };
}

/** A tool that reads one file and writes another is a write. */
function strongestOp({ manifest }: ToolCall): 'read' | 'write' {
  const { op, resources } = manifest.source;
  return op === 'write' || resources.some((resource) => resource.op === 'write') ? 'write' : 'read';
}

/** What the operator says that a call costs; in the manifest, so that the pin covers it. */
function priceOf(call: ToolCall | undefined): Call<JsonObject>['cost'] {
  const cost = call?.manifest.source.cost;
  return cost === undefined ? {} : { cost };
}

/** Scope is decided before existence: outside its capability a caller cannot tell what there is (DEC-8). */
function itemsOf(
  { caller }: ToolCallContext,
  name: ToolName | undefined,
  call: ToolCall | undefined,
): readonly CheckedItem[] {
  if (name === undefined) throw unknownTool();
  checkToolInReach(caller.capability, name);
  if (call === undefined) throw unknownTool();
  return itemsOfCall(call);
}

function unknownTool(): TrustError {
  return new TrustError('UNKNOWN_TOOL', 'no such tool is served here');
}

/** Each path is looked at once, so that all of the decision is about the same place. */
function realCall(call: ToolCall): Promise<RealCall | undefined> | undefined {
  const paths = pathsToResolve(call);
  if (paths.length === 0) return undefined;
  const lookups = paths.map(async (path) => [path, await realPathOf(path)] as const);
  return Promise.all(lookups).then((found) => {
    const elsewhere = new Map(found.filter(([path, real]) => real !== path));
    if (elsewhere.size === 0) return undefined;
    const real = withRealPaths(call, elsewhere);
    return { arguments: real.arguments, items: () => itemsOfRealCall(real) };
  });
}

async function prepare(
  { caller, catalogue, message }: ToolCallContext,
  name: ToolName | undefined,
  known: KnownTool | undefined,
  args: JsonObject,
  signal: AbortSignal,
): Promise<Prepared<JsonObject>> {
  if (name === undefined || known === undefined) throw unknownTool();
  const { tenant } = caller.capability;
  const found = await catalogue.find(tenant, known.server, name, known.tool, signal);
  const params = { name: name.tool, arguments: args };
  return {
    pin: found.pin,
    forwarded: { method: message.method, params },
    dispatch: async (stop) => answered(await dispatch(found, params, message.era, stop)),
    release: () => found.lease.release(),
  };
}

/** A tool that fails answers all the same: with a result that says so, or an error of JSON-RPC. */
function answered(answer: JsonObject): Dispatched<JsonObject> {
  const { result, error } = answer;
  if (error !== undefined && isJsonObject(error)) return { answer, fault: shown(error['code']) };
  const isError = result !== undefined && isJsonObject(result) && result['isError'] === true;
  return isError ? { answer, fault: 'tool_error' } : { answer };
}

/** Sends what was authorised, and nothing else (DEC-10). */
async function dispatch(
  found: FoundTool,
  params: JsonObject,
  era: Era,
  signal: AbortSignal,
): Promise<JsonObject> {
  const recheck = found.recheck();
  if (recheck !== undefined) await recheck;
  const { life, callTimeoutMs } = found.lease;
  return shapeReply(
    await life.connection.request('tools/call', params, { timeoutMs: callTimeoutMs, signal }),
    era,
  );
}

/** Codes with a meaning between us and the client: an upstream must not speak in our name. */
const OURS: ReadonlySet<number> = new Set([
  RPC.refused,
  RPC.headerMismatch,
  -32021,
  RPC.unsupportedVersion,
  RPC.parse,
  RPC.invalidRequest,
]);

function shapeReply(reply: Reply, era: Era): JsonObject {
  if ('result' in reply) return { result: shapeResult(reply.result, era) };
  const { code, message, data } = reply.error;
  const shown = OURS.has(code) ? RPC.internal : code;
  return { error: { code: shown, message, ...(data === undefined ? {} : { data }) } };
}

/** A result in the form of the era, without what the upstream put into `_meta`. */
export function shapeResult({ _meta: _, resultType: __, ...result }: JsonObject, era: Era): JsonObject {
  return era === ERA_2026 ? { resultType: 'complete', ...result } : result;
}

/** The JSON-RPC error of a refusal (DEC-7). */
export function refusalError(
  { code, link, item, caveat, hint }: Failure,
  requestId: string,
  receipt: string | undefined,
): JsonObject {
  const data: Record<string, JsonValue | undefined> = {
    code,
    link,
    item,
    caveat,
    hint,
    request_id: requestId,
    receipt,
  };
  const stated = Object.entries(data).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined);
  return { code: RPC.refused, message: `${code}: ${hint}`, data: Object.fromEntries(stated) };
}

/** Undefined if the params of a `tools/call` are those we serve, else what is wrong. Tasks and answers to requests
 *  we never make are refused with all else that is unknown. */
export function checkCallParams(params: JsonObject): string | undefined {
  const unknown = Object.keys(params).find((member) => member !== 'name' && member !== 'arguments');
  if (unknown !== undefined) return `params.${unknown.slice(0, 64)} is not served`;
  if (typeof params['name'] !== 'string') return 'params.name is not a string';
  const args = params['arguments'];
  return args === undefined || isJsonObject(args) ? undefined : 'params.arguments is not an object';
}
