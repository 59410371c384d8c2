import { writeUtf8 } from '../encoding/utf8.js';
import { type HeaderReader, RID_AT, SEQ_AT, SID_AT } from './header-reader.js';
import { type AuthenticatedRequest, assertPrintable, formatRequestLines, MAC_LABEL } from './mac.js';
import { SID_LENGTH } from './sid.js';

/** Lays out the text of SES-6 for a request with the credential that was read last; its length, or -1 if there is no
 *  room for it.
 *  @throws {TrustError} MALFORMED, as `formatMacInput` */
export type RequestText = (read: HeaderReader, request: AuthenticatedRequest) => number;

const LF = 0x0a;
const RID_LENGTH = 36;
const HASH_LENGTH = 64;

/** Makes the writer of these texts, from the beginning of `message` on.
 *  @throws {TrustError} MALFORMED: a gateway that is not printable ASCII */
export function createRequestText(gateway: string, message: Uint8Array): RequestText {
  assertPrintable(gateway);
  const text = new DataView(message.buffer, message.byteOffset, message.length);
  const lines = createRequestLines(message);
  const sidAt = MAC_LABEL.length + 1;
  const seqAt = sidAt + SID_LENGTH + gateway.length + 2;
  writeUtf8(`${MAC_LABEL}\n${' '.repeat(SID_LENGTH)}\n${gateway}\n`, message);

  return ({ line, digits }, request) => {
    const ridAt = seqAt + digits + 1;
    const end = lines(request, ridAt + RID_LENGTH + 1);
    if (end < 0) return end;
    copy(line, SID_AT, text, sidAt, SID_LENGTH);
    for (let i = 0; i < digits; i++) message[seqAt + i] = line.getUint8(SEQ_AT + i);
    message[ridAt - 1] = LF;
    copy(line, SEQ_AT + digits + RID_AT, text, ridAt, RID_LENGTH);
    message[ridAt + RID_LENGTH] = LF;
    return end;
  };
}

/** Copies four bytes at a time, without a call into the runtime; an even number of bytes. */
function copy(from: DataView, at: number, to: DataView, toAt: number, length: number): void {
  let i = 0;
  for (; i + 4 <= length; i += 4) to.setInt32(toAt + i, from.getInt32(at + i));
  if (i < length) to.setInt16(toAt + i, from.getInt16(at + i));
}

/** Puts lines 6 to 14 at a place; where they end, or -1 if there is no room. What stays the same from one request to the
 *  next stays there: most requests of a gateway differ in their credential and body only. */
function createRequestLines(message: Uint8Array) {
  let last: AuthenticatedRequest | undefined;
  let from = 0;
  let length = 0;
  let hashAt = 0;
  /** From the body hash on. */
  let fromHash = message;

  function layOut(request: AuthenticatedRequest, at: number): number {
    last = undefined;
    const lines = formatRequestLines(request);
    if (at + lines.length > message.length) return -1;
    writeUtf8(lines, message.subarray(at));
    const { method, target, headers } = request;
    last = { ...request, headers: { ...headers } };
    hashAt = method.length + target.length + (headers['content-type'] ?? '').length + 3;
    length = lines.length;
    return moved(at);
  }

  function moved(at: number): number {
    from = at;
    fromHash = message.subarray(at + hashAt);
    return at + length;
  }

  return (request: AuthenticatedRequest, at: number): number => {
    if (request.bodyHash.length !== HASH_LENGTH) throw new RangeError('a body hash has 64 characters');
    if (last === undefined || at + length > message.length || !isLike(last, request))
      return layOut(request, at);
    if (at !== from) {
      message.copyWithin(at, from, from + length);
      moved(at);
    }
    return writeUtf8(request.bodyHash, fromHash) === HASH_LENGTH ? at + length : layOut(request, at);
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
