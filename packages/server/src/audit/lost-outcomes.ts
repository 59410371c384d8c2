import { parseJson } from '@talosprotocol/protocol';
import type { AuditDraft, DraftPrincipal } from './draft.js';
import type { AuditStore, OwedRow } from './store.js';

export interface LostDeps {
  readonly store: AuditStore;
  readonly record: (draft: AuditDraft) => Promise<unknown>;
  readonly newId: () => string;
  readonly tenant: string;
  /** The runs of nodes that may still say what became of their writes. */
  readonly running: () => Promise<readonly string[]>;
}

const CHUNK = 256;

/** Whatever became of the writes, and of the calls with a price, that a run allowed which is over, nobody recorded it (AUD-7): at a start those of this
 *  process's earlier runs (`own`), at any time those of nodes that are gone. */
export async function recordLost(
  { store, record, newId, tenant, running }: LostDeps,
  own: boolean,
): Promise<void> {
  const living = await running();
  for (;;) {
    const owed = await store.owed(CHUNK, living, own);
    if (owed.length === 0) return;
    await Promise.all(owed.map((row) => record({ ...lostOutcome(row), id: newId(), tenant })));
  }
}

function lostOutcome({
  decision,
  request,
  principal,
  held,
}: OwedRow): Omit<AuditDraft<'outcome'>, 'id' | 'tenant'> {
  return {
    type: 'outcome',
    principal: principal === null ? null : (parseJson(principal) as unknown as DraftPrincipal),
    members: {
      request: `req_${request}`,
      decision: `evt_${decision}`,
      status: 'lost',
      response_hash: null,
      // Nobody says what it came to: what was held stays counted (CAP-21).
      ...(held === null ? {} : { cost: held }),
    },
    disclosures: [],
  };
}
