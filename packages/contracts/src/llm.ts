import { type Static, Type } from 'typebox';
import { ascii, CLOSED, Count } from './primitive.js';

const rate = Type.Integer({
  minimum: 0,
  maximum: 1_000_000_000_000,
  description: 'micro-units of the currency for a million tokens',
});

/** What tokens of a model cost: whole micro-units for a million of them (AUD-126). What is absent costs as `input`. */
export const ModelRates = Type.Object(
  {
    currency: ascii('^[A-Z]{3}$', 3, 'ISO 4217 code'),
    input: rate,
    output: rate,
    cache_read: Type.Optional(rate),
    cache_write: Type.Optional(rate),
  },
  CLOSED,
);
export type ModelRates = Static<typeof ModelRates>;

/** Tokens of one call (AUD-126). `input` counts all that was read, from a cache and into it too; `output` all that was
 *  written, reasoning too. */
export const ModelUsage = Type.Object(
  {
    input: Count,
    output: Count,
    cache_read: Type.Optional(Count),
    cache_write: Type.Optional(Count),
    estimated: Type.Optional(
      Type.Literal(true, { description: 'the provider did not say; it is what was held, or less' }),
    ),
  },
  CLOSED,
);
export type ModelUsage = Static<typeof ModelUsage>;
