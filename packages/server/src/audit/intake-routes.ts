import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  AUDIT_BATCH,
  AuditBatch,
  AuditPolicy,
  type AuditRefusal,
  createChecker,
  RequestId,
} from '@talosprotocol/contracts';
import { isTrustError, parseJsonObject, TrustError } from '@talosprotocol/protocol';
import type { NodeGuard } from '../platform/cluster/node-guard.js';
import { formatRun } from '../platform/cluster/node-run.js';
import type { Route } from '../platform/routes.js';
import { type Intake, shown } from './intake.js';
import type { Audit } from './service.js';

const checkBatch = createChecker(AuditBatch);
const checkPolicy = createChecker(AuditPolicy);
const checkRequestId = createChecker(RequestId);

/** The routes on which other nodes hand in their events (AUD-25): on the listener for nodes only. Every request and every
 *  answer is proven by the key that the nodes share. */
export function createIntakeRoutes(audit: Audit, intake: Intake, guard: NodeGuard): readonly Route[] {
  const post = (path: string, maxBody: number, work: Work): Route => ({
    method: 'POST',
    path,
    surface: 'service',
    permission: 'audit:append',
    audit: 'none',
    maxBody,
    handle: async (request, response) => {
      const body = await guard.readBody(request, maxBody);
      const text = JSON.stringify(
        await work(parseJsonObject(body, { maxBytes: maxBody, floats: true }), request),
      );
      send(guard, request, response, Buffer.from(text));
    },
  });
  return [
    post('/talos/v1/audit/events', AUDIT_BATCH.bytes, async (value, request) => {
      const batch = checked<AuditBatch>(value, checkBatch);
      return intake.take(formatRun(guard.sender(request)), batch);
    }),
    post('/talos/v1/audit/state', SMALL, async () => intake.state()),
    post('/talos/v1/audit/policies', MAX_POLICY, (value) =>
      refusable(async () => {
        await audit.recordPolicy(checked<AuditPolicy>(value, checkPolicy));
        return {};
      }),
    ),
    post('/talos/v1/audit/requests', SMALL, (value) =>
      refusable(async () => {
        const id = value['request_id'];
        if (checkRequestId(id) !== undefined) throw new TrustError('MALFORMED', 'not the id of a request');
        return { record: (await audit.findRequest(id as string)) ?? null };
      }),
    ),
  ];
}

/** A refusal is an answer like others: a node believes only what is proven. */
async function refusable(work: () => Promise<object>): Promise<object> {
  try {
    return await work();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return { error: shown(error) } satisfies AuditRefusal;
  }
}

const SMALL = 4_096;
/** The anchors of a talos.yaml of 1 MiB. */
const MAX_POLICY = 2_097_152;

type Work = (value: ReturnType<typeof parseJsonObject>, request: IncomingMessage) => Promise<object>;

function checked<T>(value: object, check: ReturnType<typeof createChecker>): T {
  const fault = check(value);
  if (fault === undefined) return value as T;
  throw new TrustError('MALFORMED', fault);
}

function send(guard: NodeGuard, request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  guard.signAnswer(request, response, 200, body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(body.length) });
  response.end(body);
}
