import { type Static, Type } from 'typebox';
import { AnchorProof } from './anchor.js';
import { AuditEvent, Disclosure } from './audit.js';
import { SERVER_NAME } from './policy-name.js';
import {
  ascii,
  CLOSED,
  CompactJws,
  Count,
  Did,
  Hash43,
  HexHash,
  LogOrigin,
  Seconds,
  Time,
  text,
} from './primitive.js';

/** `typ` of a bundle's statement (AUD-18). */
export const BUNDLE_TYP = 'talos-bundle+jwt';

/** Largest bundle in bytes (AUD-16). */
export const MAX_BUNDLE_BYTES = 268_435_456;

/** Most agents, capabilities or tools a selection names (AUD-53). */
export const MAX_SELECTED = 16;

/** Most proofs of chain anchors in a bundle (AUD-59). */
export const MAX_ANCHORS = 64;

/** Most earlier sizes a bundle proves to be its beginning (AUD-60). */
export const MAX_EARLIER = 64;

const disclosures = Type.Array(Disclosure, { maxItems: 32 });
const checkpoint = text(65_536);
const range = Type.Object({ from: Count, to: Count }, CLOSED);
const MAX_ENTRIES = 1_048_576;

/** One entry of a bundle of the first form, with its inclusion proof, lowest level first (AUD-17). */
export const RangeBundleEntry = Type.Object(
  { index: Count, event: AuditEvent, disclosures, proof: Type.Array(Hash43, { maxItems: 63 }) },
  CLOSED,
);
export type RangeBundleEntry = Static<typeof RangeBundleEntry>;

/** The first form of a bundle: a range of a log, each entry with a proof of its own (AUD-16). It is read, and no longer written. */
export const RangeBundle = Type.Object(
  {
    format: Type.Literal('talos-bundle-v1'),
    checkpoint,
    range,
    entries: Type.Array(RangeBundleEntry, { minItems: 1, maxItems: MAX_ENTRIES }),
    statement: CompactJws,
  },
  CLOSED,
);
export type RangeBundle = Static<typeof RangeBundle>;

/** A tool server, or one of its tools: `server` or `server/tool` (AUD-53). */
export const ToolFilter = ascii(
  `${SERVER_NAME.slice(0, -1)}(?:/[!-~]{1,128})?$`,
  161,
  'tool server, or server/tool',
);

/** What of an event a bundle shows (AUD-58). */
export const Redaction = Type.Union([
  Type.Literal('full'),
  Type.Literal('commitments'),
  Type.Literal('hashes'),
]);
export type Redaction = Static<typeof Redaction>;

const named = <T extends typeof Did>(schema: T) =>
  Type.Optional(Type.Array(schema, { minItems: 1, maxItems: MAX_SELECTED, uniqueItems: true }));

/** What was asked of the log (AUD-53). Every member that is there narrows it. */
export const BundleFilter = Type.Object(
  {
    agents: named(Did),
    /** `cth` of chains, or `lid` of links in them. */
    capabilities: named(Hash43),
    tools: named(ToolFilter),
    effect: Type.Optional(Type.Union([Type.Literal('allow'), Type.Literal('deny')])),
    /** Times of events, as the log states them; `until` is excluded. */
    since: Type.Optional(Time),
    until: Type.Optional(Time),
  },
  CLOSED,
);
export type BundleFilter = Static<typeof BundleFilter>;

/** What a bundle says of itself; each claim is checked (AUD-53, AUD-56 to AUD-58). */
export const BundleSelection = Type.Object(
  {
    filter: BundleFilter,
    redaction: Redaction,
    /** Agents of whom every event in the range is there. */
    complete: Type.Array(Did, { maxItems: 64, uniqueItems: true }),
    /** Whether everything is there that could have ended a chain that a call in the range shows. */
    endings: Type.Boolean(),
  },
  CLOSED,
);
export type BundleSelection = Static<typeof BundleSelection>;

/** One entry of a bundle. `before` are the subtrees between the entry before, or the log's beginning, and this one (AUD-51). */
export const BundleEntry = Type.Object(
  { before: Type.Array(Hash43, { maxItems: 106 }), index: Count, event: AuditEvent, disclosures },
  CLOSED,
);
export type BundleEntry = Static<typeof BundleEntry>;

/** Hashes of a consistency proof (RFC 6962 section 2.1.2). */
const consistency = Type.Array(Hash43, { maxItems: 108 });

/** A proof that a chain held a tree, and that the checkpoint's tree continues it (AUD-59). */
export const AnchoredTree = Type.Object({ proof: AnchorProof, consistency }, CLOSED);
export type AnchoredTree = Static<typeof AnchoredTree>;

/** A proof that the log's first `size` entries are the beginning of the tree of the checkpoint (AUD-60). */
export const EarlierTree = Type.Object({ size: Count, consistency }, CLOSED);
export type EarlierTree = Static<typeof EarlierTree>;

/** Events of a log with everything needed to check them offline (AUD-50). */
export const Bundle = Type.Object(
  {
    format: Type.Literal('talos-bundle-v2'),
    anchors: Type.Array(AnchoredTree, { maxItems: MAX_ANCHORS }),
    checkpoint,
    earlier: Type.Array(EarlierTree, { maxItems: MAX_EARLIER }),
    entries: Type.Array(BundleEntry, { maxItems: MAX_ENTRIES }),
    range,
    rest: Type.Array(Hash43, { maxItems: 106 }),
    selection: BundleSelection,
    statement: CompactJws,
  },
  CLOSED,
);
export type Bundle = Static<typeof Bundle>;

/** Payload of a bundle's statement (AUD-18). */
export const BundleStatementClaims = Type.Object(
  {
    iss: Did,
    iat: Seconds,
    origin: LogOrigin,
    size: Count,
    root: HexHash,
    from: Count,
    to: Count,
    hash: HexHash,
  },
  CLOSED,
);
export type BundleStatementClaims = Static<typeof BundleStatementClaims>;
