import { deflateSync } from 'node:zlib';
import type { CapabilityStatus, StatusListClaim } from '@talosprotocol/contracts';
import {
  createStatusList,
  encodeStatusList,
  formatTime,
  type Signer,
  signStatusListToken,
  TrustError,
} from '@talosprotocol/protocol';
import type { Clock } from '../../platform/system.js';
import type { Revocation } from './revocation.js';
import type { Revocations } from './revocations.js';
import type { StatusStore } from './status-store.js';
import type { RevocationStore } from './store.js';

/** The published status of the links this platform issued (draft-ietf-oauth-status-list). */
export interface StatusLists {
  /** The signed list `id`, and how many seconds it may be kept (REV-13). @throws {TrustError} NOT_FOUND */
  token(id: number, origin: string): Promise<{ readonly token: string; readonly ttl: number }>;
  /** The state of a link here, and where its status is published (REV-14). */
  status(lid: string, origin: string): Promise<CapabilityStatus>;
}

export interface StatusListsDeps {
  readonly store: Pick<RevocationStore, 'findRevocation'> & StatusStore;
  readonly revocations: Pick<Revocations, 'isRevoked'>;
  readonly organisation: Signer;
  readonly clock: Clock;
}

/** Statuses in one list: 8 KiB before compression. */
const LIST_SIZE = 65_536;
/** How long a list may be kept, and how long its signature stands, in seconds. */
const TTL = 60;
const LIFE = 3_600;
const INVALID = 1;

export function createStatusLists(deps: StatusListsDeps): StatusLists {
  const { store, revocations, organisation, clock } = deps;
  const isIssuerRevoked = () => store.isIssuerRevoked(organisation.did);
  const uriOf = (id: number, origin: string): string => `${origin}/talos/v1/status-lists/${id}`;
  const make = async (id: number): Promise<StatusListClaim> => {
    const from = id * LIST_SIZE;
    const { issued, revoked } = await store.readStatuses(from, from + LIST_SIZE);
    if (issued === 0) throw new TrustError('NOT_FOUND', 'there is no such status list');
    const list = createStatusList(1, LIST_SIZE);
    if (await isIssuerRevoked()) list.bytes.fill(0xff);
    for (const index of revoked) list.set(index - from, INVALID);
    return encodeStatusList(list, (bytes) => new Uint8Array(deflateSync(bytes, { level: 9 })));
  };
  const fresh = createCache(clock, make);
  return {
    token: async (id, origin) => {
      const status_list = await fresh(id);
      const iat = Math.floor(clock.now() / 1000);
      const claims = { sub: uriOf(id, origin), iat, exp: iat + LIFE, ttl: TTL, status_list };
      return { token: signStatusListToken(claims, organisation), ttl: TTL };
    },
    status: async (lid, origin) => {
      const [issued, kept] = await Promise.all([store.findIssued(lid), store.findRevocation({ lid })]);
      const isOver = issued !== undefined && (issued.isHolderEnded || (await isIssuerRevoked()));
      const isRevoked = isOver || revocations.isRevoked(lid);
      if (issued === undefined) return { lid, state: isRevoked ? 'revoked' : 'unknown', ...whenOf(kept) };
      const { index } = issued;
      const uri = uriOf(Math.floor(index / LIST_SIZE), origin);
      const status_list = { idx: index % LIST_SIZE, uri };
      return { lid, state: isRevoked ? 'revoked' : 'valid', ...whenOf(kept), status_list };
    },
  };
}

function whenOf(kept: Revocation | undefined): Pick<CapabilityStatus, 'revoked' | 'by'> {
  return kept === undefined ? {} : { revoked: formatTime(kept.at), by: kept.by };
}

/** Lists that are made again at most once a second each, and no more than a few are kept. */
function createCache<T>(clock: Clock, make: (id: number) => Promise<T>): (id: number) => Promise<T> {
  const known = new Map<number, { readonly at: number; readonly made: Promise<T> }>();
  return (id) => {
    const found = known.get(id);
    if (found !== undefined && clock.monotonic() - found.at < 1_000) return found.made;
    if (known.size >= 64) known.clear();
    const made = make(id);
    known.set(id, { at: clock.monotonic(), made });
    made.catch(() => known.delete(id));
    return made;
  };
}
