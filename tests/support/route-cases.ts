import { createIdentity } from '@talosprotocol/sdk';
import { RBAC_CASES } from './rbac-route-cases.js';
import { crypto, seconds } from './world.js';

export const SERVICES = ['kernel', 'gateway', 'audit'] as const;
export type Service = (typeof SERVICES)[number];

/** One route, and a request to it that is well-formed. */
export interface Case {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly target: string;
  /** What the caller shows: the administrator's token, a bearer key, nothing. */
  readonly auth: 'admin' | 'key' | 'none';
  readonly body?: () => object;
}

const LID = 'A'.repeat(43);
const UUID = '01890000-0000-7000-8000-000000000001';
const SID = `ses_${'A'.repeat(38)}`;
const did = createIdentity({ crypto }).did;
const admin = { auth: 'admin' } as const;
const open = { auth: 'none' } as const;
/** Well-formed, and refused for its model alone: no world of these cases has a provider. */
const noModel = () => ({ model: 'none', max_tokens: 1, messages: [], input: 'x' });
const ping = () => ({ jsonrpc: '2.0', id: 1, method: 'ping' });

const HEALTH: readonly Case[] = ['/health/live', '/health/ready'].map((path) => {
  return { method: 'GET', path, target: path, ...open };
});
const EVERY: readonly Case[] = [...HEALTH, { method: 'GET', path: '/metrics', target: '/metrics', ...admin }];
const MODELS: readonly Case[] = [
  ...['/v1', '/anthropic/v1'].flatMap((base): readonly Case[] => [
    { method: 'GET', path: `${base}/models`, target: `${base}/models`, auth: 'key' },
    { method: 'GET', path: `${base}/models/:model`, target: `${base}/models/none`, auth: 'key' },
  ]),
  ...[
    '/v1/chat/completions',
    '/v1/responses',
    '/v1/embeddings',
    '/anthropic/v1/messages',
    '/anthropic/v1/messages/count_tokens',
  ].map((path): Case => ({ method: 'POST', path, target: path, auth: 'key', body: noModel })),
];
const SECRET = { path: '/talos/v1/secrets/:name', target: '/talos/v1/secrets/some', ...admin } as const;
const SHARED: readonly Case[] = [
  { method: 'POST', path: '/talos/v1/nonces', target: '/talos/v1/nonces', ...open },
  {
    method: 'POST',
    path: '/talos/v1/sessions',
    target: '/talos/v1/sessions',
    ...open,
    body: () => ({ chain: 'a.b.c', proof: 'a.b.c' }),
  },
  { method: 'DELETE', path: '/talos/v1/sessions/:sid', target: `/talos/v1/sessions/${SID}`, ...open },
  { method: 'GET', path: '/.well-known/talos.json', target: '/.well-known/talos.json', ...open },
  {
    method: 'POST',
    path: '/talos/v1/revocations',
    target: '/talos/v1/revocations',
    ...admin,
    body: () => ({ lid: LID }),
  },
  {
    method: 'GET',
    path: '/talos/v1/revocations/feed',
    target: '/talos/v1/revocations/feed?after=0',
    ...open,
  },
  {
    method: 'GET',
    path: '/talos/v1/revocations/snapshot',
    target: '/talos/v1/revocations/snapshot',
    ...open,
  },
  { method: 'GET', path: '/talos/v1/status-lists/:id', target: '/talos/v1/status-lists/0', ...open },
  {
    method: 'GET',
    path: '/talos/v1/capabilities/:lid/status',
    target: `/talos/v1/capabilities/${LID}/status`,
    ...open,
  },
  {
    method: 'POST',
    path: '/talos/v1/identities/:did/rotation',
    target: `/talos/v1/identities/${did}/rotation`,
    ...open,
    body: () => ({ statement: `a.b.${'A'.repeat(86)}`, succession: `a.b.${'A'.repeat(86)}` }),
  },
  {
    method: 'POST',
    path: '/talos/v1/identities/:did/deactivation',
    target: `/talos/v1/identities/${did}/deactivation`,
    ...open,
    body: () => ({ statement: `a.b.${'A'.repeat(86)}` }),
  },
  ...EVERY,
];

/** Every route of the platform. `hostile-routes.test.ts` fails if one is missing. */
export const CASES: Readonly<Record<Service, readonly Case[]>> = {
  kernel: [
    {
      method: 'POST',
      path: '/talos/v1/identities',
      target: '/talos/v1/identities',
      ...admin,
      body: () => ({ did, kind: 'agent', name: 'hostile', proof: `a.b.${'A'.repeat(86)}` }),
    },
    { method: 'GET', path: '/talos/v1/identities', target: '/talos/v1/identities?limit=5', ...admin },
    { method: 'GET', path: '/talos/v1/identities/:did', target: `/talos/v1/identities/${did}`, ...admin },
    { method: 'GET', path: '/talos/v1/nodes', target: '/talos/v1/nodes', ...admin },
    {
      method: 'GET',
      path: '/talos/v1/identities/:did/history',
      target: `/talos/v1/identities/${did}/history`,
      ...admin,
    },
    {
      method: 'GET',
      path: '/talos/v1/identities/:did/keys',
      target: `/talos/v1/identities/${did}/keys?at=2026-01-01T00:00:00.000Z`,
      ...admin,
    },
    {
      method: 'POST',
      path: '/talos/v1/capabilities',
      target: '/talos/v1/capabilities',
      ...admin,
      body: () => ({ sub: did, grants: [{ scope: 'tool:files', ops: ['read'] }], exp: seconds() + 60 }),
    },
    ...(['evaluation', 'evaluations'] as const).map((name): Case => {
      const path = `/access/v1/${name}`;
      const body = () => ({
        subject: { type: 'capability', id: did, properties: { chain: 'a.b.c' } },
        action: { name: 'read' },
        resource: { type: 'tool', id: 'files' },
      });
      return { method: 'POST', path, target: path, ...admin, body };
    }),
    {
      method: 'GET',
      path: '/.well-known/authzen-configuration',
      target: '/.well-known/authzen-configuration',
      ...open,
    },
    {
      method: 'POST',
      path: '/talos/v1/authorize',
      target: '/talos/v1/authorize',
      ...admin,
      body: () => ({ chain: 'a.b.c', items: [{ scope: 'tool:files', op: 'read' }] }),
    },
    {
      method: 'GET',
      path: '/talos/v1/requests/:request',
      target: `/talos/v1/requests/req_${UUID}`,
      ...admin,
    },
    { method: 'GET', path: '/talos/v1/secrets', target: '/talos/v1/secrets', ...admin },
    { ...SECRET, method: 'PUT', body: () => ({ value: 'x' }) },
    { ...SECRET, method: 'DELETE' },
    ...RBAC_CASES,
    ...SHARED,
  ],
  gateway: [
    { method: 'POST', path: '/mcp', target: '/mcp', auth: 'key', body: ping },
    { method: 'POST', path: '/mcp/:server', target: '/mcp/files', auth: 'key', body: ping },
    ...MODELS,
    {
      method: 'GET',
      path: '/talos/v1/servers/:name/tools',
      target: '/talos/v1/servers/files/tools',
      ...admin,
    },
    { method: 'GET', path: '/talos/v1/budgets', target: '/talos/v1/budgets?limit=5', ...admin },
    { method: 'POST', path: '/talos/v1/policy/reload', target: '/talos/v1/policy/reload', ...admin },
    ...SHARED,
  ],
  audit: [
    { method: 'GET', path: '/talos/v1/receipts/:id', target: `/talos/v1/receipts/rcp_${UUID}`, ...admin },
    { method: 'GET', path: '/talos/v1/events', target: '/talos/v1/events?limit=2', ...admin },
    {
      method: 'GET',
      path: '/talos/v1/events/stream',
      // Beyond the log: a stream that opened would not end.
      target: '/talos/v1/events/stream?from=99999999',
      ...admin,
    },
    {
      method: 'GET',
      path: '/talos/v1/stats',
      target: '/talos/v1/stats?by=tool&bucket=hour&top=3',
      ...admin,
    },
    { method: 'GET', path: '/talos/v1/events/:event', target: '/talos/v1/events/0', ...admin },
    { method: 'GET', path: '/talos/v1/bundle', target: '/talos/v1/bundle?from=0&to=1', ...admin },
    { method: 'GET', path: '/talos/v1/witnesses', target: '/talos/v1/witnesses', ...admin },
    { method: 'GET', path: '/talos/v1/disclosures', target: '/talos/v1/disclosures?from=0', ...admin },
    { method: 'GET', path: '/talos/v1/trust', target: '/talos/v1/trust', ...admin },
    { method: 'GET', path: '/talos/v1/anchors', target: '/talos/v1/anchors', ...admin },
    {
      method: 'GET',
      path: '/talos/v1/anchors/evidence',
      target: '/talos/v1/anchors/evidence?size=1&kind=evm',
      ...admin,
    },
    { method: 'GET', path: '/talos/v1/anchors/proofs', target: '/talos/v1/anchors/proofs?to=9', ...admin },
    {
      method: 'DELETE',
      path: '/talos/v1/events/:id/disclosures',
      target: `/talos/v1/events/evt_${UUID}/disclosures`,
      ...admin,
    },
    {
      method: 'POST',
      path: '/talos/v1/erasures',
      target: '/talos/v1/erasures',
      ...admin,
      body: () => ({ agent: did }),
    },
    {
      method: 'POST',
      path: '/talos/v1/log/prune',
      target: '/talos/v1/log/prune',
      ...admin,
      body: () => ({ before: '2026-01-01T00:00:00.000Z' }),
    },
    { method: 'GET', path: '/verify', target: '/verify', ...open },
    { method: 'GET', path: '/tlog/checkpoint', target: '/tlog/checkpoint', ...open },
    { method: 'GET', path: '/tlog/tile/entries/*', target: '/tlog/tile/entries/000.p/1', ...admin },
    { method: 'GET', path: '/tlog/tile/*', target: '/tlog/tile/0/000.p/1', ...open },
    ...EVERY,
  ],
};
