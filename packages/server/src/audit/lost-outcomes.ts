import { parseJson } from '@talosprotocol/protocol';
import type { AuditDraft, DraftPrincipal } from './draft.js';
import type { AuditStore, OwedRow } from './store.js';

export interface LostDeps {
  readonly store: AuditStore;
  readonly record: (draft: AuditDraft) => Promise<unknown>;
  readonly newId: () => string;
  readonly tenant: string;
}

const CHUNK = 256;

/** At a start: whatever became of the writes that an earlier run allowed, nobody recorded it (AUD-7). */
export async function recordLost({ store, record, newId, tenant }: LostDeps): Promise<void> {
  for (;;) {
    const owed = await store.owed(CHUNK);
    if (owed.length === 0) return;
    await Promise.all(owed.map((row) => record({ ...lostOutcome(row), id: newId(), tenant })));
  }
}

function lostOutcome({
  decision,
  request,
  principal,
}: OwedRow): Omit<AuditDraft<'outcome'>, 'id' | 'tenant'> {
  return {
    type: 'outcome',
    principal: principal === null ? null : (parseJson(principal) as unknown as DraftPrincipal),
    members: {
      request: `req_${request}`,
      decision: `evt_${decision}`,
      status: 'lost',
      response_hash: null,
    },
    disclosures: [],
  };
}
