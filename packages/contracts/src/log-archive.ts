import { type Static, Type } from 'typebox';
import { AnchorProof } from './anchor.js';
import { Disclosure } from './audit.js';
import { CLOSED, Count, HexHash, LogOrigin, Positive, text } from './primitive.js';

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

/** Proofs of chain anchors that one file of an archive, and one page of them, has at most (AUD-129). */
export const ANCHOR_PAGE = 32;

/** Chain anchors that an archive may have. */
const MAX_ARCHIVED_ANCHORS = 2 ** 24;

/** `anchors.json`: how many chain anchors an archive has (AUD-129). */
export const LogAnchors = Type.Object(
  {
    format: Type.Literal('talos-log-anchors-v1'),
    count: Type.Integer({ minimum: 0, maximum: MAX_ARCHIVED_ANCHORS }),
  },
  CLOSED,
);
export type LogAnchors = Static<typeof LogAnchors>;

/** Answer of `GET /talos/v1/anchors/proofs`: proven anchors, by size and then by place. `next` is behind which anchor the next
 *  page begins; null if there is none. */
export const AnchorPage = Type.Object(
  {
    anchors: Type.Array(AnchorProof, { maxItems: ANCHOR_PAGE }),
    next: Type.Union([
      Type.Object({ after: Positive, place: Type.String({ maxLength: 256 }) }, CLOSED),
      Type.Null(),
    ]),
  },
  CLOSED,
);
export type AnchorPage = Static<typeof AnchorPage>;
