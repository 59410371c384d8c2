/** A part of a text, in UTF-16 units as JavaScript counts them. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What was labelled. */
export interface Entity extends Span {
  readonly type: string;
  /** The most that a finding of it may cover, such as the address around a password; the entity itself if none. */
  readonly around?: Span;
}

/** What a detector says it found. */
export interface Finding extends Span {
  readonly type: string;
}

/** At least half of each is in the other; or the finding covers the entity and stays within what is around it. */
export function isFoundBy(entity: Entity, found: Span): boolean {
  const shared = Math.min(entity.end, found.end) - Math.max(entity.start, found.start);
  const longer = Math.max(entity.end - entity.start, found.end - found.start);
  if (shared > 0 && shared * 2 >= longer) return true;
  const { around } = entity;
  if (around === undefined) return false;
  const covers = found.start <= entity.start && found.end >= entity.end;
  return covers && found.start >= around.start && found.end <= around.end;
}
