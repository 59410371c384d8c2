import { type AnchorKind, type AnchorList, type AnchorStatus, MAX_INTEGER } from '@talosprotocol/contracts';
import { formatTime, TrustError } from '@talosprotocol/protocol';
import { readQuery, sendJson } from '../../platform/json-exchange.js';
import type { Route } from '../../platform/routes.js';
import { readNumber } from '../explorer/query.js';
import type { AnchorStatus as Status } from './anchor-loop.js';
import type { Anchoring, AnchorQuery } from './anchoring.js';

/** The routes of chain anchors (AUD-45, AUD-129): how far they are, evidence of one, and what an archive has of them. */
export function createAnchorRoutes(anchoring: Pick<Anchoring, 'status' | 'evidence' | 'page'>): Route[] {
  const admin = { method: 'GET', surface: 'admin', permission: 'audit:read', audit: 'none' } as const;
  return [
    {
      ...admin,
      path: '/talos/v1/anchors',
      handle: (_, response, { query }) => {
        if (query !== '') throw malformed('this route takes no parameters');
        const list: AnchorList = { anchors: anchoring.status().map(describe) };
        sendJson(response, 200, list);
      },
    },
    {
      ...admin,
      path: '/talos/v1/anchors/evidence',
      handle: async (_, response, { query }) => {
        sendJson(response, 200, await anchoring.evidence(readAnchorQuery(query)));
      },
    },
    {
      ...admin,
      path: '/talos/v1/anchors/proofs',
      permission: 'audit:export',
      handle: async (_, response, { query }) => {
        const members = readQuery(query, ['to', 'after', 'place']);
        const to = readNumber(members, 'to', WHOLE) ?? MAX_INTEGER;
        const cursor = { after: readNumber(members, 'after', WHOLE) ?? 0, place: members.get('place') ?? '' };
        sendJson(response, 200, await anchoring.page(to, cursor));
      },
    },
  ];
}

const WHOLE = { least: 0, most: MAX_INTEGER };

function describe({ place, kind, lag, proven, open, fault: own, blind, alarms }: Status): AnchorStatus {
  // What keeps the log from being anchored comes first; mostly it is the same.
  const fault = own ?? blind;
  return {
    place,
    kind,
    lag,
    proven:
      proven === undefined
        ? null
        : { size: proven.size, begun: formatTime(proven.begunMs), block: blockOf(proven.proof) },
    open,
    fault: fault === undefined ? null : withTime(fault),
    alarms: alarms.map(withTime),
  };
}

function withTime<T extends { readonly sinceMs: number }>({ sinceMs, ...rest }: T) {
  return { ...rest, since: formatTime(sinceMs) };
}

function blockOf(proof: NonNullable<Status['proven']>['proof']): number | null {
  return proof.kind === 'evm' ? proof.block.number : null;
}

const KINDS: readonly string[] = ['evm', 'opentimestamps'] satisfies AnchorKind[];

function readAnchorQuery(query: string): AnchorQuery {
  const found = readQuery(query, ['size', 'kind']);
  const kind = found.get('kind');
  if (kind !== undefined && !KINDS.includes(kind)) throw malformed('kind is evm or opentimestamps');
  return { size: readSize(found.get('size')), kind: kind as AnchorKind | undefined };
}

function readSize(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const size = /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  throw malformed('size is not a whole number above 0');
}

function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', reason);
}
