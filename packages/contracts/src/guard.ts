import { type Static, Type } from 'typebox';
import { BUDGET_NAME } from './budget.js';
import { ascii, CLOSED, Count, text } from './primitive.js';
import { SecretName } from './secret.js';

/** What a guard looks for. */
export const GuardKind = Type.Union([
  Type.Literal('secrets'),
  Type.Literal('personal'),
  Type.Literal('injection'),
  Type.Literal('deny'),
  Type.Literal('size'),
  Type.Literal('schema'),
  Type.Literal('external'),
]);
export type GuardKind = Static<typeof GuardKind>;

/** Where a guard looks: at what is asked, at results of tools in it, at what is answered. */
export const GuardPlace = Type.Union([
  Type.Literal('prompt'),
  Type.Literal('tool-result'),
  Type.Literal('answer'),
]);
export type GuardPlace = Static<typeof GuardPlace>;

/** What is done about what is found. */
export const GuardAction = Type.Union([Type.Literal('flag'), Type.Literal('mask'), Type.Literal('block')]);
export type GuardAction = Static<typeof GuardAction>;

const PersonalType = Type.Union([
  Type.Literal('email'),
  Type.Literal('phone'),
  Type.Literal('card'),
  Type.Literal('iban'),
  Type.Literal('ssn'),
  Type.Literal('ip'),
]);

const characters = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 67_108_864, description: 'most characters there' }),
);

/** One guard (GRD-1). Of `documents`, `types`, `country`, `words`, `patterns`, `most`, `schema`, `url`, `key` and `insecure` it has those of its kind. */
export const Guard = Type.Object(
  {
    name: ascii(BUDGET_NAME, 64, 'name of a guard, as it is on record'),
    kind: GuardKind,
    at: Type.Optional(Type.Array(GuardPlace, { minItems: 1, maxItems: 3, uniqueItems: true })),
    model: Type.Optional(
      ascii('^[!-)+-~]{0,161}\\*?$', 162, 'provider/model, or the beginning of such names and a *'),
    ),
    action: GuardAction,
    onFailure: Type.Optional(
      Type.Union([Type.Literal('block'), Type.Literal('pass')], {
        default: 'block',
        description: 'what becomes of a call that the guard could not look at',
      }),
    ),
    documents: Type.Optional(
      Type.Union([Type.Literal('find'), Type.Literal('pass')], {
        default: 'find',
        description:
          'what a PDF in a request is to a guard that looks at requests: something it found, as nobody reads it here, or nothing',
      }),
    ),
    types: Type.Optional(Type.Array(PersonalType, { minItems: 1, maxItems: 6, uniqueItems: true })),
    country: Type.Optional(ascii('^[A-Z]{2}$', 2, 'whose telephone numbers need no country code')),
    words: Type.Optional(
      Type.Array(text(128, { minLength: 2 }), { minItems: 1, maxItems: 256, uniqueItems: true }),
    ),
    patterns: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }),
        text(512, { description: 'an expression of RE2' }),
        { ...CLOSED, maxProperties: 64, minProperties: 1 },
      ),
    ),
    most: Type.Optional(
      Type.Object(
        { prompt: characters, 'tool-result': characters, answer: characters },
        { ...CLOSED, minProperties: 1 },
      ),
    ),
    schema: Type.Optional(
      Type.Record(Type.String({ pattern: '^[$A-Za-z][A-Za-z0-9]{0,63}$' }), Type.Unknown(), {
        ...CLOSED,
        maxProperties: 64,
        description: 'JSON Schema 2020-12 that every text of the answer fits',
      }),
    ),
    url: Type.Optional(
      text(512, {
        pattern: '^https?://(?![^/]*@)[!-~]+$',
        description: 'asked by POST with what the guard looks at',
      }),
    ),
    key: Type.Optional(SecretName),
    insecure: Type.Optional(
      Type.Boolean({
        description: 'http to another host than this machine, over which others can read along',
      }),
    ),
    seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 60,
        default: 5,
        description: 'longest wait for an external guard',
      }),
    ),
  },
  CLOSED,
);
export type Guard = Static<typeof Guard>;

/** What one guard said of a call (GRD-7). */
export const GuardVerdict = Type.Object(
  {
    guard: ascii(BUDGET_NAME, 64, 'its name'),
    /** `allow` if it found nothing, or nothing that matters. */
    action: Type.Union([Type.Literal('allow'), GuardAction]),
    /** How many of what it found. */
    found: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }), Count, {
        ...CLOSED,
        maxProperties: 72,
      }),
    ),
    /** True if it could not look. */
    failed: Type.Optional(Type.Literal(true)),
  },
  CLOSED,
);
export type GuardVerdict = Static<typeof GuardVerdict>;
