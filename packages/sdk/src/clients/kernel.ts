import {
  AuthorizeAnswer,
  type AuthorizeRequest,
  createChecker,
  Identity,
  IdentityPage,
  IssueCapabilityAnswer,
  type IssueCapabilityRequest,
  type RegisterIdentityRequest,
  RequestRecord,
  RevokeAnswer,
  type RevokeRequest,
  WellKnown,
} from '@talosprotocol/contracts';
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
  registerIdentity(identity: RegisterIdentityRequest): Promise<Identity>;
  /** Newest first. */
  listIdentities(page?: PageQuery): Promise<IdentityPage>;
  getIdentity(did: string): Promise<Identity>;
  /** Issues a root link with the organisation's key. */
  issueCapability(request: IssueCapabilityRequest): Promise<IssueCapabilityAnswer>;
  /** Answers once the revocation is durable and in force (CAP-26). A signed revocation needs no token. */
  revoke(request: RevokeRequest): Promise<RevokeAnswer>;
  /** Decides as of now and consumes nothing (DEC-11). */
  authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer>;
  /** What was decided on a request and why. */
  why(requestId: string): Promise<RequestRecord>;
  /** Who answers here and what its evidence is checked with. Public. */
  wellKnown(): Promise<WellKnown>;
}

const checks = {
  identity: createChecker(Identity),
  identities: createChecker(IdentityPage),
  issued: createChecker(IssueCapabilityAnswer),
  revoked: createChecker(RevokeAnswer),
  authorized: createChecker(AuthorizeAnswer),
  request: createChecker(RequestRecord),
  wellKnown: createChecker(WellKnown),
};

/** Makes a client of the kernel (port 8000).
 *  @throws {TypeError} a URL that is not http or https, or holds user info
 *  @example const kernel = createKernelClient({ url: 'http://127.0.0.1:8000', adminToken }) */
export function createKernelClient(options: HttpClientOptions): KernelClient {
  const { json } = createHttpClient(options);
  const get = (path: string, query: object = {}) => ({ method: 'GET', path, query: { ...query } }) as const;
  const post = (path: string, body: unknown) => ({ method: 'POST', path, body }) as const;
  return {
    registerIdentity: (body) => json(post('/talos/v1/identities', body), checks.identity),
    listIdentities: (page) => json(get('/talos/v1/identities', page), checks.identities),
    getIdentity: (did) => json(get(`/talos/v1/identities/${encodeURIComponent(did)}`), checks.identity),
    issueCapability: (body) => json(post('/talos/v1/capabilities', body), checks.issued),
    revoke: (body) => json(post('/talos/v1/revocations', body), checks.revoked),
    authorize: (body) => json(post('/talos/v1/authorize', body), checks.authorized),
    why: (id) => json(get(`/talos/v1/requests/${encodeURIComponent(id)}`), checks.request),
    wellKnown: () => json(get('/.well-known/talos.json'), checks.wellKnown),
  };
}
