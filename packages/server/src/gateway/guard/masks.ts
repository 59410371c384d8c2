/** Stands for what was taken out of a request, so that an answer about it can be put right again. */
export interface Masks {
  /** What stands for a value from now on: the same for the same one. */
  maskOf(type: string, value: string): string;
  /** Where in a text something stands for a value, and for which. */
  find(text: string): readonly Stood[];
  readonly size: number;
}

export interface Stood {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

/** Numbered by their order, so that a conversation that goes on has the same ones again: a model is not confused, and what a provider
 *  keeps of it in a cache stays good. */
export function createMasks(request: string): Masks {
  // What the request says already stands for itself.
  const taken = new Set(Array.from(request.matchAll(MASK), ([mask]) => mask));
  const masks = new Map<string, string>();
  const values = new Map<string, string>();
  const counts = new Map<string, number>();
  return {
    maskOf(type, value) {
      const key = `${type} ${value}`;
      const known = masks.get(key);
      if (known !== undefined) return known;
      let mask: string;
      do {
        const count = (counts.get(type) ?? 0) + 1;
        counts.set(type, count);
        mask = `[${type.toUpperCase()}_${count}]`;
      } while (taken.has(mask));
      masks.set(key, mask);
      values.set(mask, value);
      return mask;
    },
    find: (text) =>
      [...text.matchAll(MASK)].flatMap(({ index, 0: mask }) => {
        const value = values.get(mask);
        return value === undefined ? [] : [{ start: index, end: index + mask.length, value }];
      }),
    get size() {
      return values.size;
    },
  };
}

const MASK = /\[[A-Z][A-Z0-9-]{0,31}_[0-9]{1,7}\]/g;

/** What stands for what a model wrote itself: nobody puts it back. */
export function plainMask(type: string): string {
  return `[${type.toUpperCase()}]`;
}

/** What takes the place of a part of a text. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A text with parts of it replaced; for those that overlap stands what the first one says. */
export function replaceParts(text: string, replacements: readonly Replacement[]): string {
  if (replacements.length === 0) return text;
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text: instead } of [...replacements].sort((a, b) => a.start - b.start)) {
    if (start >= at) parts.push(text.slice(at, start), instead);
    at = Math.max(at, end);
  }
  parts.push(text.slice(at));
  return parts.join('');
}
