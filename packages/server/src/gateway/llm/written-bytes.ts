import { isJsonObject, type JsonValue, utf8Length } from '@talosprotocol/protocol';

/** Bytes of every text in what was written, names and arguments of calls too. */
export function bytesOf(value: JsonValue | undefined): number {
  if (typeof value === 'string') return utf8Length(value);
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + bytesOf(one), 0);
  if (value === undefined || !isJsonObject(value)) return 0;
  return Object.entries(value).reduce((sum, [name, one]) => (name === 'role' ? sum : sum + bytesOf(one)), 0);
}
