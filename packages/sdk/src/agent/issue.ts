import { type IssueOptions, issueCapability as issueRoot } from '@talosprotocol/protocol';
import type { Identity } from './identity.js';
import { createRuntime, issueDepsOf, type RuntimeOptions } from './runtime.js';

/** What issuing reads from outside. */
export type IssueRuntimeOptions = Pick<RuntimeOptions, 'crypto' | 'now' | 'random'>;

/** Issues a capability in the name of an identity, offline: a chain of one link, held by `options.sub`. It is worth
 *  something at gateways whose policy names the identity's DID as a trust anchor. Times are Unix seconds.
 *  @returns the chain, to hand to the holder or to `createAgent`; it is no secret unless a bearer key is made of it
 *  @throws {TrustError} MALFORMED: options outside CAP-1 to CAP-12, or a grant the lint refuses (CAP-27)
 *  @example const capability = issueCapability(organisation, {
 *    sub: agent.did,
 *    aud: [gatewayDid],
 *    grants: [{ scope: 'tool:fs/method:read_text_file/resource:/docs', ops: ['read'] }],
 *    exp: Math.floor(Date.now() / 1000) + 3600,
 *  }); */
export function issueCapability(
  identity: Identity,
  options: IssueOptions,
  runtime: IssueRuntimeOptions = {},
): string {
  return issueRoot(options, identity.signer, issueDepsOf(createRuntime(runtime))).chain;
}
