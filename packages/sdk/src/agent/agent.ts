import {
  type AttenuateOptions,
  attenuate,
  attenuateToBearer,
  createDidResolver,
  type DidResolver,
  type ParsedChain,
  parseChain,
} from '@talosprotocol/protocol';
import { createHttpClient } from '../http/client.js';
import { type AgentSession, createAgentSession } from './agent-session.js';
import type { Identity } from './identity.js';
import { type Opener, openSession } from './opening.js';
import { createProofFetch } from './proof-fetch.js';
import { createRuntime, issueDepsOf, type Runtime, type RuntimeOptions, unixSeconds } from './runtime.js';
import { createSessionPool, type SessionPool } from './session-pool.js';
import { createSigningFetch, endSession } from './signing-fetch.js';

/** What an agent acts with. */
export interface AgentOptions extends RuntimeOptions {
  readonly identity: Identity;
  /** A capability chain whose last link names this identity. */
  readonly capability: string;
  /** URL of the gateway; only its origin counts. */
  readonly gateway: string | URL;
  /** Finds the keys of a gateway with a `did:web`; by default only `did:key` is known. */
  readonly resolver?: DidResolver;
  /** How requests prove possession. `session` (the default): the first one opens a session, the others cost next to
   *  nothing. `request`: each has a proof of its own and asks for a nonce before, for single calls, and where the log is
   *  to show of each call that the agent made it (SES-13). */
  readonly prove?: 'session' | 'request';
  /** Longest time for each of the two requests that open a session, in milliseconds; default 10,000. */
  readonly timeoutMs?: number;
}

/** An identity that holds a capability and uses it at a gateway. */
export interface Agent {
  readonly did: string;
  readonly capability: string;
  /** Origin of the gateway. */
  readonly gateway: string;
  /** A `fetch` for the gateway that proves possession of the key on every request. The session opens with the first
   *  one, and another one when the gateway no longer knows it or its node is gone; a lost connection is tried again twice,
   *  and a call keeps its `rid` in all of that, so that no write is made twice. Rejects with TypeError for other origins, for
   *  redirects, and for requests with a credential of their own; with TrustError if no session can be opened. */
  readonly fetch: typeof fetch;
  /** Passes on part of the capability, offline.
   *  @returns the longer chain, for the holder of `sub`
   *  @throws {TrustError} DELEGATION_INVALID | MALFORMED */
  attenuate(options: AttenuateOptions): string;
  /** As `attenuate`, to a fresh key that is part of the result: a bearer key, for SDKs that can only send one. It is
   *  a secret.
   *  @throws {TrustError} DELEGATION_INVALID | MALFORMED */
  attenuateToBearer(options: Omit<AttenuateOptions, 'sub' | 'bearer'>): string;
  /** Ends the session at the gateway, once what is in flight was answered. A later `fetch` opens another. */
  close(): Promise<void>;
}

/** Makes an agent. Nothing is sent before its first `fetch`.
 *  @throws {TypeError} the capability is not held by the identity, or a bad gateway URL
 *  @throws {TrustError} MALFORMED capability
 *  @example const agent = createAgent({ identity, capability, gateway: 'http://127.0.0.1:8001' });
 *  await agent.fetch('http://127.0.0.1:8001/mcp', { method: 'POST', body, headers }) */
export function createAgent(options: AgentOptions): Agent {
  const { identity } = options;
  const runtime = createRuntime(options);
  const chain = parseChain(options.capability, runtime.crypto);
  const holder = chain.leaf.claims.sub;
  if (holder !== identity.did) {
    throw new TypeError(`the capability is held by ${holder}, not by this identity ${identity.did}`);
  }
  const { pool, opener } = createSessions(options, chain, runtime);
  const { origin } = opener.http;
  const issuing = issueDepsOf(runtime);
  return {
    did: identity.did,
    capability: chain.chain,
    gateway: origin,
    fetch:
      options.prove === 'request' ? createProofFetch(opener) : createSigningFetch({ origin, pool, runtime }),
    attenuate: (link) => attenuate(chain, link, identity.signer, issuing).chain,
    attenuateToBearer: (link) => attenuateToBearer(chain, link, identity.signer, issuing),
    close: pool.close,
  };
}

function createSessions(
  options: AgentOptions,
  chain: ParsedChain,
  runtime: Runtime,
): { readonly pool: SessionPool; readonly opener: Opener } {
  const { identity, timeoutMs } = options;
  const timeout = timeoutMs === undefined ? {} : { timeoutMs };
  const http = createHttpClient({ url: options.gateway, fetch: runtime.fetch, ...timeout });
  const resolver = options.resolver ?? createDidResolver({ now: () => unixSeconds(runtime) });
  const opener = { identity, chain, http, resolver, runtime };
  const { origin } = http;
  const open = async () => createAgentSession(await openSession(opener), runtime);
  const end = (session: AgentSession) => endSession(session, origin, runtime);
  return { pool: createSessionPool({ open, end, now: runtime.now }), opener };
}
