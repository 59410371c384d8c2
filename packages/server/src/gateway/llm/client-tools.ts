import { isJsonObject, type JsonValue } from '@talosprotocol/protocol';

/** Tools that a provider has designed and the client runs, as it runs its own: what they find, it sends. */
const CLIENT_TOOL =
  /^(?:(?:bash|computer|memory|text_editor)_\d{8}|apply_patch|computer_use_preview|local_shell)$/;
/** Most tokens that a provider puts before a request for one of them, which the client does not send. It is ours, not measured at a
 *  provider: a few times what such a tool may take. What one counts beyond is `excess`. */
const CLIENT_TOOL_TOKENS = 4_096;

export function isClientTool(type: string): boolean {
  return CLIENT_TOOL.test(type);
}

/** What the tools of a request may add to what is read, in tokens: each of them, also where one is there often, and where it is
 *  chosen but not among them. */
export function clientToolTokens(tools: JsonValue | undefined, features: readonly string[]): number {
  const given = Array.isArray(tools) ? tools : [];
  const types = given.map((tool) => (isJsonObject(tool) ? tool['type'] : undefined));
  const all = [...types, ...features.filter((feature) => !types.includes(feature))];
  return all.filter((type) => typeof type === 'string' && isClientTool(type)).length * CLIENT_TOOL_TOKENS;
}
