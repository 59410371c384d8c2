import { type Static, Type } from 'typebox';
import { Disclosure } from './audit.js';
import { CLOSED, Count, HexHash, LogOrigin, text } from './primitive.js';

/** Events that one page of disclosures covers at most: as many as an entry bundle. */
export const DISCLOSURE_PAGE = 256;

/** What opens the commitments of one event. */
export const EventDisclosures = Type.Object(
  { index: Count, disclosures: Type.Array(Disclosure, { minItems: 1, maxItems: 32 }) },
  CLOSED,
);
export type EventDisclosures = Static<typeof EventDisclosures>;

/** Answer of `GET /talos/v1/disclosures`: what the tree does not hold of the events from `from` to `to` (AUD-80). */
export const DisclosurePage = Type.Object(
  {
    from: Count,
    to: Count,
    pruned: Type.Integer({ minimum: 0, description: 'bodies of events below it are gone' }),
    disclosures: Type.Array(EventDisclosures, { maxItems: DISCLOSURE_PAGE }),
  },
  CLOSED,
);
export type DisclosurePage = Static<typeof DisclosurePage>;

/** `talos-log.json`: what an archive of a whole log holds (AUD-80). */
export const LogManifest = Type.Object(
  {
    format: Type.Literal('talos-log-v1'),
    origin: LogOrigin,
    vkey: text(1024),
    size: Count,
    root: HexHash,
    pruned: Count,
    disclosures: Type.Integer({ minimum: 0, description: 'files of disclosures' }),
  },
  CLOSED,
);
export type LogManifest = Static<typeof LogManifest>;
