import {
  deriveSessionKey,
  didKeyKeys,
  encodeBase64url,
  formatTalosAuthorization,
  type ParsedChain,
  type Signer,
  sessionMac,
  signProof,
  verifySessionGrant,
} from '@talosprotocol/protocol';
import { random } from '../../platform/system.js';
import type { SignedRequest } from '../ports.js';
import { type Answer, crypto, newRid, type World } from './kernel-world.js';

/** What an agent's side of a session needs to do, in plain steps, so that each can be got wrong on purpose. */

export interface Opening {
  readonly answer: Answer;
  readonly proof: string;
  readonly secret: Uint8Array;
}

/** Opens a session with the agent's proof; `change` alters its claims. */
export async function openSession(
  world: World,
  { agent, chain }: { readonly agent: Signer; readonly chain: ParsedChain },
  change: Record<string, unknown> = {},
): Promise<Opening> {
  const { body } = await world.post('/talos/v1/nonces', '');
  const secret = random(32);
  const claims = {
    aud: world.gateway.did,
    iat: world.seconds(),
    jti: encodeBase64url(random(12)),
    htm: 'POST',
    htu: `${world.listener.url}/talos/v1/sessions`,
    cth: chain.cth,
    nonce: body.nonce as string,
    epk: encodeBase64url(crypto.x25519PublicKey(secret)),
    ...change,
  };
  const proof = signProof(claims, agent);
  const answer = await world.post('/talos/v1/sessions', { chain: chain.chain, proof });
  return { answer, proof, secret };
}

export interface AgentSession {
  readonly sid: string;
  readonly exp: number;
  /** The `Authorization` value for a request, with the next number or the one given. */
  sign(request: SignedRequest, seq?: number): string;
}

/** Checks the gateway's answer and derives the session key (SES-4, SES-5). */
export function takeSession(world: World, agent: Signer, chain: ParsedChain, opening: Opening): AgentSession {
  const expected = { gateway: didKeyKeys(world.gateway.did), subject: agent.did, proof: opening.proof };
  const { claims, epk } = verifySessionGrant(opening.answer.body.session, expected, { crypto });
  const agentEpk = crypto.x25519PublicKey(opening.secret);
  const { sid, exp } = claims;
  const parts = {
    secret: opening.secret,
    role: 'agent' as const,
    agentEpk,
    gatewayEpk: epk,
    cth: chain.cth,
    sid,
  };
  const key = deriveSessionKey(parts, crypto);
  let last = 0;
  return {
    sid,
    exp,
    sign: ({ method, target, headers, body }, seq = ++last) => {
      const rid = newRid(world);
      const bodyHash = crypto.sha256Hex(body);
      const fields = { sid, gateway: world.gateway.did, seq, rid, method, target, headers, bodyHash };
      return formatTalosAuthorization({ sid, seq, rid, mac: sessionMac(key, fields, crypto) });
    },
  };
}

export const REQUEST: SignedRequest = {
  method: 'POST',
  target: '/mcp',
  headers: { 'content-type': 'application/json' },
  body: new TextEncoder().encode('{}'),
};
