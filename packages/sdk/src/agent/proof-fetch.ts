import {
  createUuidv7,
  encodeBase64url,
  encodeUtf8,
  formatProofAuthorization,
  hashSignedHeaders,
  signRequestProof,
} from '@talosprotocol/protocol';
import { fetchNonce, type Opener } from './opening.js';
import { type OutgoingRequest, readOutgoingRequest, signedHeadersOf } from './outgoing-request.js';
import { unixSeconds } from './runtime.js';
import { refusalIn, retryLost, sendWithCredential } from './sending.js';

/** Makes a `fetch` that proves possession with each request by itself (SES-13): no session is opened, and each request
 *  costs one more for its nonce. For single calls, and where each call is to be evidence that the agent made it. Where the
 *  nonce is refused, as behind a balancer that sends the two to different nodes, it tries once more with another, under the
 *  same `rid`. */
export function createProofFetch(opener: Omit<Opener, 'resolver'>): typeof fetch {
  const { http, runtime } = opener;
  return async (input, init) => {
    const request = await readOutgoingRequest(input, init, http.origin, runtime.crypto);
    const rid = createUuidv7(runtime.now(), runtime.random(16));
    const send = () => retryLost(() => sendProven(request, rid, opener));
    const response = await send();
    const refusal = await refusalIn(response);
    if (refusal?.code !== 'PROOF_INVALID' || refusal.caveat !== 'nonce') return response;
    await response.body?.cancel();
    return send();
  };
}

async function sendProven(
  request: OutgoingRequest,
  rid: string,
  opener: Omit<Opener, 'resolver'>,
): Promise<Response> {
  const { identity, chain, http, runtime } = opener;
  const { crypto, random } = runtime;
  request.signal.throwIfAborted();
  const { gateway, nonce } = await fetchNonce(opener);
  const claims = {
    aud: gateway,
    iat: unixSeconds(runtime),
    jti: encodeBase64url(random(16)),
    htm: request.method,
    htu: `${http.origin}${request.target}`,
    cth: chain.cth,
    nonce,
    bh: encodeBase64url(crypto.sha256(request.body ?? encodeUtf8(''))),
    hh: hashSignedHeaders(signedHeadersOf(request.headers), crypto),
    rid,
  };
  const authorization = formatProofAuthorization(signRequestProof(claims, identity.signer));
  return sendWithCredential(request, { authorization, 'talos-capability': chain.chain }, runtime);
}
