import type { DecisionEvent, Item } from '@talosprotocol/contracts';
import { parseItems } from '../capability/items.js';
import { formatScope } from '../capability/scope.js';
import { notProven } from './not-proven.js';

/** What of a decision is looked at by itself. */
type DecisionForm = Pick<
  DecisionEvent,
  | 'surface'
  | 'effect'
  | 'code'
  | 'credential'
  | 'action'
  | 'items'
  | 'forwarded_hash'
  | 'pin'
  | 'refusal'
  | 'held'
  | 'actor'
>;

/** Checks what a decision has and what it has not, whatever else a log holds (AUD-4, AUD-5, AUD-22). No bundle with one that
 *  fails here is ever proven, so a log takes none.
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED */
export function checkDecisionForm(decision: DecisionForm): void {
  checkAdministration(decision);
  if (decision.effect === 'deny') checkDenied(decision);
  else checkAllowed(decision);
}

/** Who brings no capability is refused on the admin surface only, and only there is somebody else than a subject. */
function checkAdministration({ surface, code, actor }: DecisionForm): void {
  const isOurs = actor !== undefined || code === 'UNAUTHENTICATED' || code === 'FORBIDDEN';
  if (isOurs && surface !== 'admin')
    throw notProven('decision', 'an administrator was refused as if an agent called');
}

function checkDenied({ code, held, forwarded_hash, pin }: DecisionForm): void {
  if (code === null) throw notProven('decision', 'a denial without a code');
  if (held !== undefined) throw notProven('decision', 'a denial that holds money');
  // Else a call that was sent on would count as one that was refused.
  if (forwarded_hash !== null || pin !== null)
    throw notProven('decision', 'a denial of a call that was sent to its tool or model');
}

function checkAllowed({ surface, action, credential, items, pin, refusal, code }: DecisionForm): void {
  if (code !== null || refusal !== null)
    throw notProven('decision', 'an allowed decision with a refusal in it');
  const names = surface === 'mcp' ? pin !== null : surface === 'llm' && pin === null;
  if (!names || items === null)
    throw notProven('decision', 'an allowed decision that names no items, or no pinned tool and no model');
  // It is shown, found and billed by the name that stands there.
  const others = surface === 'mcp' ? [action.provider, action.model] : [action.server, action.tool];
  if (others.some((other) => other !== undefined))
    throw notProven('decision', 'an allowed decision that names both a tool and a model');
  calledScope({ surface, action });
  if (credential.kind === 'none' || credential.cth === undefined)
    throw notProven('decision', 'a call was allowed without a capability');
  checkMade(credential);
}

/** The scope of the tool or the model that stands open in an allowed decision.
 *  @throws {TrustError} MALFORMED: there is none, or one that no scope can hold */
export function calledScope({ surface, action }: Pick<DecisionForm, 'surface' | 'action'>): string {
  const { server = '', tool = '', provider = '', model = '' } = action;
  return surface === 'llm'
    ? formatScope('llm', [provider, model]).text
    : formatScope('tool', [server, tool]).text;
}

/** The items that an allowed decision discloses, all of them of the tool or the model it names.
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED */
export function itemsOf(event: Pick<DecisionForm, 'surface' | 'action'>, items: unknown): readonly Item[] {
  if (!Array.isArray(items) || items.length === 0)
    throw notProven('decision', 'what is disclosed as items is no list of some');
  const called = calledScope(event);
  const parsed = parseItems(items);
  if (parsed.every(({ scope }) => scope === called || scope.startsWith(`${called}/`))) return parsed;
  throw notProven('decision', 'the items are of another tool or model than the call');
}

/** What a call was made with is there for one call: it must be there to be used up. */
function checkMade({ kind, sid, seq, proof, signature_hash }: DecisionEvent['credential']): void {
  if (kind === 'session' && (sid === undefined || seq === undefined))
    throw notProven('decision', 'a session call without its session and number');
  if (kind === 'proof' ? proof === undefined : kind === 'signature' && signature_hash === undefined)
    throw notProven('proof', 'a call without the proof it was made with');
}
