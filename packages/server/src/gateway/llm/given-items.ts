import { type JsonObject, parseJsonObject } from '@talosprotocol/protocol';
import { LRUCache } from 'lru-cache';

/** To whom an item of an answer was given, and whose it is (LLM-36). */
export interface ItemOwner {
  readonly principal: string;
  /** Who acts: whoever it narrowed its capability for is another one. */
  readonly holder: string;
  readonly provider: string;
}

export interface GivenItem {
  readonly item: JsonObject;
  /** Bytes of it, as JSON. */
  readonly size: number;
}

/** Items of answers, each kept for a time in this process for whom it was given to. */
export interface GivenItems {
  /** Keeps those that have an id and are not too long; of two with one id the later one. */
  keep(owner: ItemOwner, items: readonly JsonObject[]): void;
  has(owner: ItemOwner, id: string): boolean;
  /** Undefined if it was not given to this owner, or that is too long ago. Using it keeps it for as long again. */
  find(owner: ItemOwner, id: string): GivenItem | undefined;
}

/** Bounds of what is kept, in bytes. */
export interface GivenBounds {
  readonly inAll: number;
  readonly ofOne: number;
}

const BOUNDS: GivenBounds = { inAll: 33_554_432, ofOne: 262_144 };
const KEPT_MS = 3_600_000;
/** What an item and a principal take besides, roughly. */
const ENTRY_BYTES = 512;
const SHELF_BYTES = 8_192;
const LONGEST_ID = 1_024;
/** How often what is too old is looked for where there is no room. */
const SWEEP_MS = 60_000;

/** What one principal was given, by holder, provider and id. */
type Shelf = LRUCache<string, Uint8Array>;

/** Builds it. Where all is full, whoever has most gives what was not used for longest: nobody loses an item to another who has more. */
export function createGivenItems(monotonic: () => number, bounds = BOUNDS): GivenItems {
  const shelves = new Map<string, Shelf>();
  let total = 0;
  /** Does something with what a principal was given; all that changes how much there is goes this way. */
  const use = <T>(principal: string, shelf: Shelf, work: () => T): T => {
    const before = shelves.has(principal) ? shelf.calculatedSize + SHELF_BYTES : 0;
    const result = work();
    const isThere = shelf.size > 0;
    if (isThere) shelves.set(principal, shelf);
    else shelves.delete(principal);
    total += (isThere ? shelf.calculatedSize + SHELF_BYTES : 0) - before;
    return result;
  };
  let swept = monotonic();
  const makeRoom = (): void => {
    if (total > bounds.inAll && monotonic() - swept >= SWEEP_MS) {
      swept = monotonic();
      for (const [principal, shelf] of [...shelves]) use(principal, shelf, () => shelf.purgeStale());
    }
    while (total > bounds.inAll) {
      const [principal, shelf] = fullest(shelves);
      use(principal, shelf, () => shelf.pop());
    }
  };
  return {
    keep({ principal, ...place }, items) {
      for (const item of items) {
        const { id, type } = item;
        if (typeof id !== 'string' || id.length > LONGEST_ID || typeof type !== 'string') continue;
        const shelf = shelves.get(principal) ?? createShelf(monotonic, bounds);
        const bytes = Buffer.from(JSON.stringify(item));
        // One that is too long leaves none of its id.
        use(principal, shelf, () => shelf.set(nameOf(place, id), bytes));
        makeRoom();
      }
    },
    has: ({ principal, ...place }, id) => shelves.get(principal)?.has(nameOf(place, id)) ?? false,
    find({ principal, ...place }, id) {
      const shelf = shelves.get(principal);
      const bytes = shelf && use(principal, shelf, () => shelf.get(nameOf(place, id)));
      return bytes && read(bytes);
    },
  };
}

function createShelf(now: () => number, { inAll, ofOne }: GivenBounds): Shelf {
  return new LRUCache({
    maxSize: inAll,
    maxEntrySize: ofOne + ENTRY_BYTES,
    sizeCalculation: (bytes) => bytes.length + ENTRY_BYTES,
    ttl: KEPT_MS,
    ttlResolution: 0,
    updateAgeOnGet: true,
    perf: { now },
  });
}

const nameOf = ({ holder, provider }: Omit<ItemOwner, 'principal'>, id: string): string =>
  JSON.stringify([holder, provider, id]);

/** Who has most. There is one wherever there is too much. */
function fullest(shelves: ReadonlyMap<string, Shelf>): readonly [string, Shelf] {
  const [first, ...others] = shelves;
  if (first === undefined) throw new RangeError('nobody has anything');
  return others.reduce((most, one) => (one[1].calculatedSize > most[1].calculatedSize ? one : most), first);
}

/** As the client would have sent it; undefined for what it could not have. */
function read(bytes: Uint8Array): GivenItem | undefined {
  try {
    return { item: parseJsonObject(bytes, { floats: true, maxBytes: bytes.length }), size: bytes.length };
  } catch {
    return undefined;
  }
}
