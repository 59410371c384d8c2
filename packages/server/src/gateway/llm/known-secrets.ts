import type { Secret } from '../../platform/secret.js';
import type { Clock } from '../../platform/system.js';
import type { SecretSource } from '../admission/ports.js';

/** How long a value is used before it is asked for again: so long another node goes on with a key that was replaced. */
const KNOWN_MS = 5_000;

interface Known {
  readonly value: Promise<Secret<string> | undefined>;
  readonly until: number;
}

/** Reads secrets, each at most once in five seconds. What could not be read is not remembered. */
export function createKnownSecrets(
  source: SecretSource,
  clock: Pick<Clock, 'monotonic'>,
): (name: string) => Promise<Secret<string> | undefined> {
  const known = new Map<string, Known>();
  return (name) => {
    const now = clock.monotonic();
    const found = known.get(name);
    if (found !== undefined && now < found.until) return found.value;
    const value = source.reveal(name);
    known.set(name, { value, until: now + KNOWN_MS });
    value.catch(() => known.delete(name));
    return value;
  };
}
