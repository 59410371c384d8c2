import { decodeHex, encodeHex } from '../../encoding/hex.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import { malformed } from '../../error.js';
import { createOtsReader, encodeOtsNumber, type OtsReader } from './reader.js';

/** Who says when a message existed: a calendar that promises to, a Bitcoin block, or somebody we do not know, whose
 *  statement is kept and counts for nothing. */
export type OtsAttestation =
  | { readonly kind: 'pending'; readonly calendar: string }
  | { readonly kind: 'bitcoin'; readonly height: number }
  | { readonly kind: 'unknown'; readonly tag: string; readonly payload: Uint8Array };

const TAG_BYTES = 8;
const MAX_PAYLOAD = 8_192;
const MAX_CALENDAR = 1_000;
const PENDING = '83dfe30d2ef90c8e';
const BITCOIN = '0588960d73d71901';

/** Reads an attestation whose marker was read.
 *  @throws {TrustError} MALFORMED */
export function readAttestation(reader: OtsReader): OtsAttestation {
  const tag = encodeHex(reader.bytes(TAG_BYTES));
  const payload = reader.text(0, MAX_PAYLOAD);
  if (tag !== PENDING && tag !== BITCOIN) return { kind: 'unknown', tag, payload };
  const inner = createOtsReader(payload);
  const attestation: OtsAttestation =
    tag === PENDING
      ? { kind: 'pending', calendar: readCalendar(inner.text(1, MAX_CALENDAR)) }
      : { kind: 'bitcoin', height: inner.number() };
  inner.end();
  return attestation;
}

/** Writes an attestation without its marker. */
export function encodeAttestation(attestation: OtsAttestation): number[] {
  if (attestation.kind === 'unknown')
    return [
      ...decodeHex(attestation.tag),
      ...encodeOtsNumber(attestation.payload.length),
      ...attestation.payload,
    ];
  const [tag, payload] =
    attestation.kind === 'pending'
      ? [PENDING, withLength(encodeUtf8(attestation.calendar))]
      : [BITCOIN, encodeOtsNumber(attestation.height)];
  return [...decodeHex(tag), ...encodeOtsNumber(payload.length), ...payload];
}

function withLength(bytes: Uint8Array): number[] {
  return [...encodeOtsNumber(bytes.length), ...bytes];
}

/** The address of a calendar has only these characters, so that it can be shown and is never a query. */
function readCalendar(bytes: Uint8Array): string {
  const address = String.fromCharCode(...bytes);
  if (!/^[A-Za-z0-9./:_-]+$/.test(address)) throw malformed('a timestamp with an odd address of a calendar');
  return address;
}
