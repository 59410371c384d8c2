import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { list, notPassed, object, text } from './members.js';
import { closed } from './responses-input.js';

const WEB = ['type', 'filters', 'search_context_size', 'user_location', 'search_content_types'];

/** Tools with more members than `type`. What is not here names nothing: no files, stores, containers or connectors of the
 *  operator's account, no other model, no network. */
const TOOLS: ReadonlyMap<string, readonly string[]> = new Map([
  ['function', ['type', 'name', 'description', 'parameters', 'strict', 'output_schema', 'defer_loading']],
  ['custom', ['type', 'name', 'description', 'format', 'defer_loading']],
  ...['web_search', 'web_search_2025_08_26', 'web_search_preview', 'web_search_preview_2025_03_11'].map(
    (type) => [type, WEB] as const,
  ),
  ['code_interpreter', ['type', 'container']],
  ['computer_use_preview', ['type', 'display_width', 'display_height', 'environment']],
  [
    'image_generation',
    [
      ...['type', 'action', 'background', 'input_fidelity', 'moderation', 'output_compression'],
      ...['output_format', 'partial_images', 'quality', 'size'],
    ],
  ],
  [
    'mcp',
    [
      ...['type', 'server_label', 'server_url', 'server_description', 'headers', 'authorization'],
      ...['allowed_tools', 'require_approval'],
    ],
  ],
]);
/** Tools that are the client's own affair. */
const OWN: ReadonlySet<string> = new Set(['function', 'custom']);

/** The hosted tools that a request brings into play (LLM-3). @throws {TrustError} MALFORMED | POLICY_DENIED */
export function toolFeatures(body: JsonObject): readonly string[] {
  const { tools, tool_choice: choice } = body;
  const types = tools == null ? [] : list(tools, 'tools').map((one) => readTool(object(one, 'a tool')));
  return [...types, ...chosen(choice)].filter((type) => !OWN.has(type));
}

function readTool(tool: JsonObject): string {
  const type = text(tool, 'type');
  closed(tool, TOOLS.get(type) ?? ['type'], TOOLS.has(type) ? `tools.${type}.` : 'tools.');
  if (type === 'code_interpreter') readContainer(tool['container']);
  const url = tool['server_url'];
  if (type === 'mcp' && !(typeof url === 'string' && /^https:\/\//i.test(url)))
    throw notPassed('tools.mcp.server_url', 'only https: addresses are');
  return type;
}

/** One of its own: another's is named by its id. */
function readContainer(container: JsonValue | undefined): void {
  if (container === undefined || !isJsonObject(container) || container['type'] !== 'auto')
    throw notPassed('tools.code_interpreter.container', 'containers at the provider belong to nobody here');
  closed(container, ['type', 'memory_limit'], 'tools.code_interpreter.container.');
}

/** A tool that is chosen is among the tools, or the provider refuses: if it does not, it was decided on all the same. */
function chosen(choice: JsonValue | undefined): readonly string[] {
  if (choice == null || typeof choice === 'string') return [];
  const given = object(choice, 'tool_choice');
  const type = text(given, 'type');
  if (type !== 'allowed_tools') return [type];
  return list(given['tools'], 'tool_choice.tools').map((one) => text(object(one, 'a tool'), 'type'));
}
