import type { AuditEvent, EventPrincipal } from '@talosprotocol/contracts';
import { canonicalize, parseJsonObject } from '@talosprotocol/protocol';
import { type AuditDraft, type DraftPrincipal, isOurs, type RecordedEvent } from './draft.js';
import { DraftError } from './draft-error.js';

/** An event that was recorded before, and what it says: asked for only if its id comes again, undefined if that is pruned. */
export interface KnownEvent {
  readonly event: RecordedEvent;
  readonly content: () => string | undefined;
}

/** What a draft says, without what the log adds to it. */
export function contentOf({
  type,
  tenant,
  principal,
  members,
}: Omit<AuditDraft, 'id' | 'disclosures'>): string {
  return canonicalize({ type, tenant, principal, members });
}

/** The same of an event of the log. */
export function contentOfEvent(event: string): string {
  return contentOf(draftOf(parseJsonObject(event) as unknown as AuditEvent));
}

/** The draft that an event of the log was made of, without its disclosures and where it came from. */
export function draftOf(event: AuditEvent): AuditDraft {
  const { id, type, tenant, principal, ...rest } = event;
  const members = Object.fromEntries(Object.entries(rest).filter(([name]) => !isOurs(type, name)));
  const who = principal && withoutCount(principal);
  return { id, type, tenant, principal: who, members, disclosures: [] } as unknown as AuditDraft;
}

function withoutCount({ pseq: _, ...principal }: EventPrincipal): DraftPrincipal {
  return principal as DraftPrincipal;
}

/** Under an id that is taken only the same is handed in again: whoever gets another one's place would take it for its own.
 *  An outcome has its decision's place, whoever writes it, so only of an equal id is anything compared.
 *  @throws {DraftError} CONFLICT */
export function assertSame(known: KnownEvent, draft: AuditDraft): void {
  if (known.event.id !== draft.id) return;
  const content = known.content();
  if (content === undefined || content === contentOf(draft)) return;
  throw new DraftError('CONFLICT', 'another event has this id');
}
