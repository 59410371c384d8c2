import type { CryptoProvider } from '../crypto/provider.js';
import { createAsciiLine } from '../encoding/ascii-line.js';
import { NEVER } from './authorities.js';
import { parseTalosAuthorization } from './authorization.js';
import { handleOf, slotOfHandle } from './handle.js';
import { createHeaderReader } from './header-reader.js';
import { type AuthenticatedRequest, isSessionMac } from './mac.js';
import {
  authorityOf,
  checkNumber,
  expOf,
  isRecordOf,
  keyAt,
  keyBytes,
  keysOf,
  markNumber,
} from './records.js';
import { createRequestText } from './request-text.js';
import {
  MALFORMED,
  NOT_YET_VALID,
  PROOF_INVALID,
  SESSION_ELSEWHERE,
  SESSION_UNKNOWN,
} from './session-code.js';
import type { SessionStore } from './session-store.js';
import { readSessionId, SID_LENGTH } from './sid.js';

/** The hit path of the table: numbers in, numbers out, nothing made and nothing thrown. A *slot* is 0 or more and
 *  good until the next wait; whoever waits keeps a *handle* and resolves it again. Every refusal is a negative code,
 *  which `sessionRefusal` turns into the error it stands for. `now` is Unix seconds, whole. */
export interface SessionHits<T> {
  /** The slot of a session id, whether or not its time is over (`check` says that).
   *  MALFORMED | SESSION_UNKNOWN | SESSION_ELSEWHERE */
  find(sid: string): number;
  /** A number that names the session for as long as it lives, and never another one. */
  handleOf(slot: number): number;
  /** The slot again. SESSION_UNKNOWN */
  resolve(handle: number): number;
  /** 0 if the session is open. One that is seen to be over is ended. SESSION_UNKNOWN | NOT_YET_VALID */
  liveness(slot: number, now: number): number;
  /** 0 if the session is open and the number fresh; uses nothing up.
   *  As `liveness`; SEEN | BELOW_WINDOW */
  check(slot: number, seq: number, now: number): number;
  /** As `check`, and uses the number up. Only for a request whose possession was proven in another way. */
  use(slot: number, seq: number, now: number): number;
  /** Verifies the MAC of a request and uses its number up in one step; the slot. A refused request uses nothing up.
   *  As `find` and `check`; PROOF_INVALID
   *  @throws {TrustError} MALFORMED: the method, target or a header is not of the form of SES-6 */
  verify(authorization: string, request: AuthenticatedRequest, now: number): number;
  /** What the session was opened for. */
  contextOf(slot: number): T;
}

export interface SessionHitsDeps {
  /** Number of this node, and of its start; 32 bits each. */
  readonly node: number;
  readonly boot: number;
  /** DID of the gateway, part of every MAC. */
  readonly gateway: string;
  readonly crypto: CryptoProvider;
}

/** Longest text of a request for which there is room, without the gateway; a longer one takes the slower way. */
const TEXT_ROOM = 4096;

/** Makes the hit path of a store. */
export function createSessionHits<T>(store: SessionStore<T>, deps: SessionHitsDeps): SessionHits<T> {
  const { node, boot, crypto } = deps;
  const { authorities, records } = store;
  const line = createAsciiLine(SID_LENGTH);
  const words = new Uint32Array(7);
  const room = crypto.createMacRoom(TEXT_ROOM + deps.gateway.length);
  const reader = createHeaderReader();
  const textOf = createRequestText(deps.gateway, room.message);

  /** The slot that the seven words of a sid name. */
  function slotOf(sid: Uint32Array): number {
    const itsBoot = sid[1] as number;
    if (sid[0] !== node || itsBoot < boot) return SESSION_ELSEWHERE;
    const slot = sid[2] as number;
    return itsBoot === boot && isRecordOf(records, slot, sid, 3) ? slot : SESSION_UNKNOWN;
  }

  function liveness(slot: number, now: number): number {
    if (!(now < expOf(records, slot))) {
      store.remove(slot);
      return SESSION_UNKNOWN;
    }
    const from = authorities.validFrom(authorityOf(records, slot));
    if (from <= now) return 0;
    return from === NEVER ? SESSION_UNKNOWN : NOT_YET_VALID;
  }

  function check(slot: number, seq: number, now: number): number {
    const code = liveness(slot, now);
    return code < 0 ? code : checkNumber(records, slot, seq);
  }

  function isProven(slot: number, authorization: string, request: AuthenticatedRequest): boolean {
    const length = textOf(reader, request);
    if (length >= 0) return room.isMac(reader.mac, keysOf(records, slot), keyAt(slot), length);
    const { sid, seq, rid, mac } = parseTalosAuthorization(authorization);
    return isSessionMac(
      mac,
      keyBytes(records, slot),
      { ...request, sid, seq, rid, gateway: deps.gateway },
      crypto,
    );
  }

  function verify(authorization: string, request: AuthenticatedRequest, now: number): number {
    if (!reader.read(authorization)) return MALFORMED;
    const slot = slotOf(reader.sid);
    if (slot < 0) return slot;
    const code = check(slot, reader.seq, now);
    if (code < 0) return code;
    if (!isProven(slot, authorization, request)) return PROOF_INVALID;
    markNumber(records, slot, reader.seq);
    return slot;
  }

  return {
    find: (sid) => (readSessionId(sid, line, words) ? slotOf(words) : MALFORMED),
    handleOf: (slot) => handleOf(store, slot),
    resolve: (handle) => slotOfHandle(store, handle),
    liveness,
    check,
    use(slot, seq, now) {
      const code = check(slot, seq, now);
      if (code === 0) markNumber(records, slot, seq);
      return code;
    },
    verify,
    contextOf: (slot) => authorities.at(authorityOf(records, slot)).context,
  };
}
