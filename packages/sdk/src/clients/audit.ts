import {
  createChecker,
  type EventFilter,
  type EventOrder,
  EventPage,
  EventRecord,
  MAX_BUNDLE_BYTES,
  MAX_TRUST_BYTES,
  Receipt,
  TrustFile,
} from '@talosprotocol/contracts';
import { decodeUtf8 } from '@talosprotocol/protocol';
import { createHttpClient, type HttpClientOptions } from '../http/client.js';
import type { PageQuery } from './kernel.js';

/** Which events, and which page of them. */
export interface EventQuery extends EventFilter, PageQuery {
  readonly order?: EventOrder;
}

/** The audit service's routes. All reject with a TrustError: the code the service gave, UNAVAILABLE if it does not
 *  answer, UPSTREAM_FAILED if what answers is not the audit service. Nothing here is verified: what the service
 *  says is checked with `verifyBundle` and a trust file of one's own. */
export interface AuditClient {
  /** A receipt; UNAVAILABLE while no checkpoint covers it (AUD-15). */
  receipt(id: string): Promise<Receipt>;
  /** Events that fit, newest first unless asked otherwise (AUD-65, AUD-66). A page may hold fewer than `limit`, even none, and
   *  still have a `next`: the service bounds its work for each. */
  events(query?: EventQuery): Promise<EventPage>;
  /** One event, by its index or its id (`evt_...`). */
  event(name: number | string): Promise<EventRecord>;
  /** The bytes of a bundle of the indexes from `from` up to, not including, `to` (AUD-16); without a range, all.
   *  They are to be kept as they are: a bundle is verified byte for byte. */
  bundle(range?: { readonly from?: number; readonly to?: number }): Promise<Uint8Array>;
  /** What this platform says an auditor could trust. Whoever audits the platform gets this from somewhere else. */
  trust(): Promise<TrustFile>;
  /** The latest checkpoint, a signed note (AUD-12). Public. */
  checkpoint(): Promise<string>;
}

const checks = {
  receipt: createChecker(Receipt),
  events: createChecker(EventPage),
  event: createChecker(EventRecord),
  trust: createChecker(TrustFile),
};

/** A page of 500 events of 65,535 bytes, with their disclosures. */
const MAX_PAGE = 67_108_864;
const MAX_CHECKPOINT = 65_536;

/** Makes a client of the audit service (port 8002).
 *  @throws {TypeError} a URL that is not http or https, or holds user info */
export function createAuditClient(options: HttpClientOptions): AuditClient {
  const { bytes, json } = createHttpClient(options);
  const get = (path: string, query: object = {}) => ({ method: 'GET', path, query: { ...query } }) as const;
  return {
    receipt: (id) => json(get(`/talos/v1/receipts/${encodeURIComponent(id)}`), checks.receipt),
    events: (query) => json({ ...get('/talos/v1/events', query), maxBytes: MAX_PAGE }, checks.events),
    event: (name) => json(get(`/talos/v1/events/${encodeURIComponent(name)}`), checks.event),
    bundle: (range) => bytes({ ...get('/talos/v1/bundle', range), maxBytes: MAX_BUNDLE_BYTES }),
    trust: () => json({ ...get('/talos/v1/trust'), maxBytes: MAX_TRUST_BYTES }, checks.trust),
    checkpoint: async () => decodeUtf8(await bytes({ ...get('/tlog/checkpoint'), maxBytes: MAX_CHECKPOINT })),
  };
}
