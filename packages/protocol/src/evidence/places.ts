import { ownText } from '../encoding/utf8.js';
import { countBefore } from './count-before.js';

/** Where the events of each name stand, as plain JSON. */
export type PlacesState = readonly (readonly [name: string, indexes: readonly number[]])[];

/** Where the last events of each name stand. They are looked up by name: whoever writes a log may count at every second
 *  entry, and no count may cost a walk over all that is remembered. */
export interface Places {
  /** Takes the next index, and whose it is; nobody's if there is no name. */
  put(index: number, name: string | undefined): void;
  /** How many there are of a name from an index on, which is none that was forgotten. */
  countFrom(name: string, begin: number): number;
  /** In the order of their first ones. */
  state(): PlacesState;
}

/** Remembers the last `window` indexes. What is older is dropped once in so many, so that it costs next to nothing. */
export function createPlaces(window: number, known: PlacesState): Places {
  const places = new Map(known.map(([name, indexes]) => [name, [...indexes]]));
  let next = 0;
  let swept = 0;
  const remembered = (indexes: readonly number[]): number[] =>
    indexes.slice(countBefore(indexes, next - window, itself));
  const sweep = (): void => {
    for (const [name, indexes] of places) {
      const left = remembered(indexes);
      if (left.length === 0) places.delete(name);
      else places.set(name, left);
    }
    swept = next;
  };
  return {
    put: (index, name) => {
      next = index + 1;
      if (next - swept >= window) sweep();
      if (name === undefined) return;
      const indexes = places.get(name);
      if (indexes === undefined) places.set(ownText(name), [index]);
      else indexes.push(index);
    },
    countFrom: (name, begin) => {
      const indexes = places.get(name);
      return indexes === undefined ? 0 : indexes.length - countBefore(indexes, begin, itself);
    },
    state: () =>
      [...places]
        .map(([name, indexes]) => [name, remembered(indexes)] as const)
        .filter(([, indexes]) => indexes.length > 0)
        .sort(([, one], [, other]) => (one[0] as number) - (other[0] as number)),
  };
}

const itself = (index: number): number => index;
