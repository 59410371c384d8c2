import { type Static, Type } from 'typebox';
import { ascii, CLOSED } from './primitive.js';

const upTo = (maximum: number, description: string) => Type.Integer({ minimum: 1, maximum, description });

/** So much a minute; what is not used is saved up to a burst. */
export const RateBucket = Type.Object(
  {
    perMinute: upTo(1_000_000_000, 'what flows in, evenly'),
    burst: Type.Optional(upTo(1_000_000_000, 'most that is saved; absent: what flows in a minute')),
  },
  CLOSED,
);
export type RateBucket = Static<typeof RateBucket>;

/** Each of whom has counters of his own. */
export const RatePer = Type.Union([
  Type.Literal('principal'),
  Type.Literal('key'),
  Type.Literal('model'),
  Type.Literal('address'),
  Type.Literal('surface'),
]);

/** One rate (LIM-1): whose calls it counts, which of them, and how many may be made. */
export const RateRule = Type.Object(
  {
    per: RatePer,
    surface: Type.Optional(Type.Union([Type.Literal('mcp'), Type.Literal('llm')])),
    model: Type.Optional(
      ascii('^[!-)+-~]{0,161}\\*?$', 162, 'provider/model, or the beginning of such names and a *'),
    ),
    requests: Type.Optional(RateBucket),
    tokens: Type.Optional(RateBucket),
    concurrent: Type.Optional(upTo(100_000, 'calls that run at one time')),
    onDown: Type.Optional(
      Type.Union([Type.Literal('deny'), Type.Literal('allow')], {
        default: 'deny',
        description: 'what becomes of a call while nobody can count; allow not in production',
      }),
    ),
  },
  CLOSED,
);
export type RateRule = Static<typeof RateRule>;
