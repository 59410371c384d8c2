import type { Item } from '@talosprotocol/contracts';
import { type JsonObject, parseJsonObject } from '@talosprotocol/protocol';
import { parseNamed, readBoundedFile } from '../../bounded-file.js';
import type { Io } from '../../io.js';
import { UsageError } from '../../usage-error.js';

/** Options that say what would be done. */
export interface AskedOptions {
  readonly action?: readonly string[];
  readonly call?: string;
  readonly arguments?: string;
}

/** What would be done: items as they are, or the call of a tool. */
export type Asked = { readonly arguments: JsonObject } & (
  | { readonly items: readonly Item[] }
  | { readonly call: { readonly server: string; readonly tool: string } }
);

const MAX_BYTES = 1024 * 1024;

/** Reads what would be done. @throws {UsageError} | {TrustError} MALFORMED | NOT_FOUND | TOO_LARGE */
export async function readAsked(
  io: Io,
  { action = [], call, arguments: given }: AskedOptions,
): Promise<Asked> {
  if ((call === undefined) === (action.length === 0))
    throw new UsageError('what would be done?', 'say --action or --call, not both');
  const args = given === undefined ? {} : await readArguments(io, given);
  if (call === undefined) return { items: action.map(parseAction), arguments: args };
  const slash = call.indexOf('/');
  if (slash < 1) throw new UsageError('--call takes <server>/<tool>');
  return { call: { server: call.slice(0, slash), tool: call.slice(slash + 1) }, arguments: args };
}

async function readArguments(io: Io, given: string): Promise<JsonObject> {
  const parse = (text: string | Uint8Array): JsonObject =>
    parseJsonObject(text, { floats: true, maxBytes: MAX_BYTES });
  if (given.trimStart().startsWith('{')) return parse(given);
  if (given === '-') {
    const text = await io.readStdin(MAX_BYTES);
    return parseNamed('standard input', () => parse(text));
  }
  const name = given.startsWith('@') ? given.slice(1) : given;
  const bytes = await readBoundedFile(io, name, MAX_BYTES);
  return parseNamed(name, () => parse(bytes));
}

function parseAction(text: string): Item {
  const end = text.lastIndexOf(':');
  const op = text.slice(end + 1);
  if (op === 'read' || op === 'write') return { scope: text.slice(0, end), op };
  throw new UsageError(`not an action: ${text}`, 'a scope, a colon and read or write');
}
