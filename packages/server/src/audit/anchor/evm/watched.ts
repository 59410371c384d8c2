import type { AnchoredEvent } from './anchored-events.js';
import type { EvmPlace } from './chain.js';

/** How far it was looked for others, and what was found. */
export interface Watched {
  /** The last block that was looked at. */
  seen: number;
  /** Others who were named, in lowercase. */
  readonly others: Set<string>;
  /** All that was said, in order. */
  readonly said: string[];
}

/** Anybody may register an origin under many keys. */
const MAX_NAMED = 8;

export function watchedFrom(seen: number): Watched {
  return { seen, others: new Set(), said: [] };
}

/** As text for the database. */
export function formatWatched({ seen, others, said }: Watched): string {
  return JSON.stringify({ seen, others: [...others], said });
}

/** Reads what `formatWatched` wrote. */
export function parseWatched(text: string): Watched {
  const { seen, others, said } = JSON.parse(text) as {
    readonly seen: number;
    readonly others: readonly string[];
    readonly said: readonly string[];
  };
  return { seen, others: new Set(others), said: [...said] };
}

/** Notes who anchors the origin too, and gives what was not said before. */
export function noteOthers(
  { others, said }: Watched,
  { anchorer: own, origin }: Pick<EvmPlace, 'anchorer' | 'origin'>,
  events: readonly AnchoredEvent[],
): readonly string[] {
  const before = said.length;
  const more = `more than ${MAX_NAMED} others anchor ${origin} too; no more of them are named`;
  // The last event of each has its largest size.
  for (const [anchorer, { size }] of new Map(events.map((event) => [event.anchorer, event]))) {
    if (anchorer === own || others.has(anchorer)) continue;
    if (others.size < MAX_NAMED) {
      others.add(anchorer);
      said.push(`${anchorer} anchors ${origin} too, at size ${size}`);
    } else if (!said.includes(more)) said.push(more);
  }
  return said.slice(before);
}

/** Notes a block that nobody could look into, and gives what is said of it: of the first one. Anybody who fills blocks makes
 *  more of them. */
export function noteUnread(
  { said }: Watched,
  { origin }: Pick<EvmPlace, 'origin'>,
  block: number,
): readonly string[] {
  const opening = 'who anchors ';
  if (said.some((one) => one.startsWith(opening))) return [];
  const reason = `${opening}${origin} too could not be read in block ${block}, perhaps in later ones; look there by other means`;
  said.push(reason);
  return [reason];
}
