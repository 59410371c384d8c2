import { type Static, Type } from 'typebox';
import { Constraint } from './constraint.js';
import {
  ascii,
  BearerKey,
  Chain,
  CLOSED,
  Did,
  Hash43,
  JsonPointer,
  Op,
  Positive,
  Seconds,
  TenantName,
  text,
} from './primitive.js';

/** `typ` of a link (CAP-1). */
export const CAPABILITY_TYP = 'talos-cap+jwt';

/** Bounds of a chain (CAP-1, CAP-4, CAP-6). */
export const CHAIN_LIMITS = {
  links: 8,
  bytes: 16_384,
  /** Longest life of a root link in seconds. */
  rootSeconds: 31_536_000,
  /** Clock difference that is forgiven, in seconds. */
  skewSeconds: 30,
  /** `bearerMax` of an anchor that states none, in seconds. */
  bearerSeconds: 86_400,
} as const;

/** A scope (CAP-8 to CAP-10): only its outer form is checked here, `parseScope` checks the rest. */
export const Scope = ascii('^(?:tool|llm|a2a|admin):[!-~]{1,1020}$', 1024, 'scope');

/** Longest scope of an item in bytes: a path of 4,096 bytes in escapes (CAP-17), and what stands before it. */
export const MAX_ITEM_SCOPE = 12_800;

/** The scope of an item (CAP-8): only a `resource` makes it longer than a grant's, which `parseScope` checks. */
const ItemScope = ascii(
  `^(?:tool|llm|a2a|admin):[!-~]{1,${MAX_ITEM_SCOPE - 4}}$`,
  MAX_ITEM_SCOPE,
  'scope of an item, without `*`',
);

/** One thing a call needs: a scope without `*`, and the operation (CAP-15). */
export const Item = Type.Object({ scope: ItemScope, op: Op }, CLOSED);
export type Item = Static<typeof Item>;

/** Distinct operations, at least one. */
export const Ops = Type.Array(Op, { minItems: 1, maxItems: 2, uniqueItems: true });

/** What may be done (CAP-2). */
export const Grant = Type.Object(
  {
    scope: Scope,
    ops: Ops,
    where: Type.Optional(Type.Array(Constraint, { minItems: 1, maxItems: 16 })),
    only: Type.Optional(Type.Array(JsonPointer, { minItems: 1, maxItems: 32, uniqueItems: true })),
  },
  CLOSED,
);
export type Grant = Static<typeof Grant>;

/** Money in micro-units of an ISO 4217 currency (ENC-5). */
export const Cost = Type.Object(
  { amount: Positive, currency: ascii('^[A-Z]{3}$', 3, 'ISO 4217 code') },
  CLOSED,
);
export type Cost = Static<typeof Cost>;

/** How much may be done (CAP-3); at least one of `calls`, `cost`, `tokens`, `rate`. Days and months are UTC. */
export const Limit = Type.Object(
  {
    per: Type.Union([Type.Literal('total'), Type.Literal('day'), Type.Literal('month')]),
    calls: Type.Optional(Positive),
    cost: Type.Optional(Cost),
    tokens: Type.Optional(Positive),
    rate: Type.Optional(
      Type.Object({ count: Positive, seconds: Type.Integer({ minimum: 1, maximum: 86_400 }) }, CLOSED),
    ),
  },
  { ...CLOSED, minProperties: 2 },
);
export type Limit = Static<typeof Limit>;

const grants = Type.Array(Grant, { minItems: 1, maxItems: 128 });
const limits = Type.Array(Limit, { minItems: 1, maxItems: 8 });

/** An id its issuer chose; identifies nothing alone (CAP-1). */
export const Jti = ascii('^[A-Za-z0-9_-]{1,64}$', 64, 'id chosen by the issuer');

const granted = {
  prn: Type.Optional(text(256)),
  aud: Type.Optional(Type.Array(Did, { minItems: 1, maxItems: 8, uniqueItems: true })),
  nbf: Type.Optional(Seconds),
  exp: Seconds,
  grants,
  limits: Type.Optional(limits),
  dlg: Type.Optional(Type.Integer({ minimum: 0, maximum: 7 })),
  invoke: Type.Optional(Type.Boolean()),
  bearer: Type.Optional(Type.Boolean()),
  bearer_below: Type.Optional(Type.Boolean()),
};

/** Payload of a link (CAP-1). What one member asks of another (`exp` above `iat`, `aud` in a root and in a bearer
 *  link, `prn` only in a root) is checked when the link is parsed. */
export const CapabilityClaims = Type.Object(
  { iss: Did, sub: Did, jti: Jti, iat: Seconds, par_hash: Type.Optional(Hash43), ...granted },
  CLOSED,
);
export type CapabilityClaims = Static<typeof CapabilityClaims>;

/** Link zero: operator policy, evaluated like a link (CAP-6). `bearerMax` in seconds, 0 allows no bearer form. */
export const TrustAnchor = Type.Object(
  {
    iss: Did,
    tenant: TenantName,
    grants,
    limits: Type.Optional(limits),
    bearerMax: Type.Optional(Type.Integer({ minimum: 0, maximum: 31_536_000 })),
  },
  CLOSED,
);
export type TrustAnchor = Static<typeof TrustAnchor>;

/** Body of `POST /talos/v1/capabilities`: the claims of a root without those the issuer
 *  fills in (CAP-28); without `aud` it is this platform's gateway. With `bearer` it may leave out `sub`: the issuer then makes
 *  the holder's key, and answers it once. */
export const IssueCapabilityRequest = Type.Union([
  Type.Object({ ...granted, sub: Did }, CLOSED),
  Type.Object({ ...granted, bearer: Type.Literal(true) }, CLOSED),
]);
export type IssueCapabilityRequest = Static<typeof IssueCapabilityRequest>;

/** Its answer: the chain of one link, and its hashes (CAP-5). `key` (CAP-28) if the issuer made the holder's key: it
 *  is a secret, kept nowhere and never answered again. */
export const IssueCapabilityAnswer = Type.Object(
  { chain: Chain, lid: Hash43, cth: Hash43, key: Type.Optional(BearerKey) },
  CLOSED,
);
export type IssueCapabilityAnswer = Static<typeof IssueCapabilityAnswer>;
