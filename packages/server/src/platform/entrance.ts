import { TrustError } from '@talosprotocol/protocol';

/** Lets so many work at a time, in the order in which they came, and so many more wait. */
export interface Entrance {
  /** Gives what the work gives. @throws {TrustError} UNAVAILABLE: too many wait; and what the work throws */
  enter<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves once nobody works and nobody waits. */
  idle(): Promise<void>;
}

export function createEntrance(room: { readonly inside: number; readonly waiting: number }): Entrance {
  const waiting: (() => void)[] = [];
  const idle: (() => void)[] = [];
  let inside = 0;
  const leave = (): void => {
    // Whoever leaves hands its place on.
    const next = waiting.shift();
    if (next !== undefined) {
      next();
      return;
    }
    inside -= 1;
    if (inside === 0) for (const told of idle.splice(0)) told();
  };
  const comeIn = async (): Promise<void> => {
    if (inside < room.inside) {
      inside += 1;
      return;
    }
    if (waiting.length >= room.waiting)
      throw new TrustError('UNAVAILABLE', 'too many others wait for the same', {
        hint: 'Ask again in a moment.',
      });
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return {
    enter: async (work) => {
      await comeIn();
      try {
        return await work();
      } finally {
        leave();
      }
    },
    idle: async () => {
      if (inside > 0) await new Promise<void>((resolve) => idle.push(resolve));
    },
  };
}
