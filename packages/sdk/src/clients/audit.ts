import {
  AnchorEvidence,
  type AnchorKind,
  AnchorList,
  AnchorPage,
  createChecker,
  DisclosurePage,
  Erasure,
  type ErasureRequest,
  type EventFilter,
  type EventOrder,
  EventPage,
  EventRecord,
  EventStats,
  MAX_ANCHOR_EVIDENCE_BYTES,
  MAX_BUNDLE_BYTES,
  MAX_TRUST_BYTES,
  type PruneRequest,
  Pruning,
  Receipt,
  type Redaction,
  type StatsQuery,
  TrustFile,
  WitnessesStatus,
} from '@talosprotocol/contracts';
import { decodeUtf8 } from '@talosprotocol/protocol';
import { createHttpClient, type HttpClientOptions } from '../http/client.js';
import { type FollowOptions, type FollowQuery, followEvents } from './follow.js';
import type { PageQuery } from './kernel.js';

/** Which events, and which page of them. */
export interface EventQuery extends EventFilter, PageQuery {
  readonly order?: EventOrder;
}

/** The audit service's routes. All reject with a TrustError: the code the service gave, UNAVAILABLE if it does not
 *  answer, UPSTREAM_FAILED if what answers is not the audit service. Nothing here is verified: what the service
 *  says is checked with `verifyBundle` and a trust file of one's own. */
export interface AuditClient {
  /** A receipt; UNAVAILABLE while no checkpoint covers it (AUD-15), and with `witnessed` while too few witnesses have seen
   *  one that does (AUD-31). */
  receipt(id: string, options?: { readonly witnessed?: boolean }): Promise<Receipt>;
  /** Events that fit, newest first unless asked otherwise (AUD-65, AUD-66). A page may hold fewer than `limit`, even none, and
   *  still have a `next`: the service bounds its work for each. */
  events(query?: EventQuery): Promise<EventPage>;
  /** One event, by its index or its id (`evt_...`). */
  event(name: number | string): Promise<EventRecord>;
  /** Events counted over time, by one of their members, those values by themselves that have most (AUD-120). Sums of
   *  money are decimal digits of micro-units: `BigInt(amount)`.
   *  @example await audit.stats({ by: 'tool', bucket: 'hour', top: 5 }) */
  stats(query?: StatsQuery): Promise<EventStats>;
  /** Events as they are recorded, each once and in order, over interruptions of less than a minute (AUD-68).
   *  Rejects with the code of the refusal when the caller may not read any more.
   *  @example for await (const { index, event } of audit.follow({ effect: 'deny' })) console.log(index, event) */
  follow(query?: FollowQuery, options?: FollowOptions): AsyncGenerator<EventRecord>;
  /** The bytes of a bundle of what is asked for (AUD-50, AUD-63); of all that is in the log by default.
   *  They are to be kept as they are: a bundle is verified byte for byte. */
  bundle(ask?: BundleQuery): Promise<Uint8Array>;
  /** Who watches the log, and how it is with them (AUD-33). */
  witnesses(): Promise<WitnessesStatus>;
  /** What this platform says an auditor could trust. Whoever audits the platform gets this from somewhere else. */
  trust(): Promise<TrustFile>;
  /** How far the log is anchored on chains (AUD-45). */
  anchors(): Promise<AnchorList>;
  /** Evidence of the newest anchor or, with `size`, of the first that covers so many events (AUD-44). Verify it with
   *  `verifyAnchorEvidence`. Rejects with NOT_FOUND while there is none. */
  anchorEvidence(query?: { readonly size?: number; readonly kind?: AnchorKind }): Promise<AnchorEvidence>;
  /** Proofs of anchors of up to `to` events, behind one of them, for an archive of the whole log (AUD-129). */
  anchorProofs(query: {
    readonly to: number;
    readonly after: number;
    readonly place: string;
  }): Promise<AnchorPage>;
  /** What opens the commitments of up to 256 events from an index on, for an archive of the whole log (AUD-80). */
  disclosures(from: number): Promise<DisclosurePage>;
  /** Forgets what opens the private members of one event (AUD-89). What it proves stays proven. */
  eraseEvent(id: string): Promise<Erasure>;
  /** The same of an agent, or of one who administered. It may take longer than this waits: it goes on all the same, and is
   *  in the log when it is done. */
  erase(request: ErasureRequest): Promise<Erasure>;
  /** Removes the bodies of old events for good (AUD-112). It may take longer than this waits: then it goes on all the same. */
  prune(request: PruneRequest): Promise<Pruning>;
  /** The latest checkpoint, a signed note (AUD-12). Public. */
  checkpoint(): Promise<string>;
}

/** What a bundle is asked for. Each member that is there narrows it; a list names what may fit. */
export interface BundleQuery {
  /** Indexes of the log: `from` up to, not including, `to`. */
  readonly from?: number;
  readonly to?: number;
  /** DIDs. */
  readonly agent?: readonly string[];
  /** `cth` of chains, or `lid` of links in them. */
  readonly capability?: readonly string[];
  /** `server` or `server/tool`. */
  readonly tool?: readonly string[];
  readonly effect?: 'allow' | 'deny';
  /** Times of events (ENC-3); `until` is excluded. */
  readonly since?: string;
  readonly until?: string;
  /** What of it is disclosed; `full` by default (AUD-58). */
  readonly redact?: Redaction;
  /** Sizes of the log of which the bundle is to prove that they are its beginning (AUD-60). */
  readonly earlier?: readonly number[];
}

const checks = {
  receipt: createChecker(Receipt),
  events: createChecker(EventPage),
  event: createChecker(EventRecord),
  stats: createChecker(EventStats),
  trust: createChecker(TrustFile),
  anchors: createChecker(AnchorList),
  anchorEvidence: createChecker(AnchorEvidence),
  anchorPage: createChecker(AnchorPage),
  witnesses: createChecker(WitnessesStatus),
  disclosures: createChecker(DisclosurePage),
  erasure: createChecker(Erasure),
  pruning: createChecker(Pruning),
};

/** A page of 500 events of 65,535 bytes, with their disclosures. */
const MAX_PAGE = 67_108_864;
/** 256 events with 262,144 bytes of disclosed values each, and what is around them. */
const MAX_DISCLOSED = 100_663_296;
/** 32 proofs of which each has up to 274,500 bytes. */
const MAX_ANCHORS = 10_485_760;
/** 53 series of 400 points, with what some currencies add. */
const MAX_STATS = 33_554_432;
const MAX_CHECKPOINT = 65_536;
/** What is made in parts cannot be refused any more once it has begun. */
const CUT_HINT =
  'the messages of the service say why; if it is LOG_CORRUPT, stop the platform: talos audit fsck then holds the database against the files, and names what is damaged';

/** Makes a client of the audit service (port 8002).
 *  @throws {TypeError} a URL that is not http or https, or holds user info */
export function createAuditClient(options: HttpClientOptions): AuditClient {
  const http = createHttpClient(options);
  const { bytes, json } = http;
  const get = (path: string, query: object = {}) => ({ method: 'GET', path, query: { ...query } }) as const;
  return {
    receipt: (id, { witnessed } = {}) =>
      json(
        get(`/talos/v1/receipts/${encodeURIComponent(id)}`, witnessed === true ? { witnessed } : {}),
        checks.receipt,
      ),
    events: (query) => json({ ...get('/talos/v1/events', query), maxBytes: MAX_PAGE }, checks.events),
    stats: (query) => json({ ...get('/talos/v1/stats', query), maxBytes: MAX_STATS }, checks.stats),
    follow: (query = {}, how = {}) => followEvents(http, query, how),
    event: (name) => json(get(`/talos/v1/events/${encodeURIComponent(name)}`), checks.event),
    bundle: (ask) =>
      bytes({ ...get('/talos/v1/bundle', ask), maxBytes: MAX_BUNDLE_BYTES, cutHint: CUT_HINT }),
    witnesses: () => json(get('/talos/v1/witnesses'), checks.witnesses),
    trust: () => json({ ...get('/talos/v1/trust'), maxBytes: MAX_TRUST_BYTES }, checks.trust),
    anchors: () => json(get('/talos/v1/anchors'), checks.anchors),
    anchorEvidence: (query) =>
      json(
        { ...get('/talos/v1/anchors/evidence', query), maxBytes: MAX_ANCHOR_EVIDENCE_BYTES },
        checks.anchorEvidence,
      ),
    anchorProofs: (query) =>
      json({ ...get('/talos/v1/anchors/proofs', query), maxBytes: MAX_ANCHORS }, checks.anchorPage),
    disclosures: (from) =>
      json(
        { ...get('/talos/v1/disclosures', { from }), maxBytes: MAX_DISCLOSED, cutHint: CUT_HINT },
        checks.disclosures,
      ),
    eraseEvent: (id) =>
      json(
        { method: 'DELETE', path: `/talos/v1/events/${encodeURIComponent(id)}/disclosures` },
        checks.erasure,
      ),
    erase: (body) => json({ method: 'POST', path: '/talos/v1/erasures', body }, checks.erasure),
    prune: (body) => json({ method: 'POST', path: '/talos/v1/log/prune', body }, checks.pruning),
    checkpoint: async () => decodeUtf8(await bytes({ ...get('/tlog/checkpoint'), maxBytes: MAX_CHECKPOINT })),
  };
}
