import {
  AuthorizeAnswer,
  type AuthorizeRequest,
  CapabilityStatus,
  createChecker,
  type DeactivateIdentityRequest,
  FormerKeysAnswer,
  Identity,
  IdentityHistory,
  type IdentityKind,
  IdentityPage,
  IssueCapabilityAnswer,
  type IssueCapabilityRequest,
  NodeList,
  NonceAnswer,
  type RegisterIdentityRequest,
  RequestRecord,
  RevokeAnswer,
  type RevokeRequest,
  type RotateIdentityRequest,
  WellKnown,
} from '@talosprotocol/contracts';
import { type Signer, signRegistration } from '@talosprotocol/protocol';
import { createRuntime, unixSeconds } from '../agent/runtime.js';
import { createHttpClient, type HttpClientOptions } from '../http/client.js';

/** Which page of a list. */
export interface PageQuery {
  /** `next` of the page before; absent for the first. */
  readonly cursor?: string;
  /** 1 to 500, default 100. */
  readonly limit?: number;
}

/** The kernel's routes. All reject with a TrustError: the code the kernel gave, UNAVAILABLE if it does not answer,
 *  UPSTREAM_FAILED if what answers is not a kernel. */
export interface KernelClient {
  /** A nonce for a proof, used once within 60 s (SES-1). Public. */
  nonce(): Promise<NonceAnswer>;
  registerIdentity(identity: RegisterIdentityRequest): Promise<Identity>;
  /** Proves control of the signer's key, over a nonce of its own, and registers its DID (ID-13). */
  registerSigner(
    signer: Signer,
    identity: { readonly kind: IdentityKind; readonly name: string },
  ): Promise<Identity>;
  /** Hands over to a successor by two statements; of a DID that is fetched, with an empty body, has it fetched again
   *  (ID-14). Public. */
  rotateIdentity(did: string, body: RotateIdentityRequest): Promise<Identity>;
  /** Ends an identity: by its own statement, without token, or as an administrator with an empty body (ID-15). */
  deactivateIdentity(did: string, body: DeactivateIdentityRequest): Promise<Identity>;
  /** What happened to it, oldest first. */
  identityHistory(did: string): Promise<IdentityHistory>;
  /** The keys it had at a moment (RFC 3339, milliseconds, UTC), for audit only (ID-12). */
  formerKeys(did: string, at: string): Promise<FormerKeysAnswer>;
  /** Newest first. */
  listIdentities(page?: PageQuery): Promise<IdentityPage>;
  getIdentity(did: string): Promise<Identity>;
  /** Issues a root link with the organisation's key. */
  issueCapability(request: IssueCapabilityRequest): Promise<IssueCapabilityAnswer>;
  /** Answers once the revocation is durable and in force (CAP-26). A signed revocation needs no token. */
  revoke(request: RevokeRequest): Promise<RevokeAnswer>;
  /** Whether a link is revoked there, and where its status is published. Public. */
  capabilityStatus(lid: string): Promise<CapabilityStatus>;
  /** Decides as of now and consumes nothing (DEC-11). */
  authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer>;
  /** What was decided on a request and why. */
  why(requestId: string): Promise<RequestRecord>;
  /** The processes of the platform, live and gone. Needs `node:read`. */
  nodes(): Promise<NodeList>;
  /** Who answers here and what its evidence is checked with. Public. */
  wellKnown(): Promise<WellKnown>;
}

const checks = {
  identity: createChecker(Identity),
  identities: createChecker(IdentityPage),
  nonce: createChecker(NonceAnswer),
  history: createChecker(IdentityHistory),
  formerKeys: createChecker(FormerKeysAnswer),
  issued: createChecker(IssueCapabilityAnswer),
  revoked: createChecker(RevokeAnswer),
  status: createChecker(CapabilityStatus),
  authorized: createChecker(AuthorizeAnswer),
  request: createChecker(RequestRecord),
  nodes: createChecker(NodeList),
  wellKnown: createChecker(WellKnown),
};

/** Makes a client of the kernel (port 8000).
 *  @throws {TypeError} a URL that is not http or https, or holds user info
 *  @example const kernel = createKernelClient({ url: 'http://127.0.0.1:8000', adminToken }) */
export function createKernelClient(options: HttpClientOptions): KernelClient {
  const { json } = createHttpClient(options);
  const get = (path: string, query: object = {}) => ({ method: 'GET', path, query: { ...query } }) as const;
  const post = (path: string, body: unknown) => ({ method: 'POST', path, body }) as const;
  const of = (did: string, what: string): string => `/talos/v1/identities/${encodeURIComponent(did)}/${what}`;
  const nonce = () => json<NonceAnswer>({ method: 'POST', path: '/talos/v1/nonces' }, checks.nonce);
  const register = (body: RegisterIdentityRequest) =>
    json<Identity>(post('/talos/v1/identities', body), checks.identity);
  return {
    nonce,
    registerIdentity: register,
    registerSigner: async (signer, identity) => register(proveRegistration(signer, identity, await nonce())),
    rotateIdentity: (did, body) => json(post(of(did, 'rotation'), body), checks.identity),
    deactivateIdentity: (did, body) => json(post(of(did, 'deactivation'), body), checks.identity),
    identityHistory: (did) => json(get(of(did, 'history')), checks.history),
    formerKeys: (did, at) => json(get(of(did, 'keys'), { at }), checks.formerKeys),
    listIdentities: (page) => json(get('/talos/v1/identities', page), checks.identities),
    getIdentity: (did) => json(get(`/talos/v1/identities/${encodeURIComponent(did)}`), checks.identity),
    issueCapability: (body) => json(post('/talos/v1/capabilities', body), checks.issued),
    revoke: (body) => json(post('/talos/v1/revocations', body), checks.revoked),
    capabilityStatus: (lid) =>
      json(get(`/talos/v1/capabilities/${encodeURIComponent(lid)}/status`), checks.status),
    authorize: (body) => json(post('/talos/v1/authorize', body), checks.authorized),
    why: (id) => json(get(`/talos/v1/requests/${encodeURIComponent(id)}`), checks.request),
    nodes: () => json(get('/talos/v1/nodes'), checks.nodes),
    wellKnown: () => json(get('/.well-known/talos.json'), checks.wellKnown),
  };
}

/** The body of a registration: the claims in the open, and signed over the nonce. */
function proveRegistration(
  signer: Signer,
  { kind, name }: { readonly kind: IdentityKind; readonly name: string },
  { nonce, gateway }: NonceAnswer,
): RegisterIdentityRequest {
  const identity = { did: signer.did, kind, name };
  // The nonce is random enough to name the proof.
  const claims = {
    ...identity,
    aud: gateway,
    iat: unixSeconds(createRuntime()),
    jti: nonce.slice(-32),
    nonce,
  };
  return { ...identity, proof: signRegistration(claims, signer) };
}
