import { type Static, Type } from 'typebox';
import { BUDGET_NAME, BudgetFor } from './budget.js';
import { Cost } from './capability.js';
import { ascii, CLOSED, Count, Positive, Time } from './primitive.js';

const name = ascii(BUDGET_NAME, 64, 'name of a budget');
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description });

/** Most counters of one page. */
export const BUDGET_PAGE = 100;

/** Place in the list of counters: what was shown last. */
export const BudgetCursor = ascii('^[A-Za-z0-9_-]{1,1024}$', 1024, 'cursor of a page');

/** A budget as the policy in force has it, in its period of now. */
export const BudgetPeriod = Type.Object(
  {
    name,
    for: BudgetFor,
    mode: Type.Union([Type.Literal('hard'), Type.Literal('warn'), Type.Literal('off')]),
    surface: Type.Optional(Type.Union([Type.Literal('mcp'), Type.Literal('llm')])),
    model: Type.Optional(Type.String({ maxLength: 162 })),
    server: Type.Optional(Type.String({ maxLength: 32 })),
    per: Type.Union([Type.Literal('total'), Type.Literal('day'), Type.Literal('month')]),
    zone: ascii('^[A-Za-z][A-Za-z0-9_+/-]{0,63}$', 64, 'time zone of its days and months'),
    starts: orNull(Time, 'when the day or month began in its zone; null in total'),
    ends: orNull(Time, 'when it ends; null in total'),
    warn_at: Type.Array(Type.Integer({ minimum: 1, maximum: 100 }), { maxItems: 8 }),
  },
  CLOSED,
);
export type BudgetPeriod = Static<typeof BudgetPeriod>;

/** What a budget counted for one of those that it counts by itself. Money is micro-units of `currency`. */
export const BudgetCounter = Type.Object(
  {
    budget: name,
    subject: Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'whom it is counted for: all, a DID or prn, a lid, a team or a tag, by what `for` is',
    }),
    kind: Type.Union([Type.Literal('cost'), Type.Literal('tokens'), Type.Literal('calls')]),
    currency: Type.Optional(Cost.properties.currency),
    limit: Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'that holds now, with an override',
    }),
    override: orNull(
      Type.Object({ until: Time, usual: orNull(Positive, 'null: then it is not counted') }, CLOSED),
      'the limit is another than usual until then',
    ),
    used: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'spent, held by calls under way, and leased by processes: at most this was spent',
    }),
    leased: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'of what is used, what the process that answers took beforehand and has not spent',
    }),
    left: Count,
    percent: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'of the limit that is used, rounded down; above 100 where it warns only',
    }),
    mark: orNull(
      Type.Object({ percent: Type.Integer({ minimum: 1, maximum: 100 }), said: Time }, CLOSED),
      'the last mark of this period that was said to be reached, and when',
    ),
  },
  CLOSED,
);
export type BudgetCounter = Static<typeof BudgetCounter>;

/** Answer of `GET /talos/v1/budgets` (BUD-9); `next` is null on the last page. */
export const BudgetStatus = Type.Object(
  {
    at: Time,
    budgets: Type.Array(BudgetPeriod, { maxItems: 64 }),
    counters: Type.Array(BudgetCounter, { maxItems: BUDGET_PAGE }),
    next: Type.Union([BudgetCursor, Type.Null()]),
  },
  CLOSED,
);
export type BudgetStatus = Static<typeof BudgetStatus>;
