import { MAX_OTS_ATTESTED } from '@talosprotocol/contracts';
import {
  attestationsOf,
  encodeHex,
  isTrustError,
  type OtsTimestamp,
  parseOtsTimestamp,
  TrustError,
} from '@talosprotocol/protocol';
import type { HttpExchange } from '../http-exchange.js';

/** A calendar: it collects digests and brings them into Bitcoin blocks. What it answers is parsed as anything from outside;
 *  the messages in it are computed from ours, so that it can lead from our digest only to where its operations lead. */
export interface Calendar {
  /** Without a slash at the end, as its pending attestations name it. */
  readonly url: string;
  /** Hands in a digest; gives what the calendar knows of it, which is a promise at first.
   *  @throws {TrustError} UPSTREAM_FAILED | UNAVAILABLE */
  submit(digest: Uint8Array): Promise<OtsTimestamp>;
  /** What came of a promise; undefined while nothing did. @throws {TrustError} UPSTREAM_FAILED | UNAVAILABLE */
  find(commitment: Uint8Array): Promise<OtsTimestamp | undefined>;
}

const MAX_ANSWER = 10_000;
const ACCEPT = { accept: 'application/vnd.opentimestamps.v1' };

/** Builds the client of the calendar at `url`. */
export function createCalendar(url: string, exchange: HttpExchange): Calendar {
  const read = (bytes: Uint8Array, message: Uint8Array): OtsTimestamp => {
    try {
      const timestamp = parseOtsTimestamp(bytes, message);
      if (attestsFew(timestamp)) return timestamp;
      throw new TrustError('MALFORMED', `more than ${MAX_OTS_ATTESTED} promises or blocks`);
    } catch (cause) {
      if (!isTrustError(cause)) throw cause;
      throw new TrustError('UPSTREAM_FAILED', `${url} gives ${cause.data.reason}`, {}, cause);
    }
  };
  return {
    url,
    submit: async (digest) => {
      const headers = { ...ACCEPT, 'content-type': 'application/x-www-form-urlencoded' };
      const request = { method: 'POST', url: `${url}/digest`, headers, body: digest } as const;
      const { status, bytes } = await exchange({ ...request, maxBytes: MAX_ANSWER });
      if (status !== 200) throw new TrustError('UPSTREAM_FAILED', `${url} answers with status ${status}`);
      return read(bytes, digest);
    },
    find: async (commitment) => {
      const request = {
        method: 'GET',
        url: `${url}/timestamp/${encodeHex(commitment)}`,
        headers: ACCEPT,
      } as const;
      const { status, bytes } = await exchange({ ...request, maxBytes: MAX_ANSWER });
      if (status === 404) return undefined;
      if (status !== 200) throw new TrustError('UPSTREAM_FAILED', `${url} answers with status ${status}`);
      return read(bytes, commitment);
    },
  };
}

/** The promises in a timestamp: by whom, and for which message. */
export function promisesIn(
  timestamp: OtsTimestamp,
): { readonly calendar: string; readonly message: Uint8Array }[] {
  return attestationsOf(timestamp).flatMap(({ attestation, message }) =>
    attestation.kind === 'pending' ? [{ calendar: attestation.calendar.replace(/\/$/, ''), message }] : [],
  );
}

/** The Bitcoin blocks in a timestamp, and what each has as its Merkle root. */
export function blocksIn(
  timestamp: OtsTimestamp,
): { readonly height: number; readonly message: Uint8Array }[] {
  return attestationsOf(timestamp).flatMap(({ attestation, message }) =>
    attestation.kind === 'bitcoin' ? [{ height: attestation.height, message }] : [],
  );
}

/** Whether what it asks of us is bounded: to ask after each promise, and to look up each block. */
export function attestsFew(timestamp: OtsTimestamp): boolean {
  return [promisesIn(timestamp), blocksIn(timestamp)].every(({ length }) => length <= MAX_OTS_ATTESTED);
}
