import type { JsonValue } from '@talosprotocol/protocol';
import { isJsonObject } from '@talosprotocol/protocol';

/** Tokens that a provider may put before what it was sent: its own words about tools, formats and dates. */
const OVERHEAD = 1024;
/** Most tokens one picture counts as with the providers we know, whatever its bytes: OpenAI's smallest model of the 4o family reads
 *  48,169 of one that is cut into eight. */
const PICTURE = 50_000;

/** Most tokens a request can be read as. Tokens of the models we know stand for at least one byte of text each, so the
 *  bytes of the request bound them; pictures are counted apart, as they are read by their size: `pictureBytes` are those of
 *  the bytes that are nothing else. */
export function inputBound(bytes: number, pictures: number, pictureBytes = 0): number {
  return Math.max(0, bytes - pictureBytes) + OVERHEAD + pictures * PICTURE;
}

/** How many objects of one of these types there are in a value, at any depth. */
export function countTyped(value: JsonValue | undefined, types: ReadonlySet<string>): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + countTyped(one, types), 0);
  if (value === undefined || !isJsonObject(value)) return 0;
  const type = value['type'];
  const own = typeof type === 'string' && types.has(type) ? 1 : 0;
  return Object.values(value).reduce<number>((sum, one) => sum + countTyped(one, types), own);
}

/** True if something of a request is to stay in a cache for longer than usual, which costs more. */
export function hasLongCache(value: JsonValue | undefined): boolean {
  if (Array.isArray(value)) return value.some(hasLongCache);
  if (value === undefined || !isJsonObject(value)) return false;
  const control = value['cache_control'];
  const isLong =
    control !== undefined && isJsonObject(control) && 'ttl' in control && control['ttl'] !== '5m';
  return isLong || Object.values(value).some(hasLongCache);
}
