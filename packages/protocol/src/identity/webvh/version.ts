import type { VerifiedWebvhLog, WebvhVersion } from './log.js';

/** Which version is asked for: by its whole id, its number, or the moment (Unix milliseconds) it was in force. */
export type WebvhQuery =
  | { readonly versionId: string }
  | { readonly versionNumber: number }
  | { readonly versionTime: number };

/** The version that a query of a DID URL names (did:webvh 1.0, Reading did:webvh DID URLs); undefined if there is none. */
export function findWebvhVersion(log: VerifiedWebvhLog, query: WebvhQuery): WebvhVersion | undefined {
  return log.versions.findLast((version) => matches(version, query));
}

function matches({ versionId, number, time }: WebvhVersion, query: WebvhQuery): boolean {
  if ('versionId' in query) return versionId === query.versionId;
  return 'versionNumber' in query ? number === query.versionNumber : time <= query.versionTime * 1000;
}

/** A version that was seen, by which a later log is known again. */
export type WebvhMark = Pick<WebvhVersion, 'number' | 'versionId'>;

/** True if `log` holds the version seen earlier, and so everything before it: nothing was taken back or rewritten. */
export function continuesWebvhLog(seen: WebvhMark, log: VerifiedWebvhLog): boolean {
  // Each id is a hash over the one before it: one that is equal makes all before it equal.
  return log.versions[seen.number - 1]?.versionId === seen.versionId;
}
