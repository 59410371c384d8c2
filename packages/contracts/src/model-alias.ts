import { type Static, Type } from 'typebox';
import { ascii, CLOSED } from './primitive.js';

/** Pattern of the name of an alias: no slash, which parts a provider from its model. */
export const ALIAS_NAME = '^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$';

/** One of the models behind an alias. */
export const AliasTarget = Type.Object(
  {
    model: ascii(
      '^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?/[!-~]{1,128}$',
      161,
      '<provider>/<model>, the provider by its name in `providers`',
    ),
    weight: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: 1,
        description: 'its share, where `choose` is weight',
      }),
    ),
  },
  CLOSED,
);
export type AliasTarget = Static<typeof AliasTarget>;

/** A name that clients ask for, and the models of which one answers (LLM-27). */
export const ModelAlias = Type.Object(
  {
    models: Type.Array(AliasTarget, { minItems: 1, maxItems: 8 }),
    choose: Type.Optional(
      Type.Union([Type.Literal('order'), Type.Literal('weight'), Type.Literal('latency')], {
        default: 'order',
        description:
          'which is asked first: the first one, one by its weight, or the one that was quickest lately',
      }),
    ),
    fallback: Type.Optional(
      Type.Boolean({ default: true, description: 'whether the others are asked when one has no answer' }),
    ),
    hedgeAfterMs: Type.Optional(
      Type.Integer({
        minimum: 50,
        maximum: 600_000,
        description:
          'after how many milliseconds without an answer the next one is asked as well, so that a call may be paid for twice; absent: never',
      }),
    ),
  },
  CLOSED,
);
export type ModelAlias = Static<typeof ModelAlias>;
