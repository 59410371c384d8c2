import { FAST_ALLOW, FAST_DENY } from '@talosprotocol/protocol';
import type { Benchmark } from '../benchmark.js';
import type { Result } from '../result.js';
import { type Contender, type Effort, measure } from '../runner.js';
import { expectDecision, itemOf, type Kind, shuffledSessions } from './calls.js';
import { openSessions, refusalCode, type SessionSizes, type Sessions } from './sessions.js';
import { type Calls, createStream } from './stream.js';
import { stringMap } from './string-map.js';
import { fastJwt, issueTokens } from './tokens.js';
import { createWorld, turnClock } from './world.js';

const WORK =
  'text of the sid decoded, session found, times, revocation, replay window asked and marked, grants of anchor and link; action and scope of the call given, clock read at every 64th call; no MAC';

/** A decision for an open session, without proof of possession. */
export const authorizeCached: Benchmark = {
  name: 'authorize.cached',
  async run(effort, quick) {
    const rows = [];
    for (const sizes of quick ? QUICK_SIZES : SIZES) rows.push(await measureCached(sizes, effort));
    return rows;
  },
};

interface Sizes extends SessionSizes {
  readonly grants: number;
}

/** A holder may have 256 sessions (SES-8), a link 128 grants (CAP-1). */
const SIZES: readonly Sizes[] = [
  { sessions: 10_000, capabilities: 1_024, grants: 1 },
  { sessions: 100_000, capabilities: 1_024, grants: 1 },
  { sessions: 1_000_000, capabilities: 4_096, grants: 1 },
  { sessions: 100_000, capabilities: 100_000, grants: 1 },
  { sessions: 10_000, capabilities: 1_024, grants: 10 },
  { sessions: 10_000, capabilities: 1_024, grants: 100 },
];
const QUICK_SIZES: typeof SIZES = [
  { sessions: 200, capabilities: 64, grants: 1 },
  { sessions: 10, capabilities: 10, grants: 10 },
];

/** One row. */
async function measureCached(sizes: Sizes, effort: Effort): Promise<Result> {
  const { sessions, capabilities, grants } = sizes;
  const world = createWorld();
  const open = await openSessions(world, sizes);
  const order = shuffledSessions(sessions);
  const peers =
    grants > 1
      ? []
      : [stringMap(open, order, sizes, world.revoked), fastJwt(issueTokens(capabilities), order, true)];
  const measured = await measure(cachedContender(open, order), peers, effort);
  const params = { sessions, capabilities, grants, work: WORK };
  return { name: 'authorize.cached', params, ...measured, bytes_per_session: open.bytesEach };
}

function cachedContender(open: Sessions, order: Uint32Array): Contender {
  const { hits } = open.table;
  const { actions } = open.authorizer;
  const numbers = { read: actions.find(itemOf(0, 'allowed')), write: actions.find(itemOf(0, 'write')) };
  const next = createStream(open, order);
  const clock = turnClock();
  let calls: Calls & Asked;
  let at = 0;

  function decide(sid: string, seq: number, action: number, scope: string): number {
    const slot = hits.find(sid);
    if (slot < 0) return slot;
    const code = hits.use(slot, seq, clock(at));
    return code < 0 ? code : hits.contextOf(slot).program.decide(action, scope);
  }

  return {
    name: 'talos',
    prepare(count) {
      const made = next(count);
      calls = { ...made, ...askedOf(made, numbers) };
      at = 0;
    },
    run(count) {
      const { sids, seqs, scopes, kinds, actions, codes } = calls;
      for (const end = at + count; at < end; at += 1) {
        const code = decide(
          sids[at] as string,
          seqs[at] as number,
          actions[at] as number,
          scopes[at] as string,
        );
        if (code !== codes[at]) expectDecision(false, 'talos', kinds[at] as Kind);
      }
    },
  };
}

/** What is asked for, and the code that is the right answer. */
interface Asked {
  readonly actions: Int32Array;
  readonly codes: Int8Array;
}

function askedOf({ kinds }: Calls, numbers: { readonly read: number; readonly write: number }): Asked {
  const expected = expectedCodes();
  return {
    actions: Int32Array.from(kinds, (kind) => (kind === 'write' ? numbers.write : numbers.read)),
    codes: Int8Array.from(kinds, (kind) => expected[kind]),
  };
}

function expectedCodes(): Readonly<Record<Kind, number>> {
  return {
    allowed: FAST_ALLOW,
    'other-folder': FAST_DENY,
    write: FAST_DENY,
    replay: refusalCode('REPLAY', 'seen'),
    forged: refusalCode('SESSION_UNKNOWN'),
  };
}
