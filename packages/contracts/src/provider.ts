import { type Static, Type } from 'typebox';
import { ModelRates } from './llm.js';
import { MODEL_NAME } from './policy-name.js';
import { ascii, CLOSED, text } from './primitive.js';
import { SecretName } from './secret.js';

/** Protocol that a provider speaks. */
export const ProviderApi = Type.Union([Type.Literal('openai'), Type.Literal('anthropic')]);
export type ProviderApi = Static<typeof ProviderApi>;

const seconds = (maximum: number, fallback: number) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum, default: fallback }));

/** One model of a provider: what it costs, if the price table is not to be asked. */
export const ServedModel = Type.Object(
  {
    rates: Type.Optional(ModelRates),
    window: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000_000,
        description: 'most tokens it reads and writes in one call; absent: as the price table has it',
      }),
    ),
  },
  CLOSED,
);
export type ServedModel = Static<typeof ServedModel>;

/** One provider of models behind the gateway. */
export const ModelProvider = Type.Object(
  {
    api: ProviderApi,
    baseUrl: text(512, {
      pattern: '^https?://(?![^/]*@)[!-~]+$',
      description: 'up to the version, as clients of the provider have it: https://api.openai.com/v1',
    }),
    host: Type.Optional(
      Type.Union([Type.Literal('azure'), Type.Literal('aws')], {
        description: 'who serves it, where that is not its maker: Azure OpenAI, or AWS Bedrock',
      }),
    ),
    apiVersion: Type.Optional(
      ascii('^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:-preview)?$', 18, 'of Azure: a dated version of its API'),
    ),
    region: Type.Optional(ascii('^[a-z0-9-]{1,32}$', 32, 'of AWS; absent: the one that its address names')),
    insecure: Type.Optional(
      Type.Boolean({
        description: 'http to another host than this machine, over which others can read along',
      }),
    ),
    key: Type.Optional(SecretName),
    models: Type.Optional(
      Type.Record(Type.String({ pattern: MODEL_NAME }), ServedModel, {
        ...CLOSED,
        maxProperties: 1024,
        description: 'the models that are served; absent: all that the provider has',
      }),
    ),
    prices: Type.Optional(
      ascii('^[a-z0-9-]{1,64}$', 64, 'provider of the price table; absent: the one whose address it is'),
    ),
    fields: Type.Optional(
      Type.Array(
        ascii('^[A-Za-z][A-Za-z0-9_]{0,63}$', 64, 'a member of requests that may be passed on too'),
        {
          maxItems: 64,
          uniqueItems: true,
        },
      ),
    ),
    betas: Type.Optional(
      Type.Array(
        ascii(
          '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
          64,
          'a beta of Anthropic that may be asked for too; whoever adds it knows what it keeps and costs',
        ),
        { maxItems: 64, uniqueItems: true },
      ),
    ),
    maxOutputTokens: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        default: 8192,
        description:
          'most that a call may write whose capability has a limit and that names no maximum itself',
      }),
    ),
    cacheSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 604_800,
        description:
          'how long an answer is given again to the same principal for the same request; absent: never',
      }),
    ),
    translate: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'whether clients of the other protocol may use it too: OpenAI chat completions and Anthropic messages, translated',
      }),
    ),
    connectSeconds: seconds(60, 5),
    firstByteSeconds: seconds(3600, 300),
    idleSeconds: seconds(3600, 120),
    totalSeconds: seconds(86_400, 900),
    drainSeconds: seconds(600, 30),
  },
  CLOSED,
);
export type ModelProvider = Static<typeof ModelProvider>;
