import { setTimeout as sleep } from 'node:timers/promises';
import { TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Clock } from '../../platform/system.js';
import { createDelivery, down, full, toError } from './delivery.js';
import { entryText } from './queue.js';
import type { AuditWire } from './wire.js';

type Audit = import('../../audit/service.js').Audit;
type AuditDraft = import('../../audit/draft.js').AuditDraft;

/** What the rooms of a process need of the audit room, be it here or in another process. */
export type AuditPort = Pick<
  Audit,
  'record' | 'recordDenial' | 'assertAccepting' | 'assertReady' | 'findRequest' | 'recordPolicy'
>;

/** The audit room of another process. Every event is durable there before `record` resolves, once, in the order in which
 *  it was handed in here. While that process does not answer, everything is refused. */
export interface AuditLink extends AuditPort {
  /** Waits until an audit process answers. @throws {TrustError} UNAVAILABLE: none does */
  start(limitMs?: number): Promise<void>;
  /** Hands in what waits, and ends. */
  stop(): Promise<void>;
}

export interface AuditLinkDeps {
  readonly wire: AuditWire;
  readonly clock: Clock;
  readonly log: Log;
}

const ASK_MS = 1_000;
const START_MS = 10_000;

export function createAuditLink(deps: AuditLinkDeps): AuditLink {
  const { wire, clock } = deps;
  const delivery = createDelivery(deps);
  const asking = askAgain(wire, deps.log);
  const assertAccepting = (op: 'read' | 'write'): void => {
    const state = wire.state();
    if (state === undefined) throw down();
    const refusal = state[op];
    if (refusal !== null) throw toError(refusal);
    if (delivery.isFull('main')) throw full();
  };
  return {
    assertAccepting,
    assertReady: () => {
      assertAccepting('read');
      if (wire.state()?.ready !== true) throw down();
    },
    record: ((draft: AuditDraft) =>
      delivery.add(entryText(draft), draft.type === 'outcome' ? 'owed' : 'main')) as Audit['record'],
    recordDenial: (draft, source) => delivery.add(entryText(draft, source), 'denial'),
    recordPolicy: ({ hash, anchors }) => wire.recordPolicy({ hash, anchors: [...anchors] }),
    findRequest: wire.findRequest,
    start: async (limitMs = START_MS) => {
      const limit = clock.monotonic() + limitMs;
      while (wire.state() === undefined) {
        await wire.ask().catch(async (error: unknown) => {
          if (clock.monotonic() >= limit) throw noAudit(error);
          await sleep(ASK_MS / 10);
        });
      }
      asking.start();
    },
    stop: async () => {
      await delivery.flush();
      delivery.close();
      await asking.stop();
    },
  };
}

function noAudit(cause: unknown): TrustError {
  const hint =
    'start one on the same database, with the same keys: `server audit`; or this one as `server all`';
  return new TrustError('UNAVAILABLE', 'no audit process answers on this database', { hint }, cause);
}

function askAgain({ ask }: AuditWire, log: Log): { start(): void; stop(): Promise<void> } {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sleep(ASK_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      await ask().catch((err: unknown) => log.warn('the audit process does not answer', { err }));
    }
  };
  return {
    start: () => {
      running = run();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
