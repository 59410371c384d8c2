import type { MacRoom } from '../crypto/provider.js';
import { type HeaderReader, RID_AT, SEQ_AT, SID_AT, SID_END } from './header-reader.js';
import { type AuthenticatedRequest, assertPrintable, formatRequestLines, MAC_LABEL } from './mac.js';

/** Lays out the text of SES-6 for a request with the credential that was read last; its length, or -1 if there is no
 *  room for it.
 *  @throws {TrustError} MALFORMED, as `formatMacInput` */
export type RequestText = (read: HeaderReader, request: AuthenticatedRequest) => number;

const LF = 0x0a;
const SID_LENGTH = SID_END - SID_AT;
const RID_LENGTH = 36;
const HASH_LENGTH = 64;

/** Makes the writer of these texts: from the beginning of a room to `place`, where the header stands that was read.
 *  @throws {TrustError} MALFORMED: a gateway that is not printable ASCII */
export function createRequestText(gateway: string, room: MacRoom, place: number): RequestText {
  assertPrintable(gateway);
  const { message } = room;
  const lines = createRequestLines(room, place);
  const sidAt = MAC_LABEL.length + 1;
  const seqAt = sidAt + SID_LENGTH + gateway.length + 2;
  room.write(`${MAC_LABEL}\n${' '.repeat(SID_LENGTH)}\n${gateway}\n`, 0);

  return ({ digits }, request) => {
    const ridAt = seqAt + digits + 1;
    const end = lines(request, ridAt + RID_LENGTH + 1);
    if (end < 0) return end;
    const seq = place + SEQ_AT;
    const rid = seq + digits + RID_AT;
    message.copyWithin(sidAt, place + SID_AT, place + SID_END);
    for (let i = 0; i < digits; i++) message[seqAt + i] = message[seq + i] as number;
    message[ridAt - 1] = LF;
    message.copyWithin(ridAt, rid, rid + RID_LENGTH);
    message[ridAt + RID_LENGTH] = LF;
    return end;
  };
}

/** Puts lines 6 to 14 at a place before `limit`; where they end, or -1. What stays the same from one request to the
 *  next stays in the room: most requests of a gateway differ in their credential and body only. */
function createRequestLines(room: MacRoom, limit: number) {
  let last: AuthenticatedRequest | undefined;
  let from = 0;
  let length = 0;
  let hash = 0;

  function layOut(request: AuthenticatedRequest, at: number): number {
    last = undefined;
    const lines = formatRequestLines(request);
    if (at + lines.length > limit) return -1;
    room.write(lines, at);
    const { method, target, headers } = request;
    last = { ...request, headers: { ...headers } };
    hash = method.length + target.length + (headers['content-type'] ?? '').length + 3;
    from = at;
    length = lines.length;
    return at + length;
  }

  return (request: AuthenticatedRequest, at: number): number => {
    if (request.bodyHash.length !== HASH_LENGTH) throw new RangeError('a body hash has 64 characters');
    if (last === undefined || at + length > limit || !isLike(last, request)) return layOut(request, at);
    if (at !== from) room.message.copyWithin(at, from, from + length);
    from = at;
    return room.write(request.bodyHash, at + hash) === HASH_LENGTH ? at + length : layOut(request, at);
  };
}

/** True if the MACs of both cover the same method, target and headers. */
function isLike(a: AuthenticatedRequest, b: AuthenticatedRequest): boolean {
  return (
    a.method === b.method &&
    a.target === b.target &&
    a.headers['content-type'] === b.headers['content-type'] &&
    a.headers['mcp-method'] === b.headers['mcp-method'] &&
    a.headers['mcp-name'] === b.headers['mcp-name'] &&
    a.headers['mcp-session-id'] === b.headers['mcp-session-id'] &&
    a.headers['mcp-protocol-version'] === b.headers['mcp-protocol-version'] &&
    a.headers['last-event-id'] === b.headers['last-event-id']
  );
}
