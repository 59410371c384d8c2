import { createChecker, Grant } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../encoding/json.js';
import { malformed } from '../error.js';
import { compileGrant } from './grant.js';

/** `type` of the image of a grant in `authorization_details` (CAP-29). */
export const GRANT_DETAIL_TYPE = 'urn:talos:grant';

/** Most grants of one link (CAP-1). */
const MAX_DETAILS = 128;

const checkGrant = createChecker(Grant);

/** The image of a link's grants in the `authorization_details` of RFC 9396 section 2, one object for each in their order
 *  (CAP-29). `fromAuthorizationDetails` gives the same grants again. It is an image only: nothing that verifies a chain
 *  reads it. */
export function toAuthorizationDetails(grants: readonly Grant[]): readonly JsonObject[] {
  return grants.map(
    ({ scope, ops, ...caveats }) =>
      ({ type: GRANT_DETAIL_TYPE, identifier: scope, actions: ops, ...caveats }) as unknown as JsonObject,
  );
}

/** The grants that `authorization_details` are the image of (CAP-29). What a grant cannot say is refused, never left out:
 *  each restriction that was dropped would widen it.
 *  @throws {TrustError} MALFORMED: no such array, another `type` or member, or a grant outside CAP-2 */
export function fromAuthorizationDetails(details: JsonValue, crypto: CryptoProvider): readonly Grant[] {
  if (!Array.isArray(details) || details.length === 0 || details.length > MAX_DETAILS)
    throw malformed(`authorization_details that are no array of 1 to ${MAX_DETAILS} objects`);
  return details.map((detail: JsonValue, index) => grantOf(detail, index, crypto));
}

function grantOf(detail: JsonValue, index: number, crypto: CryptoProvider): Grant {
  if (!isJsonObject(detail) || detail['type'] !== GRANT_DETAIL_TYPE)
    throw malformed(`authorization_details[${index}] of another type than ${GRANT_DETAIL_TYPE}`);
  const { type: _, identifier, actions, ...caveats } = detail;
  if (Object.hasOwn(caveats, 'scope') || Object.hasOwn(caveats, 'ops'))
    throw malformed(`authorization_details[${index}] with a member of grants`);
  const grant = { scope: identifier, ops: actions, ...caveats };
  const fault = checkGrant(grant);
  if (fault !== undefined) throw malformed(`authorization_details[${index}]: ${fault}`);
  compileGrant(grant as unknown as Grant, crypto);
  return grant as unknown as Grant;
}
