import { createHmac, hash } from 'node:crypto';
import {
  createUuidv7,
  FAST_ALLOW,
  FAST_DENY,
  formatMacInput,
  formatTalosAuthorization,
  type MacFields,
  sessionMac,
} from '@talosprotocol/protocol';
import type { Benchmark } from '../benchmark.js';
import { withPeers } from '../peers/open-peers.js';
import type { Result } from '../result.js';
import { type Contender, type Effort, measure } from '../runner.js';
import { asReceived, expectDecision, itemOf, type Kind, kindOf, scopeOf, shuffledSessions } from './calls.js';
import { keyOf, openSessions, refusalCode, type SessionSizes, type Sessions } from './sessions.js';
import { fastJwt, issueTokens, jose } from './tokens.js';
import { createWorld, crypto, random, seconds, type World } from './world.js';

const WORK =
  'clock read, text of the Authorization header parsed, session found, times, revocation, replay window, HMAC-SHA256 over the request, window marked, grants of anchor and link; action, scope and hash of the body given';

/** A decision for an open session, with the MAC of each request verified. */
export const authorizeProof: Benchmark = {
  name: 'authorize.proof',
  async run(effort, quick) {
    const rows = [];
    for (const sizes of quick ? QUICK_SIZES : SIZES) rows.push(await measureProof(sizes, effort, quick));
    return rows;
  },
};

const SIZES: readonly SessionSizes[] = [
  { sessions: 10_000, capabilities: 1_024 },
  { sessions: 100_000, capabilities: 1_024 },
  { sessions: 1_000_000, capabilities: 4_096 },
  { sessions: 100_000, capabilities: 100_000 },
];
const QUICK_SIZES: typeof SIZES = [{ sessions: 200, capabilities: 64 }];

/** One row. */
async function measureProof(sizes: SessionSizes, effort: Effort, quick: boolean): Promise<Result> {
  const { sessions, capabilities } = sizes;
  const world = createWorld();
  const open = await openSessions(world, sizes);
  const order = shuffledSessions(sessions);
  const tokens = issueTokens(capabilities);
  const peers = [bareMac(world, open), fastJwt(tokens, order, true), jose(tokens, order)];
  const measured = await withPeers(quick ? [] : ['cedar'], (others) =>
    measure(proofContender(world, open, order), [...peers, ...others], effort),
  );
  const params = { sessions, capabilities, work: WORK };
  return { name: 'authorize.proof', params, ...measured, bytes_per_session: open.bytesEach };
}

interface SignedCall {
  readonly header: string;
  readonly action: number;
  readonly scope: string;
  readonly kind: Kind;
}

const REQUEST = {
  method: 'POST',
  target: '/mcp',
  headers: { 'content-type': 'application/json', 'mcp-protocol-version': '2025-11-25' },
  bodyHash: crypto.sha256Hex(new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"tools/call"}')),
} as const;

function proofContender(world: World, open: Sessions, order: Uint32Array): Contender {
  const { hits } = open.table;
  const expected = expectedCodes();
  let calls: SignedCall[] = [];
  let signed = 0;
  let at = 0;

  /** The parts of a request come anew each time, as from a parser. */
  function decide({ header, action, scope }: SignedCall): number {
    const { method, target, headers, bodyHash } = REQUEST;
    const slot = hits.verify(header, { method, target, headers, bodyHash }, seconds());
    return slot < 0 ? slot : hits.contextOf(slot).program.decide(action, scope);
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
        expectDecision(decide(call) === expected[call.kind], 'talos', call.kind);
      }
    },
  };
}

/** The floor: the two one-shot hashes of which an HMAC-SHA256 consists (RFC 2104), over the text of a request that was laid
 *  out beforehand. */
function bareMac(world: World, { sids }: Sessions): Contender {
  const rid = createUuidv7(Date.now(), random(16));
  const text = formatMacInput({ ...REQUEST, sid: sids[0] as string, gateway: world.gateway, seq: 1, rid });
  const key = random(32);
  const right = createHmac('sha256', key).update(text).digest('binary');
  const pad = (byte: number) => Buffer.alloc(64, byte).map((value, i) => value ^ (key[i] ?? 0));
  const inner = Buffer.concat([pad(0x36), Buffer.from(text)]);
  const outer = Buffer.concat([pad(0x5c), Buffer.alloc(32)]);
  // Not in the types, and faster than a Buffer.
  const latin = 'latin1' as 'hex';
  return {
    name: 'bare-hmac',
    run(count) {
      for (let i = 0; i < count; i += 1) {
        outer.write(hash('sha256', inner, latin), 64, 'latin1');
        expectDecision(hash('sha256', outer, latin) === right, 'bare-hmac', 'allowed');
      }
    },
  };
}

function expectedCodes(): Readonly<Record<Kind, number>> {
  return {
    allowed: FAST_ALLOW,
    'other-folder': FAST_DENY,
    write: FAST_DENY,
    replay: refusalCode('REPLAY', 'seen'),
    forged: refusalCode('PROOF_INVALID'),
  };
}

function signCall(world: World, open: Sessions, order: Uint32Array, index: number): SignedCall {
  const session = order[index & (order.length - 1)] as number;
  const last = open.seqs[session] as number;
  // A session's first call has nothing to repeat.
  const kind = kindOf(index) === 'replay' && last === 0 ? 'allowed' : kindOf(index);
  const seq = kind === 'replay' ? last : last + 1;
  const sid = open.sids[session] as string;
  const rid = createUuidv7(Date.now(), random(16));
  const fields: MacFields = { ...REQUEST, sid, gateway: world.gateway, seq, rid };
  const mac = sessionMac(keyOf(session), fields, crypto);
  if (kind === 'forged') mac[3] = (mac[3] as number) ^ 1;
  else open.seqs[session] = seq;
  const action = open.authorizer.actions.find(itemOf(session, kind));
  const header = asReceived(formatTalosAuthorization({ sid, seq, rid, mac }));
  return { header, action, scope: scopeOf(session, kind), kind };
}
