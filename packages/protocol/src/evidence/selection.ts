import type { AuditEvent, BundleFilter, DecisionEvent } from '@talosprotocol/contracts';

/** Tells which events a filter asks for (AUD-53). */
export interface Matcher {
  /** True if the event fits the filter. An outcome does if its decision, which must have been given before, does. */
  fits(event: AuditEvent): boolean;
}

/** The links of a chain by `cth`, as far as it was shown. */
export type LinksOf = (cth: string) => readonly string[];

/** Makes the matcher of one filter. Time and place are not looked at: the range says which entries they leave. */
export function createMatcher(filter: BundleFilter, linksOf: LinksOf): Matcher {
  const decisions = new Set<string>();
  return {
    fits: (event) => {
      if (event.type === 'outcome') return decisions.has(event.decision);
      if (!fitsAll(filter, event, linksOf)) return false;
      if (event.type === 'decision') decisions.add(event.id);
      return true;
    },
  };
}

/** True if a filter names something besides times: then a bundle leaves events of its range out. */
export function isNarrow({ agents, capabilities, tools, effect }: BundleFilter): boolean {
  return [agents, capabilities, tools, effect].some((member) => member !== undefined);
}

function fitsAll(filter: BundleFilter, event: AuditEvent, linksOf: LinksOf): boolean {
  return (
    isOfAgent(filter, event) &&
    isOfCapability(filter, event, linksOf) &&
    (event.type === 'decision' ? isOfCall(filter, event) : isAnything(filter))
  );
}

function isOfAgent({ agents }: BundleFilter, { principal }: AuditEvent): boolean {
  return agents === undefined || (principal !== null && agents.includes(principal.sub));
}

function isOfCapability({ capabilities }: BundleFilter, event: AuditEvent, linksOf: LinksOf): boolean {
  if (capabilities === undefined) return true;
  const cth = event.type === 'decision' ? event.credential.cth : 'cth' in event ? event.cth : undefined;
  return cth !== undefined && [cth, ...linksOf(cth)].some((name) => capabilities.includes(name));
}

function isOfCall({ tools, effect }: BundleFilter, { action, effect: had }: DecisionEvent): boolean {
  if (effect !== undefined && effect !== had) return false;
  const { server = action.provider ?? '', tool = action.model } = action;
  return tools === undefined || tools.includes(server) || tools.includes(`${server}/${tool}`);
}

/** What is no call was asked for only if nothing was said of calls. */
function isAnything({ tools, effect }: BundleFilter): boolean {
  return tools === undefined && effect === undefined;
}
