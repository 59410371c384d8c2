import type { BelowRule } from '@talosprotocol/contracts';
import type { ParsedLink } from '../capability/link.js';

/** Rules below DIDs that are in force (REV-2), each since some moment. */
export interface BelowRules {
  /** Number of rules. */
  size(): number;
  /** False if it was there already; the first `since` stays. */
  add(rule: BelowRule, since?: number): boolean;
  remove(rule: BelowRule): void;
  /** Since when a rule revokes `links[index]`, the earliest if there are several; undefined if none does. Two look-ups
   *  a link before it. */
  since(index: number, links: readonly ParsedLink[]): number | undefined;
}

/** Identifies a rule: two with the same name are the same. */
export function ruleName(rule: BelowRule): string {
  return `${rule.below} ${placeOf(rule)}`;
}

/** Makes the set of rules, empty. */
export function createBelowRules(): BelowRules {
  const byIssuer = new Map<string, Map<string, number>>();
  let size = 0;
  return {
    size: () => size,
    add: (rule, since = 0) => {
      const known = byIssuer.get(rule.below) ?? new Map<string, number>();
      if (known.has(placeOf(rule))) return false;
      byIssuer.set(rule.below, known.set(placeOf(rule), since));
      size += 1;
      return true;
    },
    remove: (rule) => {
      const known = byIssuer.get(rule.below);
      if (!known?.delete(placeOf(rule))) return;
      size -= 1;
      if (known.size === 0) byIssuer.delete(rule.below);
    },
    since: (index, links) => {
      const known = size === 0 ? undefined : byIssuer.get((links[index] as ParsedLink).claims.iss);
      if (known === undefined) return undefined;
      const found = placesAbove(index, links).flatMap((place) => known.get(place) ?? []);
      return found.length === 0 ? undefined : Math.min(...found);
    },
  };
}

const placeOf = ({ as, point }: BelowRule): string => `${as} ${point ?? '*'}`;

/** Names of the places that lie above `links[index]`. Above a root there is no subject who handed it on. */
function placesAbove(index: number, links: readonly ParsedLink[]): readonly string[] {
  const points = ['*', ...links.slice(0, index).map(({ lid }) => lid)];
  const issuer = points.map((point) => `issuer ${point}`);
  return index === 0 ? issuer : [...issuer, ...points.map((point) => `subject ${point}`)];
}
