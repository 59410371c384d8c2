/** In which order the members of an object are written, and each with what stands before its value. */
export interface MemberOrder {
  /** Sorted by UTF-16 units, as RFC 8785 section 3.2.3 demands. */
  readonly names: readonly string[];
  /** `{"first":` and `,"other":`, as UTF-8. */
  readonly labels: readonly Uint8Array[];
}

/** Most objects have the same few lists of names: their order is worked out once. */
export type MemberOrders = (names: readonly string[]) => MemberOrder;

interface Kept extends MemberOrder {
  /** As they were found in the object. */
  readonly found: readonly string[];
}

const PLACES = 256;
/** What strangers name their members is kept too, if it is short: a few megabytes at most. */
const MOST_NAMES = 40;
const MOST_CHARACTERS = 32;

/** Makes the memory of orders. `labelOf` writes a name as it stands in the text, and refuses what is no text.
 *  Names are not empty lists. */
export function createMemberOrders(labelOf: (name: string, isFirst: boolean) => Uint8Array): MemberOrders {
  const kept: (Kept | undefined)[] = new Array(PLACES).fill(undefined);

  function orderOf(found: readonly string[]): Kept {
    const names = [...found].sort();
    return { found, names, labels: names.map((name, i) => labelOf(name, i === 0)) };
  }

  return (found) => {
    const place = placeOf(found);
    const known = kept[place];
    if (known !== undefined && isSame(known.found, found)) return known;
    const order = orderOf(found);
    if (found.length <= MOST_NAMES && found.every(({ length }) => length <= MOST_CHARACTERS))
      kept[place] = order;
    return order;
  };
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Tells apart what one meets: how many names, and the first and the last of them. */
function placeOf(names: readonly string[]): number {
  const first = names[0] as string;
  const last = names[names.length - 1] as string;
  const ends =
    31 * first.length + 17 * first.charCodeAt(0) + 13 * last.length + last.charCodeAt(last.length - 1);
  return (7 * names.length + ends) & (PLACES - 1);
}
