import { randomBytes } from 'node:crypto';
import type { Contender } from '../runner.js';
import { expectDecision, folderOf, type Kind, scopeOfFolder } from './calls.js';
import type { SessionSizes, Sessions } from './sessions.js';
import { type Calls, createStream } from './stream.js';
import { seconds, turnClock } from './world.js';

/** What a session was opened for; those opened for the same share it. */
interface Terms {
  readonly lid: string;
  readonly exp: number;
  readonly grants: readonly { readonly scope: string; readonly ops: readonly string[] }[];
}

interface Entry {
  readonly terms: Terms;
  highest: number;
}

/** What a service without Talos might write in ten lines: sessions in a Map by their id, grants as parsed JSON, a
 *  number that must grow, and a set of revoked ids. */
export function stringMap(
  open: Pick<Sessions, 'sids' | 'forgedSid'>,
  order: Uint32Array,
  { capabilities }: SessionSizes,
  revoked: ReadonlySet<string>,
): Contender {
  const terms = Array.from({ length: capabilities }, (_, holder) => termsOf(holder));
  const sessions = new Map<string, Entry>(
    open.sids.map((sid, session) => [sid, { terms: terms[session % capabilities] as Terms, highest: 0 }]),
  );
  const next = createStream(open, order);
  const clock = turnClock();
  let calls: Calls;
  let at = 0;

  function decide(sid: string, seq: number, op: string, scope: string): boolean {
    const entry = sessions.get(sid);
    if (entry === undefined || clock(at) > entry.terms.exp || revoked.has(entry.terms.lid)) return false;
    if (seq <= entry.highest) return false;
    entry.highest = seq;
    return entry.terms.grants.some((grant) => grant.ops.includes(op) && scope.startsWith(grant.scope));
  }

  return {
    name: 'string-map',
    prepare(count) {
      calls = next(count);
      at = 0;
    },
    run(count) {
      const { sids, seqs, scopes, kinds } = calls;
      for (const end = at + count; at < end; at += 1) {
        const kind = kinds[at] as Kind;
        const op = kind === 'write' ? 'write' : 'read';
        const allowed = decide(sids[at] as string, seqs[at] as number, op, scopes[at] as string);
        if (allowed !== (kind === 'allowed')) expectDecision(false, 'string-map', kind);
      }
    },
  };
}

function termsOf(holder: number): Terms {
  const scope = `${scopeOfFolder(folderOf(holder))}/`;
  const lid = randomBytes(32).toString('base64url');
  return { lid, exp: seconds() + 3600, grants: [{ scope, ops: ['read'] }] };
}
