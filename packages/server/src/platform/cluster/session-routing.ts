import type { IncomingMessage } from 'node:http';
import {
  decodeBase64url,
  decodeSessionId,
  isProofAuthorization,
  isTalosAuthorization,
  isTrustError,
  parseJson,
  parseTalosAuthorization,
} from '@talosprotocol/protocol';
import { readBody, rememberBody } from '../body.js';
import { clientAddress } from '../client-address.js';
import type { Route, RouteHandler } from '../routes.js';
import type { ForwardCall, Forwarding } from './forward.js';
import type { NodeRun } from './node-run.js';
import type { NodeRegistry } from './registry.js';

/** Sends requests to the node that holds their session, once (SES-8). */
export interface SessionRouting {
  /** The same route, whose requests of another node's sessions are passed on to that node if it lives. For the
   *  listeners of clients only: what another node passed on is never passed on again. */
  wrap(route: Route, service: string | undefined): Route;
}

export interface SessionRoutingDeps {
  readonly registry: Pick<NodeRegistry, 'self' | 'find' | 'suspect'>;
  readonly forwarding: Forwarding;
  readonly limiter: { take(address: string): void };
  /** The node that gave a nonce, as the nonce says; undefined if it says nothing. */
  readonly runOfNonce: RunOfNonce;
}

type RunOfNonce = (nonce: string) => NodeRun | undefined;

const OPENING = '/talos/v1/sessions';
const MAX_OPENING = 64 * 1024;
const BODY_MS = 10_000;

export function createSessionRouting(deps: SessionRoutingDeps): SessionRouting {
  const { limiter } = deps;
  return {
    wrap: (declared, service) => {
      const handle: RouteHandler = isOpening(declared)
        ? async (request, response, context) => {
            limiter.take(clientAddress(request));
            const body = await readOpening(request);
            const run = body && runOfOpening(body, deps.runOfNonce);
            const call = { request, response, context, ...(body === undefined ? {} : { body }) };
            if (!(await passToOwner(run, service, call, deps)))
              await declared.handle(request, response, context);
          }
        : async (request, response, context) => {
            const run = runOfCredential(request, deps.runOfNonce);
            const isForeign = run !== undefined && run.node !== deps.registry.self.node;
            if (isForeign) limiter.take(clientAddress(request));
            const call = { request, response, context };
            if (isForeign && (await passToOwner(run, service, call, deps))) return;
            await declared.handle(request, response, context);
          };
      return { ...declared, handle };
    },
  };
}

function isOpening({ method, path }: Route): boolean {
  return method === 'POST' && path === OPENING;
}

/** False where this node must answer: its own, or nobody's. */
async function passToOwner(
  run: NodeRun | undefined,
  service: string | undefined,
  call: ForwardCall,
  { registry, forwarding }: SessionRoutingDeps,
): Promise<boolean> {
  if (run === undefined || run.node === registry.self.node) return false;
  const owner = await registry.find(run);
  if (owner === undefined) return false;
  if (service !== undefined && !owner.services.includes(service)) return false;
  const passed = await forwarding.pass(owner, call);
  // Only of a node where nobody listens others are told that it is gone: any caller can make one connection break.
  if (passed === 'refused') registry.suspect(run);
  return passed === 'answered';
}

/** The run that can verify the credential: the one whose session it is (SES-8), or whose nonce is in the proof of the
 *  request (SES-14, SES-15). Undefined if it names none, or cannot be read: then it is refused here. */
function runOfCredential(request: IncomingMessage, runOfNonce: RunOfNonce): NodeRun | undefined {
  const { authorization = '', 'signature-input': input } = request.headers;
  return unlessMalformed(() => {
    if (isTalosAuthorization(authorization))
      return decodeSessionId(parseTalosAuthorization(authorization).sid);
    if (isProofAuthorization(authorization)) return runOfProof(authorization.split(' ')[1], runOfNonce);
    return runOfSignature(typeof input === 'string' ? input : '', runOfNonce);
  });
}

/** Signatures of others may stand before the one with our nonce (SES-15). */
function runOfSignature(input: string, runOfNonce: RunOfNonce): NodeRun | undefined {
  for (const [index, [, nonce]] of [...input.matchAll(SIGNED_NONCE)].entries()) {
    if (index === MOST_SIGNATURES || nonce === undefined) return undefined;
    const run = unlessMalformed(() => runOfNonce(nonce));
    if (run !== undefined) return run;
  }
  return undefined;
}

/** Spaces may stand before a parameter (RFC 9651). */
const SIGNED_NONCE = /; *nonce="([A-Za-z0-9_-]{16,128})"/g;
const MOST_SIGNATURES = 8;

/** The body of an opening, which its handler reads again; undefined where that is the one to refuse it. */
async function readOpening(request: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_OPENING) return undefined;
  const body = await readBody(request, { maxBytes: MAX_OPENING, timeoutMs: BODY_MS });
  rememberBody(request, body);
  return body;
}

/** The run whose nonce is in the proof of an opening (SES-1). */
function runOfOpening(body: Uint8Array, runOfNonce: RunOfNonce): NodeRun | undefined {
  return unlessMalformed(() => {
    const { proof } = parseJson(body, { maxBytes: MAX_OPENING }) as { proof?: unknown };
    return typeof proof === 'string' ? runOfProof(proof, runOfNonce) : undefined;
  });
}

const MAX_PROOF = 8_192;

/** Of a proof, unverified: its nonce says only who can verify it. */
function runOfProof(proof: string | undefined, runOfNonce: RunOfNonce): NodeRun | undefined {
  const payload = proof?.split('.')[1];
  if (payload === undefined || payload.length > MAX_PROOF) return undefined;
  const { nonce } = parseJson(decodeBase64url(payload), { maxBytes: MAX_PROOF }) as { nonce?: unknown };
  return typeof nonce === 'string' ? runOfNonce(nonce) : undefined;
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isTrustError(error) || error instanceof TypeError) return undefined;
    throw error;
  }
}
