import { priceOf } from '@talosprotocol/protocol';
import type { AuditDraft } from './draft.js';

/** By what an event is found, besides its place and its time (AUD-65). Few events have one of their own: each is kept
 *  once, under the index of the first event that has it. */
export interface Facet {
  readonly type: AuditDraft['type'];
  /** The agent: `principal.sub`. */
  readonly sub: string | null;
  /** Index of the `chain` event of the capability. */
  readonly chain: number | null;
  readonly server: string | null;
  readonly tool: string | null;
  readonly op: string | null;
  readonly effect: string | null;
  readonly code: string | null;
  readonly surface: string | null;
  readonly status: string | null;
  /** What it ends, or changes the standing of: a link, or a DID (AUD-55). */
  readonly lid: string | null;
  readonly currency: string | null;
  /** Decimal digits of what it cost. */
  readonly digits: number | null;
}

/** Columns of a facet, in the order in which its text names them. */
export const FACET_COLUMNS = [
  'type',
  'sub',
  'chain',
  'server',
  'tool',
  'op',
  'effect',
  'code',
  'surface',
  'status',
  'lid',
  'currency',
  'digits',
] as const satisfies readonly (keyof Facet)[];

/** The facet of a draft. `chain` is the index of the chain it refers to, or of itself if it is one; `decision` the facet
 *  of the decision whose outcome it is. Written out, since this is done for every event: an object that
 *  is spread together costs several times as much. */
export function facetOf(draft: AuditDraft, chain: number | null, decision?: Facet): Facet {
  const { type } = draft;
  const made = type === 'decision' ? draft.members : undefined;
  const ended = type === 'outcome' ? draft.members : undefined;
  const call = made?.action ?? decision;
  const cost = ended && priceOf(ended);
  return {
    type,
    sub: draft.principal?.sub ?? null,
    chain: ended === undefined ? chain : (decision?.chain ?? null),
    server: upstreamOf(call),
    tool: calledOf(call),
    op: call?.op ?? null,
    effect: made?.effect ?? decision?.effect ?? null,
    code: codeOf(draft),
    surface: made?.surface ?? decision?.surface ?? null,
    status: ended?.status ?? null,
    lid: endedBy(draft),
    currency: cost?.currency ?? null,
    digits: cost === undefined ? null : String(cost.amount).length,
  };
}

type Called = { readonly provider?: string; readonly model?: string } & Partial<
  Record<'server' | 'tool', string | null>
>;

/** A model provider is found like a tool server, a model like a tool (AUD-65). */
const upstreamOf = (call: Called | undefined): string | null => call?.server ?? call?.provider ?? null;
const calledOf = (call: Called | undefined): string | null => call?.tool ?? call?.model ?? null;

function endedBy({ type, members }: AuditDraft): string | null {
  if (type === 'revocation') return members.lid;
  if (type === 'revocation.below') return members.below;
  return type === 'identity.rotated' || type === 'identity.deactivated' ? members.did : null;
}

function codeOf({ type, members }: AuditDraft): string | null {
  return type === 'decision' || type === 'denials' ? members.code : null;
}

/** One text for each facet; no member holds a line end, and none is empty. */
export function facetText(facet: Facet): string {
  const { type, sub, chain, server, tool, op, effect, code, surface, status, lid, currency, digits } = facet;
  const call = `${server ?? ''}\n${tool ?? ''}\n${op ?? ''}\n${effect ?? ''}\n${code ?? ''}\n${surface ?? ''}`;
  const rest = `${status ?? ''}\n${lid ?? ''}\n${currency ?? ''}\n${digits ?? ''}`;
  return `${type}\n${sub ?? ''}\n${chain ?? ''}\n${call}\n${rest}`;
}
