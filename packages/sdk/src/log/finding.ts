import type { Conflict, FINDING_KINDS, SplitView } from '@talosprotocol/contracts';
import { isTrustError, type TrustError } from '@talosprotocol/protocol';

/** What may be wrong with a log (AUD-98). What is found of `fork` and `split-view` stays: no history explains it. */
export type FindingKind = (typeof FINDING_KINDS)[number];

/** Something that is wrong now. There is one for each kind and place. */
export interface Finding {
  readonly kind: FindingKind;
  /** Where it was seen. */
  readonly url: string;
  /** What was seen: one sentence. */
  readonly detail: string;
  /** What others can check, or at least see. */
  readonly evidence?: SplitView | Conflict;
}

/** There is one finding of a kind at a place. */
export function nameOf({ kind, url }: Pick<Finding, 'kind' | 'url'>): string {
  return `${kind} ${url}`;
}

/** What a refusal by a client of the log says of the log.
 *  @throws what is no refusal */
export function findingOf(error: unknown, url: string): Finding {
  if (!isTrustError(error)) throw error;
  const { reason = error.message } = error.data;
  return { kind: kindOf(error), url, detail: shorten(reason) };
}

const NO_ANSWER = new Set([
  'UNAVAILABLE',
  'UPSTREAM_FAILED',
  'TIMEOUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
]);

const MAX_DETAIL = 500;

/** Part of it may come from a server, as long as that likes. */
function shorten(text: string): string {
  return text.length <= MAX_DETAIL
    ? text
    : `${[...text.slice(0, 2 * MAX_DETAIL)].slice(0, MAX_DETAIL).join('')}...`;
}

function kindOf({ code, data: { caveat } }: TrustError): FindingKind {
  if (caveat === 'tile') return 'tiles';
  if (caveat === 'entries') return 'entries';
  if (code === 'NOT_FOUND' || NO_ANSWER.has(code)) return 'unreachable';
  return 'signature';
}
