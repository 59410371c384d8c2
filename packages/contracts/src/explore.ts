import { type Static, Type } from 'typebox';
import { EVENTS } from './audit.js';
import { ProblemCodeSchema } from './decision.js';
import { ServerName, ToolName } from './policy-name.js';
import { ascii, CLOSED, Did, Hash43, Op, Positive, Time } from './primitive.js';
import { DECISION_CODES } from './problem-code.js';

const EVENT_TYPES = Object.keys(EVENTS) as (keyof typeof EVENTS)[];
const { surface } = EVENTS.decision.properties;

/** What events are asked for by (AUD-65). Each member that is there narrows it; an outcome is found by what its
 *  decision is found by. */
export const EventFilter = Type.Object(
  {
    /** `principal.sub`. */
    agent: Type.Optional(Did),
    /** The `cth` of a chain, or the `lid` of a link: then every call under any chain that holds it, and what revoked it. */
    capability: Type.Optional(Hash43),
    server: Type.Optional(ServerName),
    tool: Type.Optional(ToolName),
    op: Type.Optional(Op),
    surface: Type.Optional(surface),
    effect: Type.Optional(Type.Union([Type.Literal('allow'), Type.Literal('deny')])),
    /** Of a denied decision, or of denials that were summed up. */
    code: Type.Optional(Type.Enum([...DECISION_CODES, 'UNAUTHENTICATED', 'FORBIDDEN'] as const)),
    /** How a call ended. */
    status: Type.Optional(EVENTS.outcome.properties.status),
    type: Type.Optional(Type.Enum(EVENT_TYPES)),
    /** The first moment. */
    since: Type.Optional(Time),
    /** The moment after the last. */
    until: Type.Optional(Time),
    /** Least amount an outcome came to, in micro-units of its currency. */
    min_cost: Type.Optional(Positive),
    currency: Type.Optional(ascii('^[A-Z]{3}$', 3, 'ISO 4217 code')),
  },
  CLOSED,
);
export type EventFilter = Static<typeof EventFilter>;

/** In which order events come. */
export const EventOrder = Type.Union([Type.Literal('newest'), Type.Literal('oldest')]);
export type EventOrder = Static<typeof EventOrder>;

/** Why a stream ended (AUD-68). */
export const StreamEnd = Type.Object({ code: ProblemCodeSchema, reason: Type.String() }, CLOSED);
export type StreamEnd = Static<typeof StreamEnd>;
