/** Bounds what large bodies take together, so that as many as may come at a time cannot take the memory. */
export interface BodyRoom {
  enter(): BodyShare;
}

/** What one body takes. */
export interface BodyShare {
  /** Makes it so many bytes; false if there is no room for them. */
  grow(bytes: number): boolean;
  /** Gives all of it back. */
  leave(): void;
}

/** More than any one body may have, and what eight of the largest have by default. */
const MOST = 134_217_728;

export function createBodyRoom(most = MOST): BodyRoom {
  let taken = 0;
  return {
    enter() {
      let own = 0;
      return {
        grow(bytes) {
          if (bytes > own && taken + bytes - own > most) return false;
          taken += bytes - own;
          own = bytes;
          return true;
        },
        leave() {
          taken -= own;
          own = 0;
        },
      };
    },
  };
}
