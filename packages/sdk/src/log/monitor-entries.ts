import type { EventWalk } from '@talosprotocol/protocol';
import { type Finding, findingOf } from './finding.js';
import type { NotedCheckpoint } from './log-client.js';
import { type Look, patiently } from './monitor-look.js';

/** Reads entries that were not read yet, at most `most`. */
export async function readEntries(
  look: Look,
  known: NotedCheckpoint,
  walk: EventWalk,
  most: number,
): Promise<readonly Finding[]> {
  const place = `${look.client.url}tile/entries`;
  const tree = look.client.tree(known);
  const to = Math.min(tree.size, walk.next() + most);
  try {
    for await (const { bytes } of tree.entries(Math.min(walk.next(), to), to)) {
      const broken = followEntry(walk, bytes, place);
      if (broken !== undefined) return [broken];
    }
    look.memory.failing.delete(place);
    return [];
  } catch (error) {
    return patiently(look, findingOf(error, place));
  }
}

function followEntry(walk: EventWalk, bytes: Uint8Array, url: string): Finding | undefined {
  try {
    walk.follow(bytes);
    return undefined;
  } catch (error) {
    return { ...findingOf(error, url), kind: 'events' };
  }
}
