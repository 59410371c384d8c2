import { UsageError } from '../../usage-error.js';

/** One of the values an option takes. @throws {UsageError} it names them all */
export function parseChoice<T extends string>(text: string, known: readonly T[], option: string): T {
  const found = known.find((one) => one === text);
  if (found !== undefined) return found;
  throw new UsageError(`${option} takes no ${text}`, `one of ${known.join(', ')}`);
}
