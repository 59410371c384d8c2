import type { GuardPlace } from '@talosprotocol/contracts';
import type { Log } from '../../platform/log.js';
import type { Finding } from './detect/finding.js';
import type { ExternalClient } from './external.js';
import type { GuardPolicy, Look } from './guard.js';
import type { ScannedFor, Scanner } from './scan/scanner.js';

/** Looks at texts of one place as a guard does: the findings of each text. @throws whatever kept it from looking */
export type Looker = (
  guard: GuardPolicy,
  place: GuardPlace,
  texts: readonly string[],
) => Promise<readonly (readonly Finding[])[]>;

/** Makes lookers, each for one call. Why one could not look is for the operator: a caller is told that it could not. */
export function createLookers(
  scanner: Scanner,
  external: ExternalClient,
  log: Log,
): (by: ScannedFor) => Looker {
  const lookWith = async (look: Look, place: GuardPlace, texts: readonly string[], by: ScannedFor) => {
    switch (look.kind) {
      case 'scan':
        return scanner.scan(look.spec, texts, by);
      case 'external':
        return external(look, place, texts);
      case 'size':
        return tooLong(texts, look.most[place] ?? Infinity);
    }
  };
  return (by) => async (guard, place, texts) => {
    try {
      return await lookWith(guard.look, place, texts, by);
    } catch (error) {
      log.warn('a guard could not look', { guard: guard.name, err: error });
      throw error;
    }
  };
}

/** Finds the text with which there is too much. */
function tooLong(texts: readonly string[], most: number): Finding[][] {
  let size = 0;
  return texts.map(({ length }) => {
    const before = size;
    size += length;
    return size > most && before <= most ? [{ type: 'size', start: 0, end: length }] : [];
  });
}
