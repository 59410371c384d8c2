import type { EventOf } from '@talosprotocol/contracts';
import { TILE_WIDTH } from '../log/tile.js';
import { notProven } from './not-proven.js';

/** Follows what a log says of bodies that it pruned. */
export interface Prunings {
  /** @throws {TrustError} PROOF_NOT_PROVEN */
  follow(event: EventOf<'log.pruned'>, index: number): void;
}

/** A `log.pruned` speaks of whole entry bundles below the size of a checkpoint before it, none of which an earlier one
 *  spoke of, of events before a moment that is past, and names who asked exactly if somebody did (AUD-22, AUD-111). */
export function createPrunings(): Prunings {
  let reached = 0;
  return {
    follow: ({ of, from, to, before, time, size, actor }, index) => {
      if ((actor === undefined) === (of === 'request'))
        throw notProven('pruning', 'a pruning that does not say who asked for it');
      if (from % TILE_WIDTH !== 0 || to % TILE_WIDTH !== 0 || from >= to || to > size || size > index)
        throw notProven(
          'pruning',
          `a pruning of ${from} to ${to} in a tree of ${size} is none of whole bundles`,
        );
      if (from < reached) throw notProven('pruning', `${from} was pruned before, up to ${reached}`);
      if (before > time) throw notProven('pruning', 'a pruning of events that were to come');
      reached = to;
    },
  };
}
