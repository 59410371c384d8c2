import type { TileStore } from '../tile-store.js';

/** Where in a round of the integrator a process ends: with one of the tiles written, with all of them, with the checkpoint
 *  in the database only, with it shown, with partial tiles removed. */
export const POINTS = ['torn', 'written', 'saved', 'shown', 'dropped'] as const;
export type Point = (typeof POINTS)[number];

/** A store in which the process that uses it is killed at the n-th time it comes to a point. */
export function deadlyStore(store: TileStore, point: Point, times: number): TileStore {
  let left = times;
  const at = (reached: Point): void => {
    if (reached !== point) return;
    left -= 1;
    if (left <= 0) process.kill(process.pid, 'SIGKILL');
  };
  return {
    ...store,
    write: async (writes) => {
      if (point === 'torn') await store.write(writes.slice(0, 1));
      at('torn');
      await store.write(writes);
      at('written');
    },
    writeCheckpoint: async (note) => {
      at('saved');
      await store.writeCheckpoint(note);
      at('shown');
    },
    dropPartials: async (full) => {
      await store.dropPartials(full);
      at('dropped');
    },
  };
}
