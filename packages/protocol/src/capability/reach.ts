import { TrustError } from '../error.js';
import { firstOutOfReach } from './authorize.js';
import { hintForAnchor } from './hint.js';
import { formatScope } from './scope.js';
import type { VerifiedCapability } from './verified.js';

/** Checks that some call of the tool could be allowed by every link and the anchor. Asked before whether there is such a
 *  tool: outside its capability a caller cannot tell what there is (DEC-8), and not whether it reads or writes either.
 *  @throws {TrustError} SCOPE_MISMATCH; MALFORMED: names that no scope can hold */
export function checkToolInReach(
  capability: VerifiedCapability,
  { server, tool }: { readonly server: string; readonly tool: string },
): void {
  const link = firstOutOfReach(capability, { server, tool, ops: ['read', 'write'] });
  if (link === undefined) return;
  const item = formatScope('tool', [server, tool]).text;
  const issuer = capability.links[link - 1]?.claims.iss;
  const hint =
    issuer === undefined
      ? hintForAnchor(capability.anchor.iss, item, '<read or write>')
      : `No grant of link ${link} covers this tool. Ask ${issuer} for a capability with one: --grant '${item}:<read or write>'`;
  throw new TrustError('SCOPE_MISMATCH', 'no grant covers the tool', { link, item, hint });
}
