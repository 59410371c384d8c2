import { type Static, Type } from 'typebox';
import { AuditSettings } from './audit-settings.js';
import { Budget, DidGroups } from './budget.js';
import { TrustAnchor } from './capability.js';
import { Guard } from './guard.js';
import { ALIAS_NAME, ModelAlias } from './model-alias.js';
import { SERVER_NAME, TOOL_NAME } from './policy-name.js';
import { ascii, CLOSED, text } from './primitive.js';
import { ModelProvider } from './provider.js';
import { RateRule } from './rate.js';
import { PinnedTool } from './tool.js';
import { WitnessSettings } from './witness.js';

const seconds = (maximum: number, fallback: number) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum, default: fallback }));
const amount = (minimum: number, maximum: number, fallback: number) =>
  Type.Optional(Type.Integer({ minimum, maximum, default: fallback }));

/** No NUL: such a string cannot be handed to a process. */
const processText = text(32_768, { pattern: '^[^\\u0000]*$', minLength: 0 });

/** One tool server behind the gateway: a command we start and speak MCP with over its standard streams. */
export const ToolServer = Type.Object(
  {
    command: text(4096, {
      pattern: '^[^\\u0000]+$',
      description: 'absolute path, or a name looked up in PATH',
    }),
    args: Type.Optional(Type.Array(processText, { maxItems: 256 })),
    env: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' }), processText, {
        ...CLOSED,
        maxProperties: 128,
        description: 'the whole environment besides PATH, HOME, LANG and TMPDIR',
      }),
    ),
    cwd: Type.Optional(text(4096, { pattern: '^/[^\\u0000]*$', description: 'absolute path' })),
    idleSeconds: seconds(86_400, 600),
    lifetimeSeconds: seconds(2_592_000, 86_400),
    callTimeoutSeconds: seconds(3600, 60),
    maxConcurrent: amount(1, 1024, 16),
    tools: Type.Optional(
      Type.Record(Type.String({ pattern: TOOL_NAME }), PinnedTool, {
        ...CLOSED,
        maxProperties: 1024,
        description: 'tools that may be served: manifest and pin',
      }),
    ),
  },
  CLOSED,
);
export type ToolServer = Static<typeof ToolServer>;

/** Bounds of one process. Sizes in bytes. */
export const PolicyLimits = Type.Object(
  {
    bodyBytes: amount(1024, 67_108_864, 1_048_576),
    modelBodyBytes: Type.Optional(
      Type.Integer({
        minimum: 1024,
        maximum: 67_108_864,
        description:
          'of a request to a model, whose pictures are in it; by default bodyBytes where that is stated, else 16 MiB',
      }),
    ),
    answerBytes: amount(1024, 268_435_456, 16_777_216),
    headerSeconds: seconds(120, 10),
    bodySeconds: seconds(600, 30),
    perAddressPerMinute: amount(1, 10_000_000, 6000),
    denialsPerMinute: amount(1, 100_000, 60),
    sessionMemoryMiB: amount(16, 16_384, 256),
    maxConnections: amount(1, 1_000_000, 4096),
    maxConcurrentCalls: amount(1, 100_000, 512),
  },
  CLOSED,
);
export type PolicyLimits = Static<typeof PolicyLimits>;

/** Where people log in: an OpenID provider, and where browsers reach the kernel (RBAC-16). */
export const OidcSettings = Type.Object(
  {
    issuer: text(512, {
      pattern: '^(?:https://|http://(?:127\\.0\\.0\\.1|localhost|\\[::1\\])(?=[:/]|$))[!-~]*$',
      description: 'issuer as its discovery document names it; http only on this machine',
    }),
    clientId: text(256),
    clientSecret: Type.Optional(
      text(1024, { description: 'of a confidential client; a reference to a variable' }),
    ),
    origin: text(267, {
      pattern:
        '^(?:https://[a-z0-9.-]{1,253}|http://(?:127\\.0\\.0\\.1|localhost|\\[::1\\]))(?::[0-9]{1,5})?$',
      description: 'origin under which browsers reach the kernel; the redirect URI lies below it',
    }),
    groupsClaim: Type.Optional(text(128, { description: 'claim of the id token that lists groups' })),
  },
  CLOSED,
);
export type OidcSettings = Static<typeof OidcSettings>;

/** The document `talos.yaml`: what the operator decided. Unknown members are errors. */
export const PolicyDocument = Type.Object(
  {
    version: Type.Literal(1),
    anchors: Type.Optional(Type.Array(TrustAnchor, { maxItems: 64 })),
    servers: Type.Record(Type.String({ pattern: SERVER_NAME }), ToolServer, {
      ...CLOSED,
      maxProperties: 256,
    }),
    providers: Type.Optional(
      Type.Record(Type.String({ pattern: SERVER_NAME }), ModelProvider, { ...CLOSED, maxProperties: 64 }),
    ),
    aliases: Type.Optional(
      Type.Record(Type.String({ pattern: ALIAS_NAME }), ModelAlias, {
        ...CLOSED,
        maxProperties: 256,
        description: 'names of models that stand for several',
      }),
    ),
    budgets: Type.Optional(
      Type.Array(Budget, { maxItems: 64, description: 'how much may be spent by whom; none by default' }),
    ),
    teams: Type.Optional(DidGroups),
    tags: Type.Optional(DidGroups),
    limits: Type.Optional(PolicyLimits),
    rates: Type.Optional(
      Type.Array(RateRule, { maxItems: 64, description: 'how fast calls may come; none by default' }),
    ),
    guards: Type.Optional(
      Type.Array(Guard, {
        maxItems: 16,
        description: 'what is looked at in calls of models; none by default',
      }),
    ),
    audit: Type.Optional(AuditSettings),
    witness: Type.Optional(WitnessSettings),
    oidc: Type.Optional(OidcSettings),
    origins: Type.Optional(
      Type.Array(ascii('^https?://[A-Za-z0-9.:\\[\\]-]{1,259}$', 267, 'browser origin besides loopback'), {
        maxItems: 64,
        uniqueItems: true,
      }),
    ),
    hosts: Type.Optional(
      Type.Array(
        ascii('^[A-Za-z0-9.:\\[\\]-]{1,259}$', 259, 'host name besides loopback, with or without port'),
        {
          maxItems: 64,
          uniqueItems: true,
        },
      ),
    ),
    didWeb: Type.Optional(
      Type.Object(
        {
          allow: Type.Array(ascii('^did:web:[A-Za-z0-9._:%-]{1,248}$', 256, 'a DID that may be fetched'), {
            maxItems: 64,
            uniqueItems: true,
          }),
        },
        CLOSED,
      ),
    ),
    didWebvh: Type.Optional(
      Type.Object(
        {
          allow: Type.Array(
            ascii(
              '^did:webvh:Qm[1-9A-HJ-NP-Za-km-z]{44}:[A-Za-z0-9._:%-]{1,199}$',
              256,
              'a DID whose log may be fetched',
            ),
            { maxItems: 64, uniqueItems: true },
          ),
        },
        CLOSED,
      ),
    ),
    didPrivateHosts: Type.Optional(
      Type.Array(ascii('^[a-z0-9.-]{1,253}$', 253, 'a host of DIDs that may have a private address'), {
        maxItems: 64,
        uniqueItems: true,
      }),
    ),
  },
  CLOSED,
);
export type PolicyDocument = Static<typeof PolicyDocument>;
