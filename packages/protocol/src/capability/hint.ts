import { utf8Length } from '../encoding/utf8.js';
import type { CheckedItem } from './items.js';
import type { ParsedLink } from './link.js';
import type { VerifiedCapability } from './verified.js';

const MAX_BYTES = 1024;

/** What would grant an item that no grant of the link covers. */
export function hintForScope(capability: VerifiedCapability, link: number, item: CheckedItem): string {
  const hint = grantedBy(capability, link, `${item.scope}:${item.op}`);
  if (utf8Length(hint) <= MAX_BYTES) return hint;
  const tool = item.scope.slice(0, item.scope.indexOf('/resource:'));
  return grantedBy(capability, link, `${tool}:${item.op}`);
}

/** What would lift a caveat. */
export function hintForCaveat(capability: VerifiedCapability, link: number, caveat: string): string {
  const change = `Call with arguments for which \`${caveat}\` holds, or ask`;
  if (link === 0) return `${change} the operator for an anchor grant without it.`;
  return `${change} ${issuerOf(capability, link)} for a grant without it.`;
}

function grantedBy(capability: VerifiedCapability, link: number, grant: string): string {
  if (link === 0) {
    return `The operator's trust anchor for ${capability.anchor.iss} does not grant this; it would need \`${grant}\`.`;
  }
  const verb = link === 1 ? 'issue' : 'attenuate';
  return `Ask ${issuerOf(capability, link)} to grant it: talos cap ${verb} --grant '${grant}'`;
}

function issuerOf(capability: VerifiedCapability, link: number): string {
  return (capability.links[link - 1] as ParsedLink).claims.iss;
}
