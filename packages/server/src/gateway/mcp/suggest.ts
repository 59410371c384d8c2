import type { ToolManifest, ToolResource } from '@talosprotocol/contracts';
import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';

/** A manifest a person should look at, and what it was guessed from. */
export interface SuggestedManifest {
  readonly manifest: ToolManifest;
  /** One sentence per guess, to be read before confirming. */
  readonly notes: readonly string[];
}

const MAX_RESOURCES = 16;
const PATH_NAME = /(?:^|[_-])(?:path|file|filename|dir|directory|folder|source|destination|src|dst)s?$/i;
const URL_NAME = /(?:^|[_-])(?:url|uri|href|endpoint)s?$/i;
const ID_NAME = /(?:^|[_-])id(?:s)?$/i;

/** Proposes a manifest for a tool from its schema and annotations. All of that is the upstream's own word: a tool is
 *  proposed as `read` only if it claims so, and nothing proposed here is in force before the operator pins it. */
export function suggestManifest(tool: JsonObject): SuggestedManifest {
  const found = propertiesOf(tool).flatMap(([name, schema, required]) =>
    suggestResource(name, schema, required),
  );
  const resources = found.slice(0, MAX_RESOURCES);
  const op = suggestOp(tool['annotations']);
  const notes = [
    op === 'read'
      ? 'read: the tool says of itself that it changes nothing (readOnlyHint); check that it is so'
      : 'write: the tool does not say that it only reads',
    ...resources.map(({ ptr, kind }) => `${ptr} looks like a ${kind}, from its name or format`),
    ...(resources.length === 0 ? ['no argument looks like a resource: grants can name the tool only'] : []),
    ...(found.length > MAX_RESOURCES ? [`only the first ${MAX_RESOURCES} resources are proposed`] : []),
  ];
  return { manifest: { op, resources }, notes };
}

function suggestOp(annotations: JsonValue | undefined): 'read' | 'write' {
  if (!isJsonObject(annotations)) return 'write';
  return annotations['readOnlyHint'] === true && annotations['destructiveHint'] !== true ? 'read' : 'write';
}

type Property = readonly [name: string, schema: JsonObject, required: boolean];

function propertiesOf({ inputSchema }: JsonObject): readonly Property[] {
  if (!isJsonObject(inputSchema) || !isJsonObject(inputSchema['properties'])) return [];
  const required = Array.isArray(inputSchema['required']) ? inputSchema['required'] : [];
  return Object.entries(inputSchema['properties']).flatMap(([name, schema]): Property[] =>
    isJsonObject(schema) ? [[name, schema, required.includes(name)]] : [],
  );
}

function suggestResource(name: string, schema: JsonObject, required: boolean): ToolResource[] {
  const ptr = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  if (isStringSchema(schema)) return kindOf(name, schema, ptr, required);
  const { type, items } = schema;
  if (type !== 'array' || !isJsonObject(items)) return [];
  if (isStringSchema(items)) return kindOf(name, items, `${ptr}/*`, required);
  return propertiesOf({ inputSchema: items }).flatMap(([inner, innerSchema, innerRequired]) =>
    isStringSchema(innerSchema)
      ? kindOf(
          inner,
          innerSchema,
          `${ptr}/*/${inner.replaceAll('~', '~0').replaceAll('/', '~1')}`,
          required && innerRequired,
        )
      : [],
  );
}

function isStringSchema({ type }: JsonObject): boolean {
  return type === 'string' || (Array.isArray(type) && type.includes('string'));
}

function kindOf(name: string, { format }: JsonObject, ptr: string, required: boolean): ToolResource[] {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2');
  if (format === 'uri' || URL_NAME.test(words)) return [{ ptr, kind: 'url', required }];
  // The server runs on this host: a link on the path must not lead out of what was granted.
  if (PATH_NAME.test(words)) return [{ ptr, kind: 'path', required, resolve: 'realpath' }];
  return ID_NAME.test(words) ? [{ ptr, kind: 'id', required }] : [];
}
