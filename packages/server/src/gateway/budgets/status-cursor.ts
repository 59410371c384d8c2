import { decodeBase64url, encodeBase64url, encodeUtf8, parseJson, TrustError } from '@talosprotocol/protocol';

/** The counter that a page ended with. */
export interface StatusCursor {
  readonly budget: string;
  readonly kind: string;
  readonly used: number;
  readonly subject: string;
}

const MAX_LENGTH = 1024;

export function encodeStatusCursor({ budget, kind, used, subject }: StatusCursor): string {
  return encodeBase64url(encodeUtf8(JSON.stringify([budget, kind, used, subject])));
}

/** @throws {TrustError} MALFORMED */
export function decodeStatusCursor(text: string): StatusCursor {
  if (text.length > MAX_LENGTH) throw malformed();
  const value: unknown = parseJson(decodeBase64url(text), { maxBytes: MAX_LENGTH });
  if (!Array.isArray(value) || value.length !== 4) throw malformed();
  const [budget, kind, used, subject] = value as unknown[];
  const isText = [budget, kind, subject].every((one) => typeof one === 'string' && !one.includes('\0'));
  if (!isText || !Number.isSafeInteger(used)) throw malformed();
  return { budget, kind, used, subject } as StatusCursor;
}

function malformed(): TrustError {
  return new TrustError('MALFORMED', 'text that is not a cursor of budgets');
}
