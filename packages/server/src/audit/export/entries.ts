import { TrustError } from '@talosprotocol/protocol';
import type { ExportStore } from './export-store.js';

/** As the schema bounds a bundle. */
export const MAX_ENTRIES = 1_048_576;
/** Rows at a time. */
export const CHUNK = 4_096;

/** Indexes of all events with these facets, in order.
 *  @throws {TrustError} TOO_LARGE */
export async function allOf(
  store: ExportStore,
  facets: readonly number[],
  from: number,
  to: number,
): Promise<number[]> {
  const found: number[] = [];
  for await (const { indexes } of store.pagesOf(facets, from, to)) {
    for (const idx of indexes) found.push(idx);
    if (found.length > MAX_ENTRIES) throw tooLarge();
  }
  return found;
}

export function tooLarge(): TrustError {
  return new TrustError('TOO_LARGE', 'the bundle would be larger than 256 MiB', {
    hint: 'ask for less of it: a shorter time, fewer agents, or parts with from and to',
  });
}
