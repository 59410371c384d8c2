import { type AuditEvent, createTaggedChecker, EVENTS, MAX_EVENT_BYTES } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  canonicalBytes,
  checkEventForm,
  decodeUtf8,
  formatTime,
  isTrustError,
  openDisclosures,
  priceOf,
} from '@talosprotocol/protocol';
import { type AuditDraft, isOurs, owesOutcome, uuidOf } from './draft.js';
import { DraftError } from './draft-error.js';
import { type ChainLinks, readLinks } from './links.js';

/** What the log adds to a draft. */
interface EventPlace {
  readonly timeMs: number;
  readonly eseq: number;
  readonly prev: string | null;
  /** The subject's own count; of no meaning without a principal. */
  readonly pseq: number;
}

/** A checked event, as it is stored. */
export interface FinishedEvent {
  /** UUIDs without their prefixes. */
  readonly id: string;
  readonly type: AuditDraft['type'];
  readonly request: string | null;
  readonly decision: string | null;
  readonly cth: string | null;
  /** Of a chain. */
  readonly links: ChainLinks | undefined;
  /** Canonical JSON: the leaf's data. */
  readonly text: string;
  /** hex (AUD-2) */
  readonly hash: string;
  /** Canonical JSON; undefined if there is nothing to disclose. */
  readonly disclosures: string | undefined;
  readonly effect: 'allow' | 'deny' | undefined;
  readonly owed: boolean;
  /** What an outcome came to, in micro-units. */
  readonly cost: number | null;
  /** What its model read and wrote. */
  readonly tokens: { readonly input: number; readonly output: number } | null;
}

export interface FinisherDeps {
  readonly crypto: CryptoProvider;
  readonly origin: string;
  readonly tenant: string;
  readonly emitter: string;
  /** Keyed hash of an address (AUD-5). */
  readonly sourceOf: (address: string) => string;
}

export type Finisher = (draft: AuditDraft, place: EventPlace) => FinishedEvent;

/** The one that is written (AUD-91). */
export const EVENT_VERSION = 1;

const MAX_DISCLOSURES = 32;
/** Disclosed values of one event, in bytes: what cannot be exported must not be taken in. */
const MAX_DISCLOSED_BYTES = 262_144;

const check = createTaggedChecker('type', EVENTS);

/** Completes drafts and checks the result whole: what is in the log stays there, so a fault of ours must not get in.
 *  The finisher throws DraftError for a draft that would not verify. */
export function createFinisher(deps: FinisherDeps): Finisher {
  return (draft, place) => {
    if (draft.tenant !== deps.tenant)
      throw new DraftError('FORBIDDEN', 'an event of another tenant than the log has');
    assertOwnMembers(draft);
    const event = complete(draft, place, deps);
    const fault = check(event);
    if (fault !== undefined) throw new DraftError('MALFORMED', `an event is not valid: ${fault}`);
    const bytes = canonicalDraft(event);
    if (bytes.length > MAX_EVENT_BYTES)
      throw new DraftError('TOO_LARGE', `an event of ${bytes.length} bytes`);
    const disclosures = checkedDisclosures(event, draft.disclosures, deps.crypto);
    if (draft.node !== undefined) assertForm(event as AuditEvent, draft.disclosures, deps.crypto);
    return {
      links: draft.type === 'chain' ? readLinks(draft.members, deps.crypto) : undefined,
      text: decodeUtf8(bytes),
      hash: deps.crypto.sha256Hex(bytes),
      disclosures,
      ...columnsOf(draft),
    };
  };
}

/** Of an event that no verifier takes no bundle is proven any more: one of another node is not believed to have the form. */
function assertForm(event: AuditEvent, disclosures: AuditDraft['disclosures'], crypto: CryptoProvider): void {
  try {
    checkEventForm(event, new Map(disclosures.map(({ pointer, value }) => [pointer, value])), crypto);
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw new DraftError('MALFORMED', `an event is not valid: ${cause.data.reason}`, cause);
  }
}

/** What the log says of every event is nobody's to hand in. */
function assertOwnMembers({ type, members }: AuditDraft): void {
  const foreign = Object.keys(members).find((name) => isOurs(type, name));
  if (foreign !== undefined) throw new DraftError('FORBIDDEN', `an event that states its own ${foreign}`);
}

function complete(draft: AuditDraft, place: EventPlace, deps: FinisherDeps): object {
  const { principal } = draft;
  return {
    v: EVENT_VERSION,
    id: draft.id,
    time: formatTime(place.timeMs),
    type: draft.type,
    origin: deps.origin,
    tenant: draft.tenant,
    emitter: deps.emitter,
    eseq: place.eseq,
    prev: place.prev,
    principal: principal === null ? null : { pseq: place.pseq, ...principal },
    ...draft.members,
    ...(draft.type === 'decision' ? { source: sourceOf(draft, deps) } : {}),
  };
}

function sourceOf(draft: AuditDraft<'decision'>, deps: FinisherDeps): string | null {
  return draft.address === undefined ? null : deps.sourceOf(draft.address);
}

/** By what a draft is found. */
export function columnsOf(draft: AuditDraft): Omit<FinishedEvent, 'text' | 'hash' | 'disclosures' | 'links'> {
  const { type, members } = draft;
  const request = type === 'decision' || type === 'outcome' ? uuidOf(members.request) : null;
  return {
    id: uuidOf(draft.id),
    type,
    request,
    decision: type === 'outcome' ? uuidOf(members.decision) : null,
    cth: type === 'chain' ? members.cth : null,
    effect: type === 'decision' ? members.effect : undefined,
    owed: owesOutcome(draft),
    cost: type === 'outcome' ? (priceOf(members)?.amount ?? null) : null,
    tokens: type === 'outcome' ? (members.usage ?? null) : null,
  };
}

/** The disclosures as stored. Each opens a commitment of the event, none twice: else the export would not verify. */
function checkedDisclosures(
  event: object,
  disclosures: AuditDraft['disclosures'],
  crypto: CryptoProvider,
): string | undefined {
  if (disclosures.length === 0) return undefined;
  if (disclosures.length > MAX_DISCLOSURES) throw new DraftError('TOO_LARGE', 'too many disclosures');
  try {
    openDisclosures(event as AuditEvent, disclosures, crypto);
  } catch (cause) {
    throw new DraftError('MALFORMED', 'a disclosure does not open its commitment', cause);
  }
  const bytes = canonicalDraft(disclosures);
  if (bytes.length > MAX_DISCLOSED_BYTES) throw new DraftError('TOO_LARGE', 'disclosures of too many bytes');
  return decodeUtf8(bytes);
}

function canonicalDraft(value: unknown): Uint8Array {
  try {
    return canonicalBytes(value);
  } catch (cause) {
    throw new DraftError('MALFORMED', 'an event that has no canonical form', cause);
  }
}
