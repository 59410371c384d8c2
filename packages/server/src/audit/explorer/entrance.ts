import { TrustError } from '@talosprotocol/protocol';

/** Lets so many work at a time, and so many more wait. @throws {TrustError} UNAVAILABLE beyond that */
export function createEntrance(room: {
  readonly inside: number;
  readonly waiting: number;
}): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let inside = 0;
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) inside -= 1;
    else next();
  };
  const enter = async (): Promise<void> => {
    if (inside < room.inside) {
      inside += 1;
      return;
    }
    if (waiting.length >= room.waiting) throw new TrustError('UNAVAILABLE', 'too many others ask the log');
    // Whoever leaves hands its place on.
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return async (work) => {
    await enter();
    return work().finally(leave);
  };
}
