import type { Erasure, ErasureRequest, Principal } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  commit,
  createUuidv7,
  disclose,
  formatTime,
  parseTime,
  TrustError,
} from '@talosprotocol/protocol';
import { createEntrance } from '../platform/entrance.js';
import type { Log } from '../platform/log.js';
import { createOutbox } from '../platform/outbox.js';
import type { Sql } from '../platform/sql.js';
import type { Clock, Random } from '../platform/system.js';
import type { Task } from '../platform/tasks.js';
import { type AuditDraft, uuidOf } from './draft.js';
import { createErasureStore, type ErasureJob, type Selection } from './erasure-store.js';
import { OUTBOX_TABLE } from './outbox-table.js';
import { createSteadyClock, DOUBT, type SteadyClock } from './pruning/steady-clock.js';
import type { AuditStore } from './store.js';

/** Who asked for it, as the log keeps it. */
export type Eraser = Pick<Principal, 'kind' | 'id' | 'how'>;

/** Forgets what opens commitments, on request and by age. What is proven stays so, and that it was done is in the log. */
export interface Erasures {
  /** Of one event. @throws {TrustError} NOT_FOUND; CONFLICT: it says who erased; UNAVAILABLE */
  eraseEvent(id: string, by: Eraser): Promise<Erasure>;
  /** Of an agent, or of one who administered, within a time. @throws {TrustError} MALFORMED | UNAVAILABLE */
  eraseOf(request: ErasureRequest, by: Eraser): Promise<Erasure>;
  /** Goes on with what was left, and begins to forget what is old; gives what is to be done again and again. `lastMs` is the
   *  time of the last event before this start. */
  start(lastMs: number): readonly Task[];
  stop(): Promise<void>;
}

export interface ErasuresDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly log: Log;
  readonly tenant: string;
  readonly store: Pick<AuditStore, 'eventById'>;
  /** @throws {TrustError} UNAVAILABLE: no event is taken now, so nothing is erased */
  readonly assertAccepting: () => void;
  readonly record: (draft: AuditDraft) => Promise<unknown>;
  /** How long disclosures are kept, in milliseconds; for ever if it does not say. */
  readonly retention?: () => { readonly disclosuresMs?: number };
}

/** Requests that wait for the one before. */
const WAITING = 16;
const OFTEN_MS = 5_000;
const MINUTE_MS = 60_000;
const HOURLY_MS = 3_600_000;

export function createErasures(deps: ErasuresDeps): Erasures {
  const { sql, clock, random, log } = deps;
  const store = createErasureStore(sql);
  const outbox = createOutbox<AuditDraft<'disclosures.erased'>>({ ...deps, table: OUTBOX_TABLE });
  // One after the other: each keeps the database busy.
  const { enter: inTurn, idle } = createEntrance({ inside: 1, waiting: WAITING });
  let stopped = false;

  const finish = async (begun: ErasureJob): Promise<Erasure> => {
    let job = begun;
    for await (const piece of store.pieces(begun)) {
      if (stopped) throw new TrustError('UNAVAILABLE', 'the rest is erased at the next start');
      job = await store.advance(job, piece);
    }
    await store.end(job, async (tx) => {
      if (job.erased > 0) await outbox.put(tx, [eventOf(job, deps)]);
    });
    if (job.erased === 0) return { erased: 0, event: null };
    const event = `evt_${job.id}`;
    await outbox.deliver(event).catch((err: unknown) => log.warn('the event of an erasure waits', { err }));
    // Nobody waits for it: it may take long, and what it would make room of is read by nobody.
    void store.vacuum().catch((err: unknown) => log.warn('erased rows were not cleared away', { err }));
    return { erased: job.erased, event };
  };
  const erase = (selection: Selection, by?: Eraser): Promise<Erasure> => {
    deps.assertAccepting();
    const id = createUuidv7(clock.now(), random(16));
    const actor = by === undefined ? null : JSON.stringify({ kind: by.kind, id: by.id, how: by.how });
    return inTurn(async () => finish(await store.begin({ id, selection, actor })));
  };
  /** Whoever has its turn finishes or fails: what is there then was left. One that fails again leaves the others theirs. */
  const goOn = (): Promise<void> =>
    inTurn(async () => {
      for (const job of await store.left()) {
        if (stopped) return;
        await finish(job).catch((err: unknown) => log.warn('an erasure was not finished', { err }));
      }
    });
  const forgetOld = async (steady: SteadyClock): Promise<void> => {
    const kept = deps.retention?.().disclosuresMs;
    const isSteady = steady.isSteady();
    if (kept === undefined) return;
    // What is forgotten by mistake comes back for nobody.
    if (!isSteady) throw new TrustError('UNAVAILABLE', DOUBT);
    await erase({ of: 'age', to: Math.floor(clock.now() - kept) });
  };
  return {
    eraseEvent: async (id, by) => {
      const row = await deps.store.eventById(uuidOf(id));
      if (row === undefined) throw new TrustError('NOT_FOUND', 'there is no such event');
      if ((JSON.parse(row.event) as { type: string }).type === 'disclosures.erased')
        throw new TrustError('CONFLICT', 'who erased stays known until that is old');
      return erase({ of: 'event', event: row.id }, by);
    },
    eraseOf: (request, by) => erase(selectionOf(request, clock.now()), by),
    start: (lastMs) => {
      const steady = createSteadyClock(clock, lastMs);
      const warn = (err: unknown): void => log.warn('an erasure was not finished', { err });
      void Promise.all([goOn(), forgetOld(steady)]).catch(warn);
      return [
        { name: 'outbox of erasures', everyMs: OFTEN_MS, run: outbox.drain },
        { name: 'erasures that were left', everyMs: MINUTE_MS, run: goOn },
        { name: 'old disclosures', everyMs: HOURLY_MS, run: () => forgetOld(steady) },
      ];
    },
    stop: async () => {
      stopped = true;
      await idle();
    },
  };
}

/** @throws {TrustError} MALFORMED */
function selectionOf(request: ErasureRequest, now: number): Selection {
  const from = request.from === undefined ? 0 : parseTime(request.from);
  const to = Math.min(Math.floor(now) + 1, request.to === undefined ? Infinity : parseTime(request.to));
  if ('agent' in request) return { of: 'agent', agent: request.agent, from, to };
  const { administrator: who } = request;
  const whole = who.kind === 'person' ? `${who.issuer} ${who.id}` : who.id;
  const parts = who.kind === 'person' ? ([who.issuer, who.id] as const) : ([who.id, who.id] as const);
  return { of: 'administrator', whole, parts, from, to };
}

/** What is in the log: whose disclosures were erased and by whom, and nothing of what they were. */
function eventOf(
  { id, selection, actor, erased }: ErasureJob,
  { tenant, random, crypto }: ErasuresDeps,
): AuditDraft<'disclosures.erased'> {
  const { of } = selection;
  const time = (ms: number | undefined): string | null =>
    ms === undefined || ms === 0 ? null : formatTime(ms);
  const salt = random(32);
  const who: unknown = actor === null ? undefined : JSON.parse(actor);
  return {
    id: `evt_${id}`,
    type: 'disclosures.erased',
    tenant,
    principal: null,
    members: {
      of,
      event: of === 'event' ? `evt_${selection.event}` : null,
      agent: of === 'agent' ? selection.agent : null,
      from: time('from' in selection ? selection.from : undefined),
      to: time('to' in selection ? selection.to : undefined),
      count: erased,
      ...(who === undefined ? {} : { actor: commit('/actor', who, salt, crypto) }),
    },
    disclosures: who === undefined ? [] : [disclose('/actor', who, salt)],
  };
}
