import { expectDecision, folderOf, type Kind, kindOf, shuffledSessions } from '../authorize/calls.js';
import type { Contender } from '../runner.js';

/** A call as a peer sees it: plain paths and names. */
export interface PeerCall {
  readonly session: number;
  readonly operation: 'read' | 'write';
  /** `/docs/f7/guide.md` */
  readonly path: string;
  readonly forged: boolean;
}

/** Tokens that each peer issues beforehand, one for each agent. */
export const AGENTS = 256;

/** The prefix an agent may read below. */
export function folderPath(session: number): string {
  return `/docs/f${folderOf(session)}`;
}

/** Runs a peer's decision over the mix of `authorize.full`, and checks each: tokens alone cannot tell a replay. */
export function mixContender(
  name: string,
  decide: (call: PeerCall) => boolean | Promise<boolean>,
  agents = AGENTS,
): Contender {
  const order = shuffledSessions(agents);
  let at = 0;
  return {
    name,
    async run(count) {
      for (let i = 0; i < count; i += 1, at += 1) {
        const kind = kindOf(at);
        const answer = decide(callOf(order[at % order.length] as number, kind));
        const allowed = typeof answer === 'boolean' ? answer : await answer;
        expectDecision(allowed === (kind === 'allowed' || kind === 'replay'), name, kind);
      }
    },
  };
}

function callOf(session: number, kind: Kind): PeerCall {
  return {
    session,
    operation: kind === 'write' ? 'write' : 'read',
    path: `${folderPath(kind === 'other-folder' ? session + 1 : session)}/guide.md`,
    forged: kind === 'forged',
  };
}
