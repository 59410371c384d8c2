import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PROBLEMS } from '@talosprotocol/contracts';
import {
  createDidResolver,
  createNonces,
  createSessionTable,
  createSigner,
  deriveSessionKey,
  didKeyKeys,
  encodeBase64url,
  formatTime,
  hashProof,
  isProofAuthorization,
  issueCapability,
  isTrustError,
  parseAnchors,
  parseJsonObject,
  parseProof,
  parseProofAuthorization,
  parseRequestProof,
  parseTalosAuthorization,
  readRequestHeaders,
  SESSION_SECONDS,
  type Session,
  type SessionTable,
  signSessionGrant,
  TrustError,
  type VerifiedCapability,
  verifyCapability,
  verifyProof,
  verifyProvenBody,
  verifyRequestProof,
  type WindowWidth,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { createIdentity, type Identity } from '../agent/identity.js';

/** A request whose MAC, or proof of its own, was verified. */
export interface VerifiedCall {
  readonly session?: Session<VerifiedCapability>;
  readonly rid: string;
  readonly seq?: number;
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

/** Answers a verified request, or sees one before its session is looked at (and then returns true). */
export type Answer = (call: VerifiedCall, response: ServerResponse) => void | Promise<void>;
type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

/** The session side of a gateway on a real socket, made of the protocol's own parts, for the tests of the SDK. */
export interface SessionGateway {
  readonly url: string;
  readonly did: string;
  readonly table: SessionTable<VerifiedCapability>;
  /** Paths asked for, in order. */
  readonly seen: string[];
  /** Lets the node forget everything, as a restart does. */
  restart(): void;
  revoke(lid: string): void;
  answer: Answer;
  intercept: Intercept;
  /** Time that has passed here on top of the real one, in ms. */
  ahead: number;
  /** Issues a root capability to an agent. */
  issue(
    sub: string,
    options?: { dlg?: number; seconds?: number; aud?: string[]; bearerBelow?: boolean },
  ): string;
  close(): Promise<void>;
}

const crypto = createNodeCrypto();
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const GRANTS = [{ scope: 'tool:fs', ops: ['read', 'write'] }] as const;

/** Starts a gateway on a free loopback port. */
export async function startSessionGateway(options: { window?: WindowWidth } = {}): Promise<SessionGateway> {
  const organisation = createIdentity({ crypto });
  const gateway = createIdentity({ crypto });
  const server = createServer((request, response) => {
    serve(self, deps, request, response).catch((error: unknown) => refuse(response, error));
  });
  const self = {
    did: gateway.did,
    seen: [] as string[],
    ahead: 0,
    answer: ((_, response) => void response.end('ok')) as Answer,
    intercept: (() => false) as Intercept,
  } as unknown as { -readonly [K in keyof SessionGateway]: SessionGateway[K] };
  const deps = createDeps(self, gateway, organisation, options.window ?? 256);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(self, {
    url,
    issue: (sub: string, { dlg = 0, seconds = 3600, aud = [gateway.did], bearerBelow = false } = {}) => {
      const now = () => Math.floor(deps.now() / 1000);
      const link = {
        sub,
        aud,
        dlg,
        bearer_below: bearerBelow,
        exp: now() + seconds,
        grants: GRANTS as never,
      };
      return issueCapability(link, organisation.signer, { crypto, now, randomBytes: random }).chain;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

type Deps = ReturnType<typeof createDeps>;

function createDeps(
  self: { -readonly [K in keyof SessionGateway]: SessionGateway[K] },
  gateway: Identity,
  organisation: Identity,
  window: WindowWidth,
) {
  const now = () => Date.now() + self.ahead;
  const revoked = new Set<string>();
  const isRevoked = (lid: string) => revoked.has(lid);
  let boot = 1;
  const boots = () => ({
    nonces: createNonces({ crypto, now, random }),
    table: createSessionTable<VerifiedCapability>({
      ...{ node: 1, boot: boot++, gateway: gateway.did, capacity: 100 },
      ...{ crypto, now, random, isRevoked },
    }),
  });
  const state = { ...boots() };
  const renew = () => {
    Object.assign(state, boots());
    self.table = state.table;
  };
  self.table = state.table;
  self.restart = renew;
  self.revoke = (lid) => {
    revoked.add(lid);
    state.table.revoke(lid);
  };
  const anchor = { iss: organisation.did, tenant: 'default', grants: GRANTS };
  const anchors = parseAnchors([anchor], crypto);
  return { state, now, isRevoked, anchors, gateway, window };
}

async function serve(
  self: SessionGateway,
  deps: Deps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url: target = '' } = request;
  self.seen.push(`${method} ${target}`);
  if (self.intercept(request, response)) return;
  if (target === '/talos/v1/nonces') return giveNonce(deps, response);
  if (target === '/talos/v1/sessions') return openSession(self, deps, request, response);
  const { signed, credential } = readRequestHeaders(request.rawHeaders);
  if (credential === undefined) throw new TrustError('NO_CAPABILITY', 'no credential');
  if (isProofAuthorization(credential.value)) return serveProven(self, deps, request, response);
  const authorization = parseTalosAuthorization(credential.value);
  deps.state.table.peek(authorization.sid, authorization.seq);
  const body = await read(request);
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const session = deps.state.table.authenticate(authorization, { method, target, headers: signed, bodyHash });
  if (method === 'DELETE' && target === `/talos/v1/sessions/${session.sid}`) {
    deps.state.table.close(session.sid);
    response.writeHead(204).end();
    return;
  }
  const { rid, seq } = authorization;
  await self.answer({ session, rid, seq, method, target, body: body.toString() }, response);
}

async function serveProven(
  self: SessionGateway,
  deps: Deps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url: target = '' } = request;
  const { signed, credential, capability: chain = '' } = readRequestHeaders(request.rawHeaders);
  const now = Math.floor(deps.now() / 1000);
  const { cth, holder } = await verifyChain(chain, deps, now);
  const proof = parseRequestProof(parseProofAuthorization(credential?.value ?? ''));
  const expected = {
    ...{ audience: deps.gateway.did, method, url: `${self.url}${target}`, cth, headers: signed },
    holder: didKeyKeys(holder),
  };
  verifyRequestProof(proof, expected, { now, crypto });
  const body = await read(request);
  verifyProvenBody(proof, new Uint8Array(body), { crypto, consumeNonce: deps.state.nonces.consume });
  await self.answer({ rid: proof.claims.rid, method, target, body: body.toString() }, response);
}

function verifyChain(chain: string, { anchors, isRevoked, gateway }: Deps, now: number) {
  const resolver = createDidResolver({ now: () => now });
  return verifyCapability(chain, {
    ...{ now, audience: gateway.did, anchors, isRevoked, resolver, crypto },
  });
}

function giveNonce({ state, gateway }: Deps, response: ServerResponse): void {
  const { nonce, expires } = state.nonces.issue();
  sendJson(response, 201, { nonce, gateway: gateway.did, expires: formatTime(expires) });
}

async function openSession(
  self: SessionGateway,
  deps: Deps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { chain, proof } = parseJsonObject(await read(request)) as { chain: string; proof: string };
  const now = Math.floor(deps.now() / 1000);
  const { gateway, window, state } = deps;
  const capability = await verifyChain(chain, deps, now);
  const expected = {
    ...{ audience: gateway.did, method: 'POST', url: `${self.url}/talos/v1/sessions` },
    ...{ cth: capability.cth, holder: didKeyKeys(capability.holder) },
  };
  const verified = verifyProof(parseProof(proof), expected, {
    now,
    crypto,
    consumeNonce: state.nonces.consume,
  });
  const secret = random(32);
  const gatewayEpk = crypto.x25519PublicKey(secret);
  const exp = Math.min(capability.expires, now + SESSION_SECONDS);
  const common = {
    role: 'gateway',
    secret,
    agentEpk: verified.epk,
    gatewayEpk,
    cth: capability.cth,
  } as const;
  const session = state.table.open({
    ...{ subject: capability.holder, lids: capability.links.map(({ lid }) => lid), exp, window },
    context: capability,
    deriveKey: (sid) => deriveSessionKey({ ...common, sid }, crypto),
  });
  const claims = {
    ...{ iss: gateway.did, aud: capability.holder, sid: session.sid, epk: encodeBase64url(gatewayEpk) },
    ...{ iat: now, exp, window, proof: hashProof(proof, crypto) },
  };
  sendJson(response, 201, { session: signSessionGrant(claims, createSigner(gateway.exportSeed(), crypto)) });
}

/** A refusal as our routes write it (DEC-3). */
export function refuse(response: ServerResponse, error: unknown): void {
  const refusal = isTrustError(error) ? error : new TrustError('INTERNAL', String(error));
  const { status, title, retryable } = PROBLEMS[refusal.code];
  const { reason, ...facts } = refusal.data;
  const request_id = 'req_01938e5c-7b1a-7c3d-8e4f-0123456789ab';
  const type = `urn:talos:problem:${refusal.code}`;
  const problem = {
    type,
    title,
    status,
    code: refusal.code,
    detail: reason,
    request_id,
    retryable,
    ...facts,
  };
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify(problem));
}

/** Answers JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
