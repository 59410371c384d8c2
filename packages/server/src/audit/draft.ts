import type { Disclosure, EventOf, EventType } from '@talosprotocol/contracts';

/** What the sequencer adds to every event (AUD-1), or takes from the draft. */
type Added = 'v' | 'id' | 'time' | 'type' | 'origin' | 'tenant' | 'emitter' | 'eseq' | 'prev' | 'principal';

/** The further members of a type (AUD-4); of a decision without `source`, which follows from the address. */
type DraftMembers<T extends EventType> = T extends 'decision'
  ? Omit<EventOf<T>, Added | 'source'>
  : Omit<EventOf<T>, Added>;

/** For whom it was done, before the sequencer counts it. */
export interface DraftPrincipal {
  readonly sub: string;
  readonly prn?: string;
}

/** An event as rooms hand it in. */
export type AuditDraft<T extends EventType = EventType> = T extends EventType
  ? {
      /** `evt_<UUIDv7>`: the same draft handed in again is recorded once. */
      readonly id: string;
      readonly type: T;
      readonly tenant: string;
      readonly principal: DraftPrincipal | null;
      readonly members: DraftMembers<T>;
      readonly disclosures: readonly Disclosure[];
      /** Unix milliseconds of the moments for which a verifier accepts what it tells, the last one excluded (AUD-22). The
       *  time of an event is that of its record: a draft that would get another one is refused. */
      readonly notBefore?: number;
      readonly notAfter?: number;
      /** The client's address; never recorded itself (AUD-5). */
      readonly address?: string;
      /** The run of the node that handed it in (`<node>.<boot>`); absent if that is this process. */
      readonly node?: string;
    }
  : never;

/** Where an event stands in the log. */
export interface RecordedEvent {
  readonly id: string;
  readonly index: number;
}

const OURS: readonly string[] = 'v id time type origin tenant emitter eseq prev principal'.split(' ');

/** True of a member that the log adds to an event of this type: who recorded it, when, where it stands, from where. */
export function isOurs(type: string, name: string): boolean {
  return OURS.includes(name) || (type === 'decision' && name === 'source');
}

/** True if a call that changes something follows this draft: it must not be recorded without an outcome. */
export function isAllowedWrite(draft: AuditDraft): draft is AuditDraft<'decision'> {
  return draft.type === 'decision' && draft.members.effect === 'allow' && draft.members.action.op === 'write';
}

/** True if an outcome must follow this draft, whatever happens: of what changes something, and of what costs. */
export function owesOutcome(draft: AuditDraft): boolean {
  if (draft.type !== 'decision' || draft.members.effect !== 'allow') return false;
  return draft.members.action.op === 'write' || draft.members.held !== undefined;
}

/** The chain an event refers to, which must be in the log before it (AUD-4). */
export function chainOf(draft: AuditDraft): string | undefined {
  if (draft.type === 'decision') return draft.members.credential.cth;
  return draft.type === 'session.opened' || draft.type === 'capability.issued'
    ? draft.members.cth
    : undefined;
}

/** The UUID of an id with a prefix: `evt_`, `rcp_`, `req_`. */
export function uuidOf(id: string): string {
  return id.slice(4);
}
