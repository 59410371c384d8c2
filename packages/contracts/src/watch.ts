import { type Static, Type } from 'typebox';
import {
  ascii,
  CLOSED,
  Count,
  Did,
  EventId,
  Hash43,
  HexHash,
  Positive,
  TenantName,
  Time,
  text,
} from './primitive.js';
import { SplitView } from './witness.js';

/** What a monitor finds wrong with a log (AUD-98). */
export const FINDING_KINDS = [
  'unreachable',
  'signature',
  'rollback',
  'fork',
  'split-view',
  'frozen',
  'tiles',
  'entries',
  'events',
  'witnesses',
] as const;

const note = text(65_536);
/** Also of logs that are not ours. */
const origin = text(1_024);
const place = text(2_048);
const Milliseconds = Count;

/** Two signed checkpoints that an honest log shows in another order, where nothing more could be proven (AUD-98). */
export const Conflict = Type.Object(
  {
    format: Type.Literal('talos-conflict-v1'),
    /** In the order in which they were seen. */
    seen: Type.Array(note, { minItems: 2, maxItems: 2 }),
  },
  CLOSED,
);
export type Conflict = Static<typeof Conflict>;

const FINDING = {
  kind: Type.Enum(FINDING_KINDS),
  url: place,
  detail: text(4_096),
};
const Finding = Type.Object(FINDING, CLOSED);

/** Told when something is found, and when it is found no more (AUD-98): the body of a webhook. */
export const WatchAlert = Type.Object(
  {
    format: Type.Literal('talos-alert-v1'),
    id: ascii(
      '^alr_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
      40,
      'id of an alert: the same alert may come twice, under one id',
    ),
    time: Time,
    state: Type.Union([Type.Literal('raised'), Type.Literal('ended')]),
    origin,
    ...FINDING,
    /** Entries of the history that is followed. */
    size: Count,
    evidence: Type.Optional(Type.Union([SplitView, Conflict])),
  },
  CLOSED,
);
export type WatchAlert = Static<typeof WatchAlert>;

const Target = text(2_048);
const Indexes = Type.Array(Count, { maxItems: 65_536 });

/** What the log's own counts are held against (AUD-55). */
const Counts = Type.Object(
  {
    from: Count,
    isWhole: Type.Boolean(),
    endings: Type.Array(Type.Tuple([Target, Positive]), { maxItems: 65_536 }),
    subjects: Type.Array(Type.Tuple([Did, Indexes]), { maxItems: 65_536 }),
    targets: Type.Array(Type.Tuple([Target, Indexes]), { maxItems: 65_536 }),
  },
  CLOSED,
);

/** What is held against whom events are booked on (AUD-22). */
const Bookings = Type.Object(
  {
    isWhole: Type.Boolean(),
    chains: Type.Array(Type.Tuple([Hash43, HexHash]), { maxItems: 65_536 }),
    calls: Type.Array(Type.Tuple([EventId, HexHash]), { maxItems: 16_384 }),
  },
  CLOSED,
);

/** Where a walk over entries stands. */
const Walk = Type.Object(
  {
    next: Count,
    boot: Count,
    tenant: Type.Union([TenantName, Type.Null()]),
    emitters: Type.Array(
      Type.Tuple([Did, Type.Object({ eseq: Positive, hash: HexHash, time: Milliseconds }, CLOSED)]),
      { maxItems: 1_024 },
    ),
    subjects: Type.Array(Type.Tuple([Did, Positive]), { maxItems: 65_536 }),
    partial: Type.Boolean(),
    /** Absent in what was kept before counts were looked at. */
    counts: Type.Optional(Counts),
    /** Absent in what was kept before it was looked at whom events are booked on. */
    bookings: Type.Optional(Bookings),
  },
  CLOSED,
);

/** Largest file of a monitor's state, in bytes. */
export const MAX_WATCH_BYTES = 67_108_864;
/** Alerts that may wait for a webhook, and likewise for being told. */
export const MAX_WAITING_ALERTS = 256;

/** What a monitor remembers over restarts: what it saw, what it told, and what is still to be told. */
export const WatchState = Type.Object(
  {
    format: Type.Literal('talos-watch-v1'),
    monitor: Type.Object(
      {
        origin,
        note: Type.Union([note, Type.Null()]),
        fresh: Milliseconds,
        witnessed: Milliseconds,
        failing: Type.Array(Type.Tuple([place, Milliseconds]), { maxItems: 64 }),
        ahead: Type.Array(Type.Tuple([place, note]), { maxItems: 64 }),
        proven: Type.Array(Finding, { maxItems: 64 }),
        walk: Walk,
      },
      CLOSED,
    ),
    /** What was raised and has not ended. */
    raised: Type.Array(Finding, { maxItems: 1_024 }),
    /** What the webhook has not taken. */
    waiting: Type.Array(WatchAlert, { maxItems: MAX_WAITING_ALERTS }),
    /** What was raised or ended and not said yet, or has evidence that lies in no file yet; absent if there is nothing. */
    untold: Type.Optional(Type.Array(WatchAlert, { maxItems: MAX_WAITING_ALERTS })),
  },
  CLOSED,
);
export type WatchState = Static<typeof WatchState>;
