import { CapabilityStatus, FeedPage, FeedSnapshot } from '@talosprotocol/contracts';
import type { Route } from './openapi-routes.js';

/** Shapes of these routes, by name. */
export const REVOCATION_COMPONENTS: Readonly<Record<string, object>> = {
  CapabilityStatus,
  FeedPage,
  FeedSnapshot,
};

const open = { on: ['kernel', 'gateway'], method: 'get', status: 200 } as const;

/** The routes for who follows what is revoked here. */
export const REVOCATION_ROUTES: readonly Route[] = [
  {
    ...open,
    path: '/talos/v1/revocations/feed',
    id: 'followRevocations',
    summary: 'Answers the entries of the revocation feed after a number; waits for the next if there is none',
    query: { after: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } },
    answer: FeedPage,
  },
  {
    ...open,
    path: '/talos/v1/revocations/snapshot',
    id: 'listRevocations',
    summary: 'Answers everything that is revoked, signed',
    answer: FeedSnapshot,
  },
  {
    ...open,
    path: '/talos/v1/status-lists/{id}',
    id: 'getStatusList',
    summary: 'Answers a status list token (draft-ietf-oauth-status-list)',
    media: 'application/statuslist+jwt',
  },
  {
    ...open,
    path: '/talos/v1/capabilities/{lid}/status',
    id: 'getCapabilityStatus',
    summary: 'Answers whether a link is revoked here, and where its status is published',
    answer: CapabilityStatus,
  },
];
