import { type Static, type TString, Type } from 'typebox';

/** Bytes of `text` as UTF-8; a lone surrogate counts three, as its replacement would. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    const surrogate = code >= 0xd800 && code <= 0xdfff;
    // Each half of a pair adds one: two units become four bytes.
    bytes += code < 0x800 || (surrogate && isPaired(text, i, code)) ? 1 : 2;
  }
  return bytes;
}

function isPaired(text: string, index: number, code: number): boolean {
  const other = text.charCodeAt(code < 0xdc00 ? index + 1 : index - 1);
  return code < 0xdc00 ? other >= 0xdc00 && other <= 0xdfff : other >= 0xd800 && other <= 0xdbff;
}

/** Free text bounded in UTF-8 bytes. JSON Schema counts characters (and typebox counts grapheme clusters, of which one
 *  may be any number of bytes), so the bound in bytes is a refinement that the emitted schemas cannot show. */
export function text(
  maxBytes: number,
  options: { pattern?: string; minLength?: number; description?: string } = {},
): TString {
  const schema = Type.String({ minLength: 1, maxLength: maxBytes, ...options });
  return Type.Refine(
    schema,
    (value) => utf8Bytes(value) <= maxBytes,
    () => `must be at most ${maxBytes} bytes`,
  );
}

/** A string of ASCII whose pattern bounds its length; patterns are anchored at both ends. */
export function ascii(pattern: string, maxLength: number, description: string): TString {
  return Type.String({ pattern, maxLength, description });
}

const HASH43 = '[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]';
const UUIDV7 = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
const JWS = '[A-Za-z0-9_-]{2,8192}\\.[A-Za-z0-9_-]{2,16384}\\.[A-Za-z0-9_-]{85}[AQgw]';

/** Largest integer any signed or hashed object holds (ENC-5). */
export const MAX_INTEGER = Number.MAX_SAFE_INTEGER;

/** SHA-256 in lowercase hex (ENC-2). */
export const HexHash = ascii('^[0-9a-f]{64}$', 64, 'SHA-256, lowercase hex');

/** 32 bytes in canonical base64url: link ids, chain hashes, salts, keys, nodes of a proof (ENC-1, CAP-5). */
export const Hash43 = ascii(`^${HASH43}$`, 43, '32 bytes, base64url without padding');

/** A time in a record: RFC 3339 UTC, three fraction digits, `Z` (ENC-3). Days that do not exist pass here; the
 *  protocol's `parseTime` refuses them. */
export const Time = ascii(
  '^(?:19[7-9][0-9]|[2-9][0-9]{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z$',
  24,
  'RFC 3339 UTC with exactly three fraction digits',
);

/** A time in a JWS claim: whole seconds since 1970, up to the end of the year 9999 (ENC-3). */
export const Seconds = Type.Integer({ minimum: 0, maximum: 253_402_300_799, description: 'NumericDate' });

/** An integer from 0 to 2^53 - 1. */
export const Count = Type.Integer({ minimum: 0, maximum: MAX_INTEGER });

/** An integer from 1 to 2^53 - 1. */
export const Positive = Type.Integer({ minimum: 1, maximum: MAX_INTEGER });

/** An integer of magnitude below 2^53. */
export const SafeInteger = Type.Integer({ minimum: -MAX_INTEGER, maximum: MAX_INTEGER });

/** A lowercase UUIDv7 (RFC 9562). */
export const Uuidv7 = ascii(`^${UUIDV7}$`, 36, 'UUIDv7, lowercase');

/** Id of an event: `evt_` and a UUIDv7 (ENC-4). */
export const EventId = ascii(`^evt_${UUIDV7}$`, 40, 'id of an event');

/** Id of a receipt: `rcp_` and the UUID of its event (ENC-4). */
export const ReceiptId = ascii(`^rcp_${UUIDV7}$`, 40, 'id of a receipt');

/** Id of a request: `req_` and a UUIDv7 (ENC-4). */
export const RequestId = ascii(`^req_${UUIDV7}$`, 40, 'id of a request');

/** A page cursor: base64url of `unix_seconds:uuidv7` (ENC-12). */
export const CursorText = ascii('^[A-Za-z0-9_-]{51,71}$', 71, 'cursor of a page');

/** One compact JWS with an Ed25519 signature (ENC-10). */
export const CompactJws = ascii(`^${JWS}$`, 16_384, 'compact JWS, EdDSA');

/** A revocation: its payload holds a chain that is base64url already, so that it may be half as long again (CAP-25). */
export const RevocationJws = ascii(
  '^[A-Za-z0-9_-]{2,8192}\\.[A-Za-z0-9_-]{2,24576}\\.[A-Za-z0-9_-]{85}[AQgw]$',
  24_576,
  'compact JWS of a revocation',
);

/** A capability chain: one to eight links joined by `~` (CAP-4). */
export const Chain = ascii(`^${JWS}(?:~${JWS}){0,7}$`, 16_384, 'capability chain, root first');

/** The key of a bearer link, a secret: `talos_`, the chain, `~` and the seed (CAP-22). */
export const BearerKey = ascii(`^talos_${JWS}(?:~${JWS}){0,7}~${HASH43}$`, 16_434, 'bearer key, a secret');

/** A `did:key` of an Ed25519 key (ID-1). */
export const DidKey = ascii('^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$', 56, 'did:key, Ed25519');

/** A DID of a method we accept, at most 256 bytes (ID-1, ID-2); its parser checks the rest. */
export const Did = ascii(
  '^did:(?:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}|web:[A-Za-z0-9._:%-]{1,248}|webvh:Qm[1-9A-HJ-NP-Za-km-z]{44}:[A-Za-z0-9._:%-]{1,199})$',
  256,
  'did:key, did:web or did:webvh',
);

/** A JSON Pointer (RFC 6901) of at most 256 bytes; empty for the whole value. */
export const JsonPointer = text(256, { pattern: '^(?:/(?:[^~/]|~[01])*)*$', minLength: 0 });

/** Name of a tenant: letters, digits and inner hyphens. */
export const TenantName = ascii('^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$', 63, 'name of a tenant');

/** Origin of a log: a host and a path without scheme, also the name of its key (AUD-10). */
export const LogOrigin = ascii(
  '^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]{1,64}){0,8}$',
  256,
  'origin of a log',
);

/** Id of a session: `ses_` and 28 bytes in base64url (SES-8). */
export const SessionId = ascii('^ses_[A-Za-z0-9_-]{37}[AQgw]$', 42, 'id of a session');

/** Operation of an item: `read` changes nothing, `write` may. */
export const Op = Type.Union([Type.Literal('read'), Type.Literal('write')]);
export type Op = Static<typeof Op>;

/** Options of every object: an unknown member refuses it (ENC-9). */
export const CLOSED = { additionalProperties: false } as const;
