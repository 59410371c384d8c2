import type { Decision } from '@talosprotocol/contracts';
import { authorize, checkInForce } from '@talosprotocol/protocol';
import type { Benchmark } from '../benchmark.js';
import { type Contender, measure } from '../runner.js';
import { expectDecision, itemsOf, type Kind, kindOf, shuffledSessions } from './calls.js';
import { openSessions, type Sessions } from './sessions.js';
import { stringMap } from './string-map.js';
import { fastJwt, issueTokens } from './tokens.js';
import { createWorld, seconds, type World } from './world.js';

const WORK = 'sid, replay window, times, revocation, grants of anchor and link; items given; no MAC';

/** A decision for an open session, without proof of possession. */
export const authorizeCached: Benchmark = {
  name: 'authorize.cached',
  async run(effort, quick) {
    const rows = [];
    for (const { sessions, grants } of quick ? QUICK_SIZES : SIZES) {
      const world = createWorld();
      const open = await openSessions(world, sessions, { grants });
      const order = shuffledSessions(sessions);
      const peers =
        grants > 1
          ? []
          : [stringMap(open.sids, order, world.revoked), fastJwt(issueTokens(sessions), order, true)];
      const measured = await measure(cachedContender(world, open, order), peers, effort);
      const params = { sessions, grants, work: WORK };
      rows.push({ name: 'authorize.cached', params, ...measured, bytes_per_session: open.bytesEach });
    }
    return rows;
  },
};

/** A link holds at most 64 grants (CAP-1). */
const SIZES = [
  { sessions: 10_000, grants: 1 },
  { sessions: 100_000, grants: 1 },
  { sessions: 10_000, grants: 10 },
  { sessions: 10_000, grants: 64 },
];
const QUICK_SIZES = [
  { sessions: 50, grants: 1 },
  { sessions: 10, grants: 10 },
];

function cachedContender(world: World, open: Sessions, order: Uint32Array): Contender {
  const { table, sids, seqs } = open;
  const isRevoked = (lid: string): boolean => world.revoked.has(lid);
  let at = 0;

  function decide(sid: string, seq: number, session: number, kind: Kind): Decision | undefined {
    const { capability, seen } = table.peek(sid, seq).context;
    if (seen.mark(seq) !== 'fresh') return undefined;
    checkInForce(capability, { now: seconds(), isRevoked });
    return authorize(capability, itemsOf(session, kind), {});
  }

  return {
    name: 'talos',
    run(count) {
      for (let i = 0; i < count; i += 1, at += 1) {
        const session = order[at % order.length] as number;
        const kind = kindOf(at);
        const last = seqs[session] as number;
        // A session's first call has nothing to repeat.
        const seq = kind === 'replay' ? Math.max(1, last) : last + 1;
        seqs[session] = seq;
        const decision = decide(sids[session] as string, seq, session, kind);
        expectDecision(isRight(decision, kind, last), 'talos', kind);
      }
    },
  };
}

function isRight(decision: Decision | undefined, kind: Kind, last: number): boolean {
  if (kind === 'replay' && last > 0) return decision === undefined;
  const denied = kind === 'other-folder' || kind === 'write';
  return decision?.effect === (denied ? 'deny' : 'allow');
}
