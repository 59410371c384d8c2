import type { AuditBatch, AuditBatchAnswer, AuditState } from '@talosprotocol/contracts';
import { isTrustError, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import { UnsureError } from '../platform/unsure-error.js';
import type { DenialSource } from './denials.js';
import type { AuditDraft, RecordedEvent } from './draft.js';
import { DraftError } from './draft-error.js';
import type { Audit } from './service.js';

/** Takes the events of other nodes. */
export interface Intake {
  /** Every entry is handed in before any is waited for, in order; resolves when each is durable or refused. A batch that
   *  its node sends again gives what the first came to. `node` names the run that sends (`<node>.<boot>`).
   *  @throws {TrustError} CONFLICT: a batch of before the last one; MALFORMED */
  take(node: string, batch: AuditBatch): Promise<AuditBatchAnswer>;
  state(): AuditState;
}

/** Nodes whose last batch is remembered. */
const MAX_NODES = 1024;
/** What only the log itself says. */
const OWN_TYPES: readonly string[] = [
  'log.opened',
  'log.counted',
  'denials',
  'disclosures.erased',
  'log.pruned',
];

type Results = AuditBatchAnswer['results'];
type Result = Results[number];

export function createIntake(audit: Audit, log: Log): Intake {
  const last = new Map<string, { readonly batch: number; readonly results: Promise<Results> }>();
  const state = (): AuditState => ({
    read: refusalOf(() => audit.assertAccepting('read')),
    write: refusalOf(() => audit.assertAccepting('write')),
    ready: refusalOf(() => audit.assertReady()) === null,
  });
  const hand = (node: string, { draft: sent, source }: AuditBatch['entries'][number]) => {
    const draft = { ...sent, node } as unknown as AuditDraft;
    if (source === undefined) return audit.record(draft);
    return audit.recordDenial(draft as AuditDraft<'decision'>, source as DenialSource);
  };
  const record = (node: string, { entries }: AuditBatch): Promise<Results> =>
    Promise.all(entries.map((entry) => hand(node, entry).then(resultOf, (error) => errorOf(error, log))));
  return {
    state,
    take: async (node, batch) => {
      for (const { draft } of batch.entries) {
        if (OWN_TYPES.includes(draft.type))
          throw new TrustError('MALFORMED', `nobody hands in ${draft.type}`);
      }
      const before = last.get(node);
      if (before !== undefined && batch.batch < before.batch) {
        throw new TrustError('CONFLICT', 'a later batch of this node was taken already');
      }
      const isAgain = before?.batch === batch.batch;
      const results = isAgain ? before.results : record(node, batch);
      remember(last, node, { batch: batch.batch, results });
      return { results: await results, state: state() };
    },
  };
}

function remember<V>(last: Map<string, V>, node: string, value: V): void {
  last.delete(node);
  const [oldest] = last.size >= MAX_NODES ? last.keys() : [];
  if (oldest !== undefined) last.delete(oldest);
  last.set(node, value);
}

function resultOf(event: RecordedEvent | undefined): Result {
  return { event: event === undefined ? null : { id: event.id, index: event.index } };
}

function errorOf(error: unknown, log: Log): Result {
  if (error instanceof DraftError) {
    log.error('an event of a node was refused', { err: error });
    return { error: { code: error.code, reason: error.message, unsure: false } };
  }
  if (!isTrustError(error)) {
    log.error('an event of a node was refused', { err: error });
    return { error: { code: 'INTERNAL', unsure: false } };
  }
  return { error: { ...shown(error), unsure: error instanceof UnsureError } };
}

function refusalOf(assert: () => void): AuditState['read'] {
  try {
    assert();
    return null;
  } catch (error) {
    return isTrustError(error) ? shown(error) : { code: 'INTERNAL' };
  }
}

/** What other nodes are told of a refusal. */
export function shown({ code, data: { reason, hint } }: TrustError) {
  return { code, ...(reason === undefined ? {} : { reason }), ...(hint === undefined ? {} : { hint }) };
}
