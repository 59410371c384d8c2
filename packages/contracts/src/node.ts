import { type Static, type TProperties, Type } from 'typebox';
import { Disclosure } from './audit.js';
import { TrustAnchor } from './capability.js';
import { ProblemCodeSchema } from './decision.js';
import { CLOSED, Count, Did, EventId, HexHash, Positive, TenantName, Time } from './primitive.js';

/** What a process can be: the roles of `server <role>[,<role>...]`. */
export const ServiceName = Type.Union([
  Type.Literal('kernel'),
  Type.Literal('gateway'),
  Type.Literal('audit'),
]);
export type ServiceName = Static<typeof ServiceName>;

/** One node of the platform: the last process that ran under its number. */
export const NodeRecord = Type.Object(
  {
    node: Type.Integer({ minimum: 1, maximum: 1024 }),
    boot: Positive,
    services: Type.Array(ServiceName, { minItems: 1, maxItems: 3 }),
    url: Type.Union([Type.String({ maxLength: 2048 }), Type.Null()], {
      description: 'where other nodes call it',
    }),
    version: Type.String({ maxLength: 64 }),
    started: Time,
    seen: Type.Integer({ minimum: 0, description: 'seconds since it was last seen' }),
    live: Type.Boolean(),
  },
  CLOSED,
);
export type NodeRecord = Static<typeof NodeRecord>;

/** Answer of `GET /talos/v1/nodes`; `self` is the node that answers. */
export const NodeList = Type.Object(
  { self: Type.Integer({ minimum: 1 }), nodes: Type.Array(NodeRecord, { maxItems: 1024 }) },
  CLOSED,
);
export type NodeList = Static<typeof NodeList>;

/** An event as a node hands it in: the audit process adds the rest (AUD-1). Times in Unix milliseconds. */
const Draft = Type.Object(
  {
    id: EventId,
    type: Type.String({ pattern: '^[a-z.]{1,64}$' }),
    tenant: TenantName,
    principal: Type.Union([
      Type.Object({ sub: Did, prn: Type.Optional(Type.String({ maxLength: 2048 })) }, CLOSED),
      Type.Null(),
    ]),
    members: Type.Record(Type.String({ maxLength: 64 }), Type.Unknown()),
    disclosures: Type.Array(Disclosure, { maxItems: 32 }),
    notBefore: Type.Optional(Count),
    notAfter: Type.Optional(Count),
    address: Type.Optional(Type.String({ maxLength: 256 })),
  },
  CLOSED,
);

/** Whom a denial is counted against. */
const Source = Type.Union([
  Type.Object({ subject: Did }, CLOSED),
  Type.Object({ address: Type.String({ maxLength: 256 }) }, CLOSED),
]);

/** Most entries of one batch, and most bytes of its body. */
export const AUDIT_BATCH = { entries: 256, bytes: 8_388_608 } as const;

/** Body of `POST /talos/v1/audit/events`, for nodes: events in the order in which they are to stand. A batch that is
 *  sent again has the same number; `source` says that it is a denial. */
export const AuditBatch = Type.Object(
  {
    batch: Positive,
    entries: Type.Array(Type.Object({ draft: Draft, source: Type.Optional(Source) }, CLOSED), {
      minItems: 1,
      maxItems: AUDIT_BATCH.entries,
    }),
  },
  CLOSED,
);
export type AuditBatch = Static<typeof AuditBatch>;

const Refused = {
  code: ProblemCodeSchema,
  reason: Type.Optional(Type.String({ maxLength: 4096 })),
  hint: Type.Optional(Type.String({ maxLength: 4096 })),
} satisfies TProperties;

/** Answer of the routes for nodes of the audit process, other than that of events, where it refuses. */
export const AuditRefusal = Type.Object({ error: Type.Object(Refused, CLOSED) }, CLOSED);
export type AuditRefusal = Static<typeof AuditRefusal>;

/** Whether events are taken: null, or why not. */
export const AuditState = Type.Object(
  {
    read: Type.Union([Type.Object(Refused, CLOSED), Type.Null()]),
    write: Type.Union([Type.Object(Refused, CLOSED), Type.Null()]),
    ready: Type.Boolean(),
  },
  CLOSED,
);
export type AuditState = Static<typeof AuditState>;

/** Its answer, one result an entry. `event` is null for what has no place of its own; `unsure` says that an event may
 *  be in the log although it could not be said so. */
export const AuditBatchAnswer = Type.Object(
  {
    results: Type.Array(
      Type.Union([
        Type.Object(
          { event: Type.Union([Type.Object({ id: EventId, index: Count }, CLOSED), Type.Null()]) },
          CLOSED,
        ),
        Type.Object({ error: Type.Object({ ...Refused, unsure: Type.Boolean() }, CLOSED) }, CLOSED),
      ]),
      { maxItems: AUDIT_BATCH.entries },
    ),
    state: AuditState,
  },
  CLOSED,
);
export type AuditBatchAnswer = Static<typeof AuditBatchAnswer>;

/** Body of `POST /talos/v1/audit/policies`, for nodes: a policy that is about to come into force (AUD-19). */
export const AuditPolicy = Type.Object(
  { hash: HexHash, anchors: Type.Array(TrustAnchor, { maxItems: 64 }) },
  CLOSED,
);
export type AuditPolicy = Static<typeof AuditPolicy>;
