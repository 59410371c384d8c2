import {
  decodeBase64url,
  decodeHex,
  encodeBase64url,
  encodeHex,
  encodeOtsTimestamp,
  isTrustError,
  type OtsTimestamp,
  parseOtsTimestamp,
} from '@talosprotocol/protocol';
import { attestsFew } from './calendar.js';
import { type Blinding, blind, makesFile } from './upgrade.js';

/** What calendars made of one digest. */
export interface Stamps extends Blinding {
  /** The blinded digest, which all timestamps are of. */
  readonly message: Uint8Array;
  /** By calendar. */
  readonly of: Map<string, OtsTimestamp>;
  /** Calendars whose timestamp led to no block, or to one that cannot be proven: they are not asked again. */
  readonly refused: Set<string>;
}

/** Bytes that are kept of one calendar. It is written with every answer, which would add up without an end. */
const MAX_KEPT = 10_000;

interface Kept {
  readonly nonce: string;
  readonly of: Readonly<Record<string, string>>;
  readonly refused: readonly string[];
}

export function createStamps(digest: Uint8Array, nonce: Uint8Array): Stamps {
  return { digest, nonce, message: blind(digest, nonce), of: new Map(), refused: new Set() };
}

/** Whether it may be kept: a proof can come of it, and a calendar cannot make us store or ask more and more. */
export function isKeepable(stamps: Stamps, timestamp: OtsTimestamp): boolean {
  const { length } = encodeOtsTimestamp(timestamp);
  return length <= MAX_KEPT && attestsFew(timestamp) && makesFile(stamps, timestamp);
}

/** As text for the database. */
export function formatStamps({ nonce, of, refused }: Stamps): string {
  const texts = [...of].map(([url, timestamp]) => [url, encodeBase64url(encodeOtsTimestamp(timestamp))]);
  const kept: Kept = { nonce: encodeHex(nonce), of: Object.fromEntries(texts), refused: [...refused] };
  return JSON.stringify(kept);
}

/** Reads what `formatStamps` wrote of this digest. A timestamp that cannot be read, or may not be kept, is dropped and
 *  its calendar refused: the others go on. */
export function parseStamps(state: string, digest: Uint8Array): Stamps {
  const { nonce, of, refused } = JSON.parse(state) as Kept;
  const stamps = createStamps(digest, decodeHex(nonce));
  for (const url of refused) stamps.refused.add(url);
  for (const [url, text] of Object.entries(of)) {
    const timestamp = readKept(text, stamps.message);
    if (timestamp !== undefined && isKeepable(stamps, timestamp)) stamps.of.set(url, timestamp);
    else stamps.refused.add(url);
  }
  return stamps;
}

function readKept(text: string, message: Uint8Array): OtsTimestamp | undefined {
  try {
    return parseOtsTimestamp(decodeBase64url(text), message);
  } catch (error) {
    if (isTrustError(error)) return undefined;
    throw error;
  }
}
