import { type Static, Type } from 'typebox';
import { AnchorProof } from './anchor.js';
import { ProblemCodeSchema } from './decision.js';
import { CLOSED, Count, Hash43, Positive, Time, text } from './primitive.js';

/** Which kind of chain anchor. */
export const AnchorKind = Type.Union([Type.Literal('evm'), Type.Literal('opentimestamps')]);
export type AnchorKind = Static<typeof AnchorKind>;

const reason = Type.String({ maxLength: 2_048 });

/** How far anchoring is at one place. */
export const AnchorStatus = Type.Object(
  {
    place: Type.String({ maxLength: 256 }),
    kind: AnchorKind,
    /** Events below the newest checkpoint that no anchor covers whose block was looked at (AUD-40), and how old the oldest of
     *  them is. */
    lag: Type.Object({ entries: Count, seconds: Count }, CLOSED),
    /** The newest anchor that is proven, an imported one once its block was looked at (AUD-133); `block` is the one to look up,
     *  `height` of Bitcoin. */
    proven: Type.Union([
      Type.Object({ size: Positive, begun: Time, block: Type.Union([Count, Type.Null()]) }, CLOSED),
      Type.Null(),
    ]),
    /** Anchors that are begun and not proven. */
    open: Count,
    /** What stands in the way of the next anchor, else of seeing who else anchors the log there. */
    fault: Type.Union([
      Type.Object({ code: ProblemCodeSchema, reason, hint: Type.Optional(reason), since: Time }, CLOSED),
      Type.Null(),
    ]),
    /** What an operator must look at, the newest last. */
    alarms: Type.Array(
      Type.Object(
        {
          code: Type.Union([Type.Literal('FORK'), Type.Literal('FOREIGN'), Type.Literal('REORG')]),
          reason,
          since: Time,
        },
        CLOSED,
      ),
      { maxItems: 16 },
    ),
  },
  CLOSED,
);
export type AnchorStatus = Static<typeof AnchorStatus>;

/** Answer of `GET /talos/v1/anchors`: one entry for each place of `audit.anchors` in talos.yaml. */
export const AnchorList = Type.Object({ anchors: Type.Array(AnchorStatus, { maxItems: 8 }) }, CLOSED);
export type AnchorList = Static<typeof AnchorList>;

/** Largest file of evidence of an anchor in bytes (AUD-44). */
export const MAX_ANCHOR_EVIDENCE_BYTES = 1_048_576;

/** An anchor with what joins it to a checkpoint: the proof that the anchored tree is the beginning of the checkpoint's
 *  (AUD-44). */
export const AnchorEvidence = Type.Object(
  {
    format: Type.Literal('talos-anchor-v1'),
    checkpoint: text(65_536),
    consistency: Type.Array(Hash43, { maxItems: 108 }),
    anchor: AnchorProof,
  },
  CLOSED,
);
export type AnchorEvidence = Static<typeof AnchorEvidence>;
