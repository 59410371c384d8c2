import { type Static, Type } from 'typebox';
import { AuditEvent, Disclosure, EVENTS } from './audit.js';
import { ServerName, ToolName } from './policy-name.js';
import {
  ascii,
  CLOSED,
  Count,
  CursorText,
  Did,
  EventId,
  HexHash,
  ReceiptId,
  RequestId,
  Time,
} from './primitive.js';
import { PersonSubject, ServiceSubject } from './rbac.js';
import { TrustedLog } from './receipt.js';
import { ToolManifest } from './tool.js';

/** Answer of `GET /.well-known/talos.json`, public: who answers here, and what its evidence is checked with. */
export const WellKnown = Type.Object(
  {
    gateway: Did,
    organisation: Did,
    log: TrustedLog,
    versions: Type.Object(
      {
        talos: ascii('^[0-9A-Za-z.+-]{1,64}$', 64, 'version of this software'),
        api: Type.Array(Type.Literal('v1'), { minItems: 1, maxItems: 8 }),
        mcp: Type.Array(ascii('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', 10, 'MCP revision'), {
          minItems: 1,
          maxItems: 8,
        }),
      },
      CLOSED,
    ),
  },
  CLOSED,
);
export type WellKnown = Static<typeof WellKnown>;

const disclosures = Type.Array(Disclosure, { maxItems: 32 });

/** Answer of `GET /talos/v1/requests/{request_id}`: what was decided and why. */
export const RequestRecord = Type.Object(
  {
    request_id: RequestId,
    receipt: ReceiptId,
    decision: EVENTS.decision,
    disclosures,
    outcome: Type.Union([EVENTS.outcome, Type.Null()]),
  },
  CLOSED,
);
export type RequestRecord = Static<typeof RequestRecord>;

/** One logged event as an administrator reads it. */
export const EventRecord = Type.Object(
  { index: Count, receipt: ReceiptId, event: AuditEvent, disclosures },
  CLOSED,
);
export type EventRecord = Static<typeof EventRecord>;

/** Answer of `GET /talos/v1/events`, newest first; `next` is null on the last page. */
export const EventPage = Type.Object(
  {
    events: Type.Array(EventRecord, { maxItems: 500 }),
    next: Type.Union([CursorText, Type.Null()]),
    pruned: Type.Optional(
      Type.Integer({ minimum: 1, description: 'bodies of events below it are gone; absent: of none' }),
    ),
  },
  CLOSED,
);
export type EventPage = Static<typeof EventPage>;

const within = { from: Type.Optional(Time), to: Type.Optional(Time) };

/** Body of `POST /talos/v1/erasures`: whose disclosures are erased, of events from `from` up to, not including, `to`; by
 *  default of all until now (AUD-89). */
export const ErasureRequest = Type.Union([
  Type.Object({ agent: Did, ...within }, CLOSED),
  Type.Object({ administrator: Type.Union([ServiceSubject, PersonSubject]), ...within }, CLOSED),
]);
export type ErasureRequest = Static<typeof ErasureRequest>;

/** What an erasure came to: events that lost what opens their commitments, and the event that says so; null if there was
 *  nothing to erase. */
export const Erasure = Type.Object({ erased: Count, event: Type.Union([EventId, Type.Null()]) }, CLOSED);
export type Erasure = Static<typeof Erasure>;

/** Body of `POST /talos/v1/log/prune`: bodies of events of before that time go. With `dry_run` nothing is done but said
 *  (AUD-112). */
export const PruneRequest = Type.Object({ before: Time, dry_run: Type.Optional(Type.Boolean()) }, CLOSED);
export type PruneRequest = Static<typeof PruneRequest>;

/** What a pruning comes to: bodies from index `from` up to, not including, `to` go, of which `kept` stay because later events
 *  refer to them. `event` is its record; null if there was nothing to prune, or it was only asked what there would be. */
export const Pruning = Type.Object(
  { from: Count, to: Count, kept: Count, event: Type.Union([EventId, Type.Null()]) },
  CLOSED,
);
export type Pruning = Static<typeof Pruning>;

/** One top-level member of a tool that is not what was pinned; canonical JSON, cut at 2,000 characters. */
const ToolChange = Type.Object(
  { member: Type.String(), was: Type.Optional(Type.String()), is: Type.Optional(Type.String()) },
  CLOSED,
);

/** A tool as its server announces it: a guess at its manifest, and what the policy says of it. */
const AnnouncedTool = Type.Object(
  {
    name: Type.String(),
    tool: Type.Record(Type.String(), Type.Unknown(), { description: 'what a pin covers' }),
    proposed: Type.Object({ manifest: ToolManifest, pin: HexHash, notes: Type.Array(Type.String()) }, CLOSED),
    pinned: Type.Optional(
      Type.Object(
        {
          manifest: ToolManifest,
          pin: HexHash,
          computed: HexHash,
          matches: Type.Boolean(),
          changes: Type.Optional(Type.Array(ToolChange)),
        },
        CLOSED,
      ),
    ),
  },
  CLOSED,
);

/** Answer of `GET /talos/v1/servers/{name}/tools`: what a tool server announces, which is its own words and as long as
 *  `limits.answerBytes` allows. `missing` are pinned, but not announced. */
export const AnnouncedTools = Type.Object(
  { server: ServerName, tools: Type.Array(AnnouncedTool), missing: Type.Array(ToolName) },
  CLOSED,
);
export type AnnouncedTools = Static<typeof AnnouncedTools>;

/** Answer of `POST /talos/v1/policy/reload`: the hash of the policy in force now (AUD-9). */
export const PolicyReloaded = Type.Object({ policy: HexHash }, CLOSED);
export type PolicyReloaded = Static<typeof PolicyReloaded>;
