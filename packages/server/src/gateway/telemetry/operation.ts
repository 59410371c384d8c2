import type { ActionRecord } from '@talosprotocol/contracts';
import type { JsonObject } from '@talosprotocol/protocol';
import type { SpanAttributes } from '../../platform/telemetry/attributes.js';
import type { SurfaceName } from '../admission/ports.js';

/** `gen_ai.operation.name` by the method of the record. */
const OPERATIONS: ReadonlyMap<string, string> = new Map([
  ['chat/completions', 'chat'],
  ['responses', 'chat'],
  ['messages', 'chat'],
  ['messages/count_tokens', 'count_tokens'],
  ['embeddings', 'embeddings'],
  ['tools/call', 'execute_tool'],
]);

/** What a method does in the words of the conventions; undefined of those that run no model and no tool. A method is what
 *  a client wrote: only a known one gets beyond this. */
export function operationOf({ method }: ActionRecord): string | undefined {
  return OPERATIONS.get(method);
}

/** Name of the span of a call: `chat gpt-4o-mini`, `execute_tool read_file`; of what is unknown, its surface. */
export function spanNameOf(action: ActionRecord, surface: SurfaceName): string {
  const operation = operationOf(action);
  if (operation === undefined) return surface;
  const about = action.model ?? action.tool;
  return about === undefined ? operation : `${operation} ${about}`;
}

/** Name of the span of a dispatch: of a tool that of a client of MCP. */
export function dispatchNameOf(action: ActionRecord, surface: SurfaceName): string {
  return surface === 'mcp' ? `${action.method} ${action.tool ?? ''}`.trim() : spanNameOf(action, surface);
}

/** What is called, in the words of the conventions. */
export function actionAttributes(action: ActionRecord): SpanAttributes {
  const operation = operationOf(action);
  return {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': action.provider,
    'gen_ai.request.model': action.model,
    'gen_ai.tool.name': action.tool,
    'mcp.method.name': operation === 'execute_tool' ? action.method : undefined,
    'talos.tool_server': action.server,
  };
}

/** What a request says of how it wants to be answered. Arguments of a tool are content, whatever they are called. */
export function requestAttributes(surface: SurfaceName, body: JsonObject): SpanAttributes {
  if (surface !== 'llm') return {};
  const { max_tokens, max_completion_tokens, max_output_tokens, temperature, stream } = body;
  return {
    'gen_ai.request.max_tokens': numberOf(max_completion_tokens ?? max_tokens ?? max_output_tokens),
    'gen_ai.request.temperature': numberOf(temperature),
    'gen_ai.request.stream': typeof stream === 'boolean' ? stream : undefined,
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
