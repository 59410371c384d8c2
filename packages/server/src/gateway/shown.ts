import type { JsonValue } from '@talosprotocol/protocol';

/** A value of JSON as words show it. `String` asks an object how, and whoever sent it may have put anything under `toString`. */
export function shown(value: JsonValue | undefined): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
