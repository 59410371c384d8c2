import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';

/** A tool as clients see it: under the name it is listed by, without `execution` (we serve no tasks) and without
 *  annotations that would make clients repeat arguments in headers. */
export function servedTool(announced: JsonObject, name: string): JsonObject {
  const { execution: _, ...tool } = announced;
  return { ...tool, name, inputSchema: withoutHeaders(tool['inputSchema'] ?? {}) };
}

function withoutHeaders(schema: JsonValue): JsonValue {
  if (Array.isArray(schema)) return schema.map(withoutHeaders);
  if (!isJsonObject(schema)) return schema;
  const kept = Object.entries(schema).filter(([name, value]) => !isHeaderAnnotation(name, value));
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutHeaders(value)]));
}

/** A property may be called so; then its value is a schema and no text. */
function isHeaderAnnotation(name: string, value: JsonValue): boolean {
  return name === 'x-mcp-header' && typeof value === 'string';
}
