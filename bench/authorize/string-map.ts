import type { Contender } from '../runner.js';
import { expectDecision, folderOf, kindOf, scopeOf, scopeOfFolder } from './calls.js';

interface Entry {
  readonly lid: string;
  readonly exp: number;
  readonly grants: readonly { readonly scope: string; readonly ops: readonly string[] }[];
  highest: number;
}

/** What a service without Talos might write in ten lines: sessions in a Map by their id, grants as parsed JSON, a
 *  number that must grow, and a set of revoked ids. */
export function stringMap(
  sids: readonly string[],
  order: Uint32Array,
  revoked: ReadonlySet<string>,
): Contender {
  const exp = Date.now() / 1000 + 3600;
  const sessions = new Map<string, Entry>(sids.map((sid, session) => [sid, entryOf(sid, session, exp)]));
  const seqs = new Float64Array(sids.length);
  let at = 0;

  function decide(sid: string, seq: number, op: string, scope: string): boolean {
    const entry = sessions.get(sid);
    if (entry === undefined || Date.now() / 1000 > entry.exp || revoked.has(entry.lid)) return false;
    if (seq <= entry.highest) return false;
    entry.highest = seq;
    return entry.grants.some((grant) => grant.ops.includes(op) && scope.startsWith(grant.scope));
  }

  return {
    name: 'string-map',
    run(count) {
      for (let i = 0; i < count; i += 1, at += 1) {
        const session = order[at % order.length] as number;
        const kind = kindOf(at);
        const last = seqs[session] as number;
        const seq = kind === 'replay' ? last : last + 1;
        seqs[session] = seq;
        const op = kind === 'write' ? 'write' : 'read';
        const allowed = decide(sids[session] as string, seq, op, scopeOf(session, kind));
        expectDecision(allowed === (kind === 'allowed' || kind === 'forged'), 'string-map', kind);
      }
    },
  };
}

function entryOf(sid: string, session: number, exp: number): Entry {
  const scope = `${scopeOfFolder(folderOf(session))}/`;
  return { lid: sid.slice(4), exp, grants: [{ scope, ops: ['read'] }], highest: 0 };
}
