import { utf8Length } from '../encoding/utf8.js';
import type { CheckedItem } from './items.js';
import type { ParsedLink } from './link.js';
import type { VerifiedCapability } from './verified.js';

/** Of a hint, as in the schema of a denial (DEC-1). */
const MAX_BYTES = 1024;

/** What would grant an item that no grant of the link covers: the item itself, its tool where that is too long to
 *  say, else no scope at all. */
export function hintForScope(capability: VerifiedCapability, link: number, item: CheckedItem): string {
  const { scope, op } = item;
  const tool = scope.slice(0, Math.max(0, scope.indexOf('/resource:')));
  for (const wanted of tool === '' ? [scope] : [scope, tool]) {
    const hint = grantedBy(capability, link, wanted, op);
    if (fits(hint)) return hint;
  }
  if (link === 0) return `${onlyAnchor(capability.anchor.iss)}. It does not grant the item.`;
  return `Ask ${issuerOf(capability, link)} for a grant that covers the item.`;
}

/** What would make a trust anchor (link 0) grant a scope: no capability can, only the operator's own policy. */
export function hintForAnchor(iss: string, scope: string, op: string): string {
  return `${onlyAnchor(iss)}: add under its grants \`- { scope: "${scope}", ops: [${op}] }\`, then run talos policy reload.`;
}

function onlyAnchor(iss: string): string {
  return `No capability helps here, only the operator: the anchor of ${iss} in talos.yaml bounds all capabilities below it`;
}

/** What would lift a caveat. */
export function hintForCaveat(capability: VerifiedCapability, link: number, caveat: string): string {
  const hint = liftedBy(capability, link, `\`${caveat}\``);
  return fits(hint) ? hint : liftedBy(capability, link, 'the caveat');
}

function fits(hint: string): boolean {
  return utf8Length(hint) <= MAX_BYTES;
}

function liftedBy(capability: VerifiedCapability, link: number, caveat: string): string {
  const change = `Call with arguments for which ${caveat} holds, or ask`;
  if (link === 0) {
    return `${change} the operator: it stands under anchors in talos.yaml, at ${capability.anchor.iss}, and no capability lifts it.`;
  }
  return `${change} ${issuerOf(capability, link)} for a grant without it.`;
}

function grantedBy(capability: VerifiedCapability, link: number, scope: string, op: string): string {
  if (link === 0) return hintForAnchor(capability.anchor.iss, scope, op);
  const verb = link === 1 ? 'issue' : 'attenuate';
  return `Ask ${issuerOf(capability, link)} to grant it: talos cap ${verb} --grant '${scope}:${op}'`;
}

function issuerOf(capability: VerifiedCapability, link: number): string {
  return (capability.links[link - 1] as ParsedLink).claims.iss;
}
