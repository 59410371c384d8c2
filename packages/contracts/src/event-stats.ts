import { type Static, Type } from 'typebox';
import { ascii, CLOSED, Count, Time } from './primitive.js';

/** Lengths of the stretches of time that are counted by themselves; they begin at whole ones in UTC. */
export const StatsBucket = Type.Union([Type.Literal('minute'), Type.Literal('hour'), Type.Literal('day')]);
export type StatsBucket = Static<typeof StatsBucket>;

/** By what events are counted (AUD-121): a `tool` is `server/tool`, a `capability` the `cth` of a chain. */
export const StatsBy = Type.Union([
  Type.Literal('agent'),
  Type.Literal('capability'),
  Type.Literal('server'),
  Type.Literal('tool'),
  Type.Literal('effect'),
  Type.Literal('code'),
  Type.Literal('status'),
]);
export type StatsBy = Static<typeof StatsBy>;

/** A sum of micro-units in decimal digits: it may be more than a JSON number holds exactly. */
const StatsCost = Type.Object(
  {
    amount: ascii('^(?:0|[1-9][0-9]{0,63})$', 64, 'decimal digits of micro-units'),
    currency: ascii('^[A-Z]{3}$', 3, 'ISO 4217 code'),
  },
  CLOSED,
);

const SUMS = {
  events: Count,
  /** Decisions among them, by their `effect`. */
  allowed: Count,
  denied: Count,
  /** What outcomes among them came to, by currency. */
  cost: Type.Array(StatsCost),
  /** Tokens that models read and wrote, as outcomes have them. */
  tokens: Type.Object({ input: Count, output: Count }, CLOSED),
};

/** What was counted in one bucket. */
export const StatsPoint = Type.Object({ start: Time, ...SUMS }, CLOSED);
export type StatsPoint = Static<typeof StatsPoint>;

const SERIES = {
  ...SUMS,
  /** Buckets in which there is something, oldest first. */
  points: Type.Array(StatsPoint, { maxItems: 400 }),
};

const Series = Type.Object(SERIES, CLOSED);
/** Sums over a span of time, and of each bucket in it. */
export type StatsSeries = Static<typeof Series>;

/** Events counted over time, by one of their members (AUD-120 to AUD-123). */
export const EventStats = Type.Object(
  {
    bucket: StatsBucket,
    /** The first bucket begins here, the last one ends here. */
    since: Time,
    until: Time,
    /** What is counted: the events from index `from` up to, not including, `to`, of a log of `size`. */
    counted: Type.Object({ from: Count, to: Count, size: Count }, CLOSED),
    total: Series,
    by: Type.Optional(StatsBy),
    /** The values with most events, at most as many as were asked for. */
    groups: Type.Array(Type.Object({ value: Type.String(), ...SERIES }, CLOSED), { maxItems: 50 }),
    /** Events that have no such member. */
    none: Type.Optional(Series),
    /** All other events: `values` values with fewer events, and `unnamed` events of values that came when there were
     *  too many. If that is not 0, a group may have had up to so many more. */
    others: Type.Optional(Type.Object({ values: Count, unnamed: Count, ...SERIES }, CLOSED)),
  },
  CLOSED,
);
export type EventStats = Static<typeof EventStats>;

/** What is counted, and how it is told (AUD-120). */
export const StatsQuery = Type.Object(
  {
    /** `hour` by default. */
    bucket: Type.Optional(StatsBucket),
    since: Type.Optional(Time),
    until: Type.Optional(Time),
    by: Type.Optional(StatsBy),
    /** The one value that is told by itself. */
    value: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 })),
    /** How many values are told by themselves; 10 by default, or fewer in many buckets. */
    top: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })),
  },
  CLOSED,
);
export type StatsQuery = Static<typeof StatsQuery>;
