import { type Static, Type } from 'typebox';
import { Cost } from './capability.js';
import { SERVER_NAME } from './policy-name.js';
import { ascii, CLOSED, Did, Positive, Time } from './primitive.js';

/** Pattern of the name of a budget, a team or a tag. */
export const BUDGET_NAME = '^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$';

/** Whom a budget counts together: all calls, or each of these by itself. */
export const BudgetFor = Type.Union([
  Type.Literal('all'),
  Type.Literal('organization'),
  Type.Literal('principal'),
  Type.Literal('key'),
  Type.Literal('team'),
  Type.Literal('tag'),
]);
export type BudgetFor = Static<typeof BudgetFor>;

const amounts = {
  cost: Type.Optional(Cost),
  tokens: Type.Optional(Positive),
  calls: Type.Optional(Positive),
};

/** How much may be spent by whom (BUD-1); at least one of `cost`, `tokens`, `calls`. */
export const Budget = Type.Object(
  {
    name: ascii(BUDGET_NAME, 64, 'name of a budget; another name is another budget'),
    for: Type.Optional(BudgetFor),
    only: Type.Optional(
      Type.Array(ascii('^[!-~]{1,256}$', 256, 'a DID, a lid, a team or a tag, by what `for` is'), {
        minItems: 1,
        maxItems: 256,
        uniqueItems: true,
        description: 'absent: every one',
      }),
    ),
    surface: Type.Optional(Type.Union([Type.Literal('mcp'), Type.Literal('llm')])),
    model: Type.Optional(
      ascii('^[!-)+-~]{0,161}\\*?$', 162, 'provider/model, or the beginning of such names and a *'),
    ),
    server: Type.Optional(ascii(SERVER_NAME, 32, 'a tool server')),
    per: Type.Union([Type.Literal('total'), Type.Literal('day'), Type.Literal('month')]),
    zone: Type.Optional(
      ascii('^[A-Za-z][A-Za-z0-9_+/-]{0,63}$', 64, 'time zone of its days and months; absent: UTC'),
    ),
    ...amounts,
    mode: Type.Optional(
      Type.Union([Type.Literal('hard'), Type.Literal('warn'), Type.Literal('off')], {
        default: 'hard',
        description: 'hard refuses what does not fit; warn counts and says so; off does nothing',
      }),
    ),
    warnAt: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 100 }), {
        maxItems: 8,
        uniqueItems: true,
        description: 'per cent at which it is said that so much is used; absent: 80 and 100',
      }),
    ),
    override: Type.Optional(
      Type.Object(
        { ...amounts, until: Time },
        { ...CLOSED, description: 'other amounts until a moment, after which those above hold again' },
      ),
    ),
  },
  CLOSED,
);
export type Budget = Static<typeof Budget>;

/** Names, each with the DIDs that belong to it. */
export const DidGroups = Type.Record(
  Type.String({ pattern: BUDGET_NAME }),
  Type.Array(Did, { maxItems: 1024, uniqueItems: true }),
  { ...CLOSED, maxProperties: 256 },
);
export type DidGroups = Static<typeof DidGroups>;
