import {
  authorize,
  checkInForce,
  createUuidv7,
  formatTalosAuthorization,
  isTrustError,
  type MacFields,
  parseTalosAuthorization,
  sessionMac,
} from '@talosprotocol/protocol';
import type { Benchmark } from '../benchmark.js';
import { withPeers } from '../peers/open-peers.js';
import { type Contender, measure } from '../runner.js';
import { expectDecision, itemsOf, type Kind, kindOf, shuffledSessions } from './calls.js';
import { openSessions, type Sessions } from './sessions.js';
import { fastJwt, issueTokens, jose } from './tokens.js';
import { createWorld, crypto, random, seconds, type World } from './world.js';

const WORK =
  'Authorization header parsed, sid, HMAC-SHA256 over the request, replay window, times, revocation, grants; items and body hash given';

/** A decision for an open session, with the MAC of each request verified. */
export const authorizeProof: Benchmark = {
  name: 'authorize.proof',
  async run(effort, quick) {
    const rows = [];
    for (const sessions of quick ? [50] : [10_000, 100_000]) {
      const world = createWorld();
      const open = await openSessions(world, sessions);
      const order = shuffledSessions(sessions);
      const tokens = issueTokens(sessions);
      const peers = [fastJwt(tokens, order, true), jose(tokens, order)];
      const measured = await withPeers(quick ? [] : ['cedar'], (others) =>
        measure(proofContender(world, open, order), [...peers, ...others], effort),
      );
      const params = { sessions, work: WORK };
      rows.push({ name: 'authorize.proof', params, ...measured, bytes_per_session: open.bytesEach });
    }
    return rows;
  },
};

interface SignedCall {
  readonly header: string;
  readonly session: number;
  readonly kind: Kind;
}

const REQUEST = {
  method: 'POST',
  target: '/mcp',
  headers: { 'content-type': 'application/json', 'mcp-protocol-version': '2025-11-25' },
  bodyHash: crypto.sha256Hex(new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"tools/call"}')),
} as const;

function proofContender(world: World, open: Sessions, order: Uint32Array): Contender {
  const isRevoked = (lid: string): boolean => world.revoked.has(lid);
  let calls: SignedCall[] = [];
  let signed = 0;
  let at = 0;

  /** A code, as a gateway would answer. */
  function decide({ header, session, kind }: SignedCall): string {
    try {
      const { context } = open.table.authenticate(parseTalosAuthorization(header), REQUEST);
      checkInForce(context.capability, { now: seconds(), isRevoked });
      const decision = authorize(context.capability, itemsOf(session, kind), {});
      return decision.effect === 'allow' ? 'allow' : decision.code;
    } catch (error) {
      return isTrustError(error) ? error.code : 'INTERNAL';
    }
  }

  return {
    name: 'talos',
    prepare(count) {
      calls = Array.from({ length: count }, () => signCall(world, open, order, signed++));
      at = 0;
    },
    run(count) {
      for (let i = 0; i < count; i += 1, at += 1) {
        const call = calls[at] as SignedCall;
        expectDecision(decide(call) === EXPECTED[call.kind], 'talos', call.kind);
      }
    },
  };
}

const EXPECTED: Readonly<Record<Kind, string>> = {
  allowed: 'allow',
  'other-folder': 'SCOPE_MISMATCH',
  write: 'SCOPE_MISMATCH',
  replay: 'REPLAY',
  forged: 'PROOF_INVALID',
};

function signCall(world: World, open: Sessions, order: Uint32Array, index: number): SignedCall {
  const session = order[index % order.length] as number;
  const last = open.seqs[session] as number;
  // A session's first call has nothing to repeat.
  const kind = kindOf(index) === 'replay' && last === 0 ? 'allowed' : kindOf(index);
  const seq = kind === 'replay' ? last : last + 1;
  const sid = open.sids[session] as string;
  const rid = createUuidv7(Date.now(), random(16));
  const fields: MacFields = { ...REQUEST, sid, gateway: world.gateway, seq, rid };
  const mac = sessionMac(open.keys[session] as Uint8Array, fields, crypto);
  if (kind === 'forged') mac[3] = (mac[3] as number) ^ 1;
  else open.seqs[session] = seq;
  return { header: formatTalosAuthorization({ sid, seq, rid, mac }), session, kind };
}
