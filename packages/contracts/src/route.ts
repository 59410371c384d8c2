import { type Static, Type } from 'typebox';
import { AuditEvent, Disclosure, EVENTS } from './audit.js';
import { ascii, CLOSED, Count, CursorText, Did, ReceiptId, RequestId } from './primitive.js';
import { TrustedLog } from './receipt.js';

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
  { events: Type.Array(EventRecord, { maxItems: 500 }), next: Type.Union([CursorText, Type.Null()]) },
  CLOSED,
);
export type EventPage = Static<typeof EventPage>;
