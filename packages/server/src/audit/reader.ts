import type { Receipt, RequestRecord, TrustFile, WitnessesStatus } from '@talosprotocol/contracts';
import { encodeHex, isUuidv7, TILE_WIDTH, type TileId, TrustError, tilePath } from '@talosprotocol/protocol';
import { createAbsent } from './absent.js';
import { writeDisclosurePage } from './archive/disclosure-page.js';
import type { SignedCheckpoint } from './checkpoint.js';
import { createCovering, type Wish } from './covering.js';
import type { AuditDeps } from './deps.js';
import { uuidOf } from './draft.js';
import { createExplorer, type Explorer } from './explorer/explorer.js';
import type { OpenLog, Workshop } from './open-log.js';
import { eventOf, openRow } from './open-row.js';
import type { PolicyHistory } from './policy-history.js';
import { goneError, prunedError } from './pruning/pruned-error.js';
import type { EventRow } from './store.js';
import { statusOf } from './witness/witness-status.js';

/** How the log stands. */
interface AuditStats {
  /** Events that are durable. */
  readonly sequenced: number;
  /** Size and root (hex) of the last checkpoint. */
  readonly size: number;
  readonly root: string;
  readonly decisions: { readonly allowed: number; readonly denied: number };
}

/** What is asked of the log. */
export interface AuditReader extends Explorer {
  /** The receipt with this id; waits up to `waitMs` until a checkpoint covers it, and longer if it must be one that as
   *  many witnesses as must have seen.
   *  @throws {TrustError} NOT_FOUND | UNAVAILABLE (not covered yet) | LOG_CORRUPT */
  receipt(id: string, waitMs?: number, wish?: Wish): Promise<Receipt>;
  /** A checkpoint that covers so many events, rather one that as many witnesses as must have seen; waits up to `waitMs`,
   *  and some seconds for them. @throws {TrustError} UNAVAILABLE */
  reach(size: number, waitMs: number): Promise<SignedCheckpoint>;
  /** How the witnesses of the log are. */
  witnesses(): WitnessesStatus;
  /** Whom to trust, with the anchors of every policy that was ever in force (AUD-19). */
  trust(): Promise<TrustFile>;
  /** What was decided on a request (`req_...`), and what came of it; undefined if no decision names it. */
  findRequest(id: string): Promise<RequestRecord | undefined>;
  /** What the tree does not hold of up to 256 events from an index on, as JSON (`DisclosurePage`). */
  disclosures(from: number): AsyncGenerator<string>;
  stats(): Promise<AuditStats>;
  /** The checkpoint that everybody is shown: the newest that as many witnesses as must have seen, else the newest.
   *  @throws {TrustError} UNAVAILABLE before the first */
  checkpoint(): SignedCheckpoint;
  /** A tile of the log's tree; undefined if there is none. @throws {TrustError} PRUNED: a bundle whose entries are gone */
  tile(tile: TileId): Promise<Uint8Array | undefined>;
}

const RECEIPT_WAIT_MS = 1_000;

/** Reads the log that `opened` gives. */
export function createReader(
  deps: AuditDeps,
  shop: Workshop,
  policies: Pick<PolicyHistory, 'all'>,
  opened: () => OpenLog,
): AuditReader {
  const { store, hasher, key } = shop;
  const covering = createCovering(opened, shop.limits.witness.waitMs);
  const absent = createAbsent({ sql: deps.sql, store, opened, covering });
  const explorer = createExplorer({ sql: deps.sql, clock: deps.clock, crypto: deps.crypto });
  const byId = async (uuid: string | undefined): Promise<EventRow> => {
    const row = uuid === undefined ? undefined : await store.eventById(uuid);
    if (row !== undefined) return row;
    const place = uuid === undefined ? undefined : await store.placeOf(uuid);
    if (place === undefined) throw new TrustError('NOT_FOUND', 'there is no such event');
    throw goneError(place, await store.pruned());
  };
  return {
    ...explorer,
    event: (name) => absent.explained(explorer.event(name), uuidIn(name, 'evt_')),
    checkpoint: covering.published,
    reach: (size, waitMs) => covering.find(size, waitMs, 'witnessed-if-soon'),
    tile: async (tile) => {
      const below = tile.level === 'entries' ? await store.pruned() : 0;
      if ((tile.index + 1) * TILE_WIDTH > below) return opened().tiles.read(tile);
      return absent.explained(Promise.reject(prunedError(`${tilePath(tile)} was pruned`, below)), undefined);
    },
    receipt: async (id, waitMs = RECEIPT_WAIT_MS, wish = 'first') => {
      const uuid = uuidIn(id, 'rcp_');
      const row = await absent.explained(byId(uuid), uuid);
      return opened().prover.receipt(row, await covering.find(row.idx + 1, waitMs, wish));
    },
    witnesses: () => statusOf(opened().witnessing),
    trust: async () => ({
      format: 'talos-trust-v1',
      logs: [{ origin: key.origin, vkey: key.vkey, ...trustedWitnesses(deps) }],
      exporters: [deps.exporter.did],
      emitters: [...new Set([deps.emitter, ...(await store.emitters())])],
      anchors: [...deps.policy().anchors],
      policies: await policies.all(),
    }),
    findRequest: async (id) => {
      const uuid = uuidIn(id, 'req_');
      if (uuid === undefined) return undefined;
      const rows = await absent.explained(store.request(uuid), uuid);
      if (rows === undefined) return absent.assertNone(uuid).then(() => undefined);
      const { event: decision, disclosures } = openRow(rows.decision, deps.crypto);
      const outcome = rows.outcome === undefined ? null : eventOf(rows.outcome);
      const receipt = `rcp_${rows.decision.id}`;
      return { request_id: id, receipt, decision, disclosures, outcome } as RequestRecord;
    },
    disclosures: (from) => writeDisclosurePage(deps, from),
    stats: async () => {
      const { size, allowed, denied } = await store.counts();
      const signed = opened().integrator.checkpoint;
      const root = encodeHex(signed?.root ?? hasher.empty());
      return { sequenced: size, size: signed?.size ?? 0, root, decisions: { allowed, denied } };
    },
  };
}

function uuidIn(id: string, prefix: string): string | undefined {
  return id.startsWith(prefix) && isUuidv7(uuidOf(id)) ? uuidOf(id) : undefined;
}

/** Whoever takes our word for whom to trust asks for the quorum from then on. */
function trustedWitnesses({ witnesses: settings }: AuditDeps): Partial<TrustFile['logs'][number]> {
  const { witnesses, quorum } = settings?.() ?? { witnesses: [], quorum: 0 };
  return witnesses.length === 0 ? {} : { witnesses: witnesses.map(({ vkey }) => vkey), quorum };
}
