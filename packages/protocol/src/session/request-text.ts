import { type HeaderReader, SEQ_AT, SID_AT, SID_END } from './header-reader.js';
import { formatMacInput, type MacFields } from './mac.js';

/** What of a request its MAC covers besides the `Authorization` header and the gateway. */
export type AuthenticatedRequest = Pick<MacFields, 'method' | 'target' | 'headers' | 'bodyHash'>;

/** The text of SES-6 for a request with the credential that was read from `header`.
 *  @throws {TrustError} MALFORMED, as `formatMacInput` */
export type RequestText = (header: string, read: HeaderReader, request: AuthenticatedRequest) => string;

/** Makes the writer of these texts. What stays the same from one request to the next is checked and laid out once:
 *  most requests of a gateway differ in sid, seq, rid and body only. */
export function createRequestText(gateway: string): RequestText {
  let last: AuthenticatedRequest | undefined;
  let before = '';
  let between = '';
  let head = '';
  let tail = '';

  function layOut(request: AuthenticatedRequest): void {
    const lines = formatMacInput({ ...request, gateway, sid: '', seq: 0, rid: '', bodyHash: '' }).split('\n');
    before = `${lines[0]}\n`;
    between = `\n${lines[2]}\n`;
    head = `\n${lines.slice(5, 8).join('\n')}\n`;
    tail = `\n${lines.slice(9).join('\n')}`;
    last = { ...request, headers: { ...request.headers } };
  }

  return (header, { seqEnd }, request) => {
    if (request.bodyHash.length !== 64) throw new RangeError('a body hash has 64 characters');
    if (last === undefined || !isLike(last, request)) layOut(request);
    const sid = header.slice(SID_AT, SID_END);
    const seq = header.slice(SEQ_AT, seqEnd);
    const rid = header.slice(seqEnd + 6, seqEnd + 42);
    return `${before}${sid}${between}${seq}\n${rid}${head}${request.bodyHash}${tail}`;
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
