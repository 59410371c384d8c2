import { asReceived, type Kind, kindOf, scopeOf } from './calls.js';
import type { Sessions } from './sessions.js';

/** Calls in the order in which they come. Their texts are new, as from a parser: no map has seen or hashed them. */
export interface Calls {
  readonly sids: readonly string[];
  readonly seqs: Uint32Array;
  readonly scopes: readonly string[];
  readonly kinds: readonly Kind[];
}

/** Makes the next so many calls of the mix, each with the next number of its session. */
export function createStream(
  { sids, forgedSid }: Pick<Sessions, 'sids' | 'forgedSid'>,
  order: Uint32Array,
): (count: number) => Calls {
  const lasts = new Uint32Array(sids.length);
  let at = 0;
  return (count) => {
    const calls = { sids: [] as string[], seqs: new Uint32Array(count), scopes: [] as string[] };
    const kinds: Kind[] = [];
    for (let i = 0; i < count; i += 1, at += 1) {
      const session = order[at & (order.length - 1)] as number;
      const last = lasts[session] as number;
      // A session's first call has nothing to repeat.
      const kind = kindOf(at) === 'replay' && last === 0 ? 'allowed' : kindOf(at);
      const seq = kind === 'replay' ? last : last + 1;
      if (kind !== 'forged') lasts[session] = seq;
      calls.sids.push(asReceived(kind === 'forged' ? forgedSid : (sids[session] as string)));
      calls.seqs[i] = seq;
      calls.scopes.push(scopeOf(session, kind));
      kinds.push(kind);
    }
    return { ...calls, kinds };
  };
}
