import type { Decision, Denial, Op } from '@talosprotocol/contracts';
import type { JsonObject } from '../encoding/json.js';
import { isTrustError } from '../error.js';
import { type Coverage, createCoverage } from './coverage.js';
import type { CompiledGrant } from './grant.js';
import { hintForCaveat, hintForScope } from './hint.js';
import type { CheckedItem } from './items.js';
import { coversScope, formatScope } from './scope.js';
import type { VerifiedCapability } from './verified.js';
import type { ArgumentsMemo } from './where/memo.js';

/** The decision that allows. */
export const ALLOW: Decision = Object.freeze({ effect: 'allow' });

/** Decides one call: every item must be allowed by one grant of the anchor and by one of every link (CAP-20), so
 *  that no link can widen its parent. The first failure is reported, from link 0 upward. Consumes nothing; limits
 *  (`limitsOf`), and that the links are still in force (`checkInForce`), are the caller's next steps.
 *  Never throws: what cannot be decided is denied (DEC-2), and so is a call without items. `memo` is of these arguments: whoever asks
 *  about the same ones more than once, and lets nobody change them, gives the same.
 *  @example authorize(capability, itemsOfCall(call), call.arguments) */
export function authorize(
  capability: VerifiedCapability,
  items: readonly CheckedItem[],
  args: JsonObject,
  memo: ArgumentsMemo = {},
): Decision {
  try {
    return items.length === 0 ? undecidable('a call without items') : decide(capability, items, args, memo);
  } catch (error) {
    return undecidable(isTrustError(error) ? error.message : 'an error while deciding');
  }
}

/** What the anchor and each link say of one call, each for itself: the first that denies is what `authorize` answers.
 *  For people who want to know why; nothing is said of a call without items. */
export function explainLinks(
  capability: VerifiedCapability,
  items: readonly CheckedItem[],
  args: JsonObject,
): readonly Decision[] {
  if (items.length === 0) return [];
  const known: KnownCaveats = { byGrant: new Map(), memo: {} };
  return capability.grants.map((grants, link) => {
    const refusal = refusalOf(grants, items, args, known);
    return refusal === undefined ? ALLOW : deny(capability, link, refusal);
  });
}

/** A tool and the operations someone would use it with. */
export interface ToolReach {
  readonly server: string;
  readonly tool: string;
  readonly ops: readonly Op[];
}

/** A model, by the operator's name of its provider, and the operations someone would use it with. */
export interface ModelReach {
  readonly provider: string;
  readonly model: string;
  readonly ops: readonly Op[];
}

/** The first link, 0 being the anchor, that allows no call of the tool or model at all: none of its grants has segments
 *  that cover it and `ops` that meet these. Undefined if every link has one (DEC-9, LLM-22).
 *  @throws {TrustError} MALFORMED: names that no scope can hold */
export function firstOutOfReach(
  capability: VerifiedCapability,
  named: ToolReach | ModelReach,
): number | undefined {
  const scope =
    'tool' in named
      ? formatScope('tool', [named.server, named.tool]).text
      : formatScope('llm', [named.provider, named.model]).text;
  const reaches = (grant: CompiledGrant): boolean => named.ops.some(grant.allowsOp) && covers(grant, scope);
  const link = capability.grants.findIndex((grants) => !grants.some(reaches));
  return link < 0 ? undefined : link;
}

/** True if some call of the tool or model could be allowed. For lists of them; it decides no call.
 *  @throws {TrustError} MALFORMED: names that no scope can hold */
export function couldAllow(capability: VerifiedCapability, named: ToolReach | ModelReach): boolean {
  return firstOutOfReach(capability, named) === undefined;
}

/** A grant for some of a tool's resources reaches the tool, though it covers no call without one. A grant for a feature
 *  of a model reaches no model: what it covers needs the model too. */
function covers(grant: CompiledGrant, scope: string): boolean {
  if (grant.scope.root !== 'tool' || grant.scope.values.length < 3) return coversScope(grant.scope, scope);
  return coversScope(grant.scope, `${scope}/resource:${grant.scope.values[2]}`);
}

function decide(
  capability: VerifiedCapability,
  items: readonly CheckedItem[],
  args: JsonObject,
  memo: ArgumentsMemo,
): Decision {
  const { grants } = capability;
  // A grant's caveats see the whole call, so that each is tested once, not once per item.
  const known: KnownCaveats = { byGrant: new Map(), memo };
  for (let link = 0; link < grants.length; link++) {
    const refusal = refusalOf(grants[link] as readonly CompiledGrant[], items, args, known);
    if (refusal !== undefined) return deny(capability, link, refusal);
  }
  return ALLOW;
}

interface Refusal {
  readonly item: CheckedItem;
  /** The caveat of the first grant that covers scope and op; absent if no grant does. */
  readonly caveat?: string;
}

function refusalOf(
  grants: readonly CompiledGrant[],
  items: readonly CheckedItem[],
  args: JsonObject,
  known: KnownCaveats,
): Refusal | undefined {
  const why: Coverage =
    items.length > FEW_ITEMS
      ? createCoverage(grants, (grant) => caveatOf(grant, args, known))
      : (item) => whyNot(item, grants, args, known);
  for (const item of items) {
    const caveat = why(item);
    if (caveat !== undefined) return caveat === '' ? { item } : { item, caveat };
  }
  return undefined;
}

/** Up to so many items are held against one grant after another: an index would cost more. */
const FEW_ITEMS = 8;

interface KnownCaveats {
  readonly byGrant: Map<CompiledGrant, string | undefined>;
  readonly memo: ArgumentsMemo;
}

/** Undefined if one grant allows the item; else the caveat of the first that covers it, or `` if none does. */
function whyNot(
  item: CheckedItem,
  grants: readonly CompiledGrant[],
  args: JsonObject,
  known: KnownCaveats,
): string | undefined {
  let first = '';
  for (const grant of grants) {
    if (!grant.allowsOp(item.op) || !coversScope(grant.scope, item.scope)) continue;
    const caveat = caveatOf(grant, args, known);
    if (caveat === undefined) return undefined;
    first ||= caveat;
  }
  return first;
}

function caveatOf(grant: CompiledGrant, args: JsonObject, known: KnownCaveats): string | undefined {
  if (grant.unconditional) return undefined;
  const { byGrant, memo } = known;
  if (!byGrant.has(grant)) byGrant.set(grant, grant.brokenCaveat(args, memo));
  return byGrant.get(grant);
}

function deny(capability: VerifiedCapability, link: number, { item, caveat }: Refusal): Denial {
  const where = { link, item: `${item.op} ${item.scope}` };
  if (caveat === undefined) {
    return { effect: 'deny', code: 'SCOPE_MISMATCH', ...where, hint: hintForScope(capability, link, item) };
  }
  const hint = hintForCaveat(capability, link, caveat);
  return { effect: 'deny', code: 'CONSTRAINT_VIOLATED', ...where, caveat, hint };
}

function undecidable(why: string): Denial {
  const hint = `The call could not be decided (${why}), so it was refused.`;
  return { effect: 'deny', code: 'POLICY_DENIED', hint };
}
