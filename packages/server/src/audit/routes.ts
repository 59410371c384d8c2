import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { createChecker, ErasureRequest, EventId, type Principal } from '@talosprotocol/contracts';
import { isTrustError, parseTilePath, TILE_WIDTH, type TileId, TrustError } from '@talosprotocol/protocol';
import { readJson, readQuery, sendJson } from '../platform/json-exchange.js';
import type { RequestContext, Route } from '../platform/routes.js';
import { createAnchorRoutes } from './anchor/routes.js';
import { createArchiveRoutes } from './archive/routes.js';
import { readEventQuery } from './explorer/query.js';
import { readBundleAsk } from './export/ask.js';
import { sendParts } from './export/send-parts.js';
import { createTurnstile } from './export/turnstile.js';
import { createPruneRoute } from './pruning/route.js';
import { readStatsQuery } from './rollup/query.js';
import type { Audit } from './service.js';

/** The routes of the audit room (AUD-13, AUD-15). A receipt and an entry bundle disclose, so they need
 *  a permission; checkpoints and hashes are everybody's. */
export function createAuditRoutes(audit: Audit, { patienceMs = PATIENCE_MS } = {}): Route[] {
  const exports = createTurnstile(MAX_EXPORTS, 'other bundles are being exported');
  return [
    ...createAnchorRoutes(audit.anchoring),
    ...createArchiveRoutes(audit, { patienceMs }),
    get('/talos/v1/receipts/:id', 'audit:read', async (context, response) => {
      const wish = readWish(readQuery(context.query, ['witnessed']).get('witnessed'));
      sendJson(response, 200, await audit.receipt(context.params['id'] ?? '', undefined, wish));
    }),
    get('/talos/v1/events', 'audit:read', async (context, response) => {
      sendJson(response, 200, await audit.events(readEventQuery(context.query)));
    }),
    get('/talos/v1/stats', 'audit:read', async (context, response) => {
      sendJson(response, 200, await audit.eventStats(readStatsQuery(context.query)));
    }),
    get('/talos/v1/events/:event', 'audit:read', async (context, response) => {
      noQuery(context);
      sendJson(response, 200, await audit.event(context.params['event'] ?? ''));
    }),
    get('/talos/v1/bundle', 'audit:export', (context, response) =>
      exports(async () => {
        const parts = await audit.bundle(readBundleAsk(context.query), context.principal);
        await sendParts(response, parts, BUNDLE_HEADERS, { patienceMs, signal: context.signal });
      }),
    ),
    get('/talos/v1/trust', 'audit:read', async (context, response) => {
      noQuery(context);
      sendJson(response, 200, await audit.trust());
    }),
    get('/talos/v1/witnesses', 'audit:read', (context, response) => {
      noQuery(context);
      sendJson(response, 200, audit.witnesses());
    }),
    {
      method: 'DELETE',
      path: '/talos/v1/events/:id/disclosures',
      ...ERASING,
      handle: async (_, response, context) => {
        noQuery(context);
        sendJson(response, 200, await audit.eraseEvent(eventOf(context), eraserOf(context)));
      },
    },
    {
      method: 'POST',
      path: '/talos/v1/erasures',
      ...ERASING,
      handle: async (request, response, context) => {
        noQuery(context);
        const wanted = parseErasure(await readJson(request, context));
        sendJson(response, 200, await audit.eraseOf(wanted, eraserOf(context)));
      },
    },
    createPruneRoute(audit),
    get('/tlog/checkpoint', 'public', (_, response) => {
      const { note } = audit.checkpoint();
      send(response, Buffer.from(note), 'text/plain; charset=utf-8', 'no-cache');
    }),
    get('/tlog/tile/entries/*', 'audit:read', sendBundleTile(audit)),
    get('/tlog/tile/*', 'public', async (context, response) => {
      const bytes = await readTile(audit, '', context);
      send(response, bytes, 'application/octet-stream', `public, ${IMMUTABLE}`);
    }),
  ];
}

const ERASING = { surface: 'admin', permission: 'audit:erase', audit: 'administration' } as const;

const checkErasure = createChecker(ErasureRequest);
const checkEventId = createChecker(EventId);

/** @throws {TrustError} NOT_FOUND */
function eventOf({ params }: RequestContext): string {
  const id = params['id'] ?? '';
  if (checkEventId(id) === undefined) return id;
  throw new TrustError('NOT_FOUND', 'there is no such event');
}

function parseErasure(body: object): ErasureRequest {
  const fault = checkErasure(body);
  if (fault === undefined) return body as ErasureRequest;
  throw new TrustError('MALFORMED', `an erasure: ${fault}`, {
    hint: 'Give exactly one of agent and administrator, and from and to as times.',
  });
}

/** The listener lets nobody in whom it does not know. */
function eraserOf({ principal }: RequestContext): Principal {
  if (principal === undefined) throw new TypeError('a route for administrators without one');
  return principal;
}

/** Bundles that are written at a time: each keeps the database busy. */
const MAX_EXPORTS = 2;
/** Longest wait for whoever is sent one: others wait meanwhile. */
const PATIENCE_MS = 20_000;

const BUNDLE_HEADERS = {
  'content-type': 'application/json',
  'content-disposition': 'attachment; filename="bundle.json"',
};

type Answer = (
  context: RequestContext,
  response: ServerResponse,
  request: IncomingMessage,
) => Promise<void> | void;

/** For everybody, or for whoever has the permission. */
function get(path: string, who: 'public' | NonNullable<Route['permission']>, answer: Answer): Route {
  const handle = (request: IncomingMessage, response: ServerResponse, context: RequestContext) =>
    answer(context, response, request);
  const reader = who === 'public' ? { surface: who } : ({ surface: 'admin', permission: who } as const);
  return { method: 'GET', path, ...reader, audit: 'none', handle };
}

/** Tiles never change once they are published, so they may be kept. */
const IMMUTABLE = 'max-age=31536000, immutable';

/** Entries, compressed for whoever takes that: they are JSON (AUD-78). */
function sendBundleTile(audit: Audit): Answer {
  return async (context, response, request) => {
    const bytes = await readTile(audit, 'entries/', context);
    const isPacked = takesGzip(request.headers['accept-encoding']);
    response.setHeader('vary', 'accept-encoding');
    if (isPacked) response.setHeader('content-encoding', 'gzip');
    const body = isPacked ? await compress(bytes, { level: 1 }) : bytes;
    send(response, body, 'application/octet-stream', `private, ${IMMUTABLE}`);
  };
}

const compress = promisify(gzip);

/** RFC 9110 section 12.5.3, as far as it names gzip or everything. */
function takesGzip(accepted: string | undefined): boolean {
  const codings = new Map(
    (accepted ?? '').split(',').map((part): [string, boolean] => {
      const [coding = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
      return [coding, !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter))];
    }),
  );
  return codings.get('gzip') ?? codings.get('*') ?? false;
}

/** A tile of the published tree; those beyond the checkpoint are not there yet. */
async function readTile(audit: Audit, prefix: string, context: RequestContext): Promise<Uint8Array> {
  const tile = findTile(`tile/${prefix}${context.params['*'] ?? ''}`, audit.checkpoint().size);
  const bytes = tile === undefined ? undefined : await audit.tile(tile);
  if (bytes === undefined) throw new TrustError('NOT_FOUND', 'there is no such tile');
  return bytes;
}

function findTile(path: string, size: number): TileId | undefined {
  try {
    const tile = parseTilePath(path);
    const level = tile.level === 'entries' ? 0 : tile.level;
    const count = Math.floor(size / TILE_WIDTH ** level);
    return tile.index * TILE_WIDTH + tile.width <= count ? tile : undefined;
  } catch (error) {
    if (isTrustError(error)) return undefined;
    throw error;
  }
}

function send(response: ServerResponse, body: Uint8Array, type: string, cache: string): void {
  response.writeHead(200, {
    'content-type': type,
    'content-length': String(body.length),
    'cache-control': cache,
  });
  response.end(body);
}

/** Whether nothing counts but what witnesses have seen (AUD-31). */
function readWish(text: string | undefined): 'first' | 'witnessed' {
  if (text === undefined || text === 'false') return 'first';
  if (text === 'true') return 'witnessed';
  throw new TrustError('MALFORMED', 'witnessed is true or false');
}

function noQuery({ query }: RequestContext): void {
  if (query !== '') throw new TrustError('MALFORMED', 'the route takes no query');
}
