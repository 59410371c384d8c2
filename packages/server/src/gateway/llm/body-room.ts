import { TrustError } from '@talosprotocol/protocol';

/** Bounds what large bodies take together, so that as many as may come at a time cannot take the memory, and what those of one
 *  caller take, so that it cannot keep all others out. */
export interface BodyRoom {
  enter(): BodyShare;
}

/** What one body takes. */
export interface BodyShare {
  /** Makes it so many bytes of this caller, who stays the same. Gives why there is no room for them, if there is none:
   *  then it stays as it was. */
  grow(bytes: number, caller: string): TrustError | undefined;
  /** Gives all of it back. */
  leave(): void;
}

/** More than any one body may have, and what eight of the largest have by default. */
const MOST = 134_217_728;
/** A caller has at most one part of so many. */
const PARTS = 4;

export function createBodyRoom(most = MOST): BodyRoom {
  let taken = 0;
  const byCaller = new Map<string, number>();
  const change = (caller: string, bytes: number): void => {
    taken += bytes;
    const now = (byCaller.get(caller) ?? 0) + bytes;
    if (now === 0) byCaller.delete(caller);
    else byCaller.set(caller, now);
  };
  return {
    enter() {
      let [own, whose] = [0, ''];
      return {
        grow(bytes, caller) {
          const more = bytes - own;
          const others = (byCaller.get(caller) ?? 0) - own;
          // One alone is bounded by what a body may have: else the operator's limit would be of no use beyond a part.
          if (more > 0 && others > 0 && others + bytes > most / PARTS) return tooManyOfOne();
          if (more > 0 && taken + more > most) return tooMany();
          change(caller, more);
          [own, whose] = [bytes, caller];
          return undefined;
        },
        leave() {
          if (own > 0) change(whose, -own);
          own = 0;
        },
      };
    },
  };
}

const tooMany = (): TrustError => new TrustError('UNAVAILABLE', 'too many large bodies at a time');

function tooManyOfOne(): TrustError {
  return new TrustError('RATE_LIMITED', 'too many large bodies of this caller at a time', {
    hint: 'Send large bodies one after the other: your calls have as much room as one caller may have. Wait for the answer to one of them, or send less.',
  });
}
