import { type Cost, createChecker, RequestId, type RequestRecord } from '@talosprotocol/contracts';
import { isJsonObject, type JsonObject, priceOf } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../define-command.js';
import { formatCost } from '../money.js';
import type { Output } from '../output.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../platform.js';
import { printable } from '../printable.js';
import { withProgress } from '../progress.js';
import { UsageError } from '../usage-error.js';

const checkId = createChecker(RequestId);

/** `talos why`: what was decided on a request, and what would change it. */
export function addWhy(program: Command, shell: Shell): void {
  const text = {
    usage: 'why <request-id>',
    summary: 'say why a request was allowed or denied',
    examples: ['talos why req_01890a5d-ac96-774b-bcce-b302099a8057'],
    notes: [
      'Asks the platform on the data folder. The id is in every refusal, and in the header x-request-id.',
    ],
  };
  const why: Handler<PlatformOptions> = async ({ io, output, args, options }) => {
    const [id = ''] = args;
    if (checkId(id) !== undefined)
      throw new UsageError(
        'not the id of a request',
        'it looks like req_01890a5d-ac96-774b-bcce-b302099a8057',
      );
    const { kernel } = await openPlatform(io, options);
    const record = await withProgress(io, output, 'Asking the platform', kernel.why(id));
    const facts = factsOf(record);
    output.result({ ok: true, ...facts, record }, () => printWhy(output, record, facts));
    output.next(nextStep(record));
    return undefined;
  };
  withPlatform(defineCommand(program, shell, text, why), 'kernel');
}

interface Facts {
  readonly effect: string;
  readonly code: string | null;
  readonly receipt: string;
  /** Who was refused on the admin surface. */
  readonly actor?: string;
  readonly link?: number;
  readonly item?: string;
  readonly caveat?: string;
  readonly hint?: string;
  readonly items?: readonly JsonObject[];
}

function factsOf({ decision, disclosures, receipt }: RequestRecord): Facts {
  const disclosed = (pointer: string): unknown =>
    disclosures.find((disclosure) => disclosure.pointer === pointer)?.value;
  const refusal = Object(disclosed('/refusal')) as Pick<Facts, 'link' | 'item' | 'caveat' | 'hint'>;
  const { link, item, caveat } = refusal;
  const actor = Object(disclosed('/actor')) as { readonly kind?: unknown; readonly id?: unknown };
  const items = disclosed('/items');
  const hint = refusal.hint ?? hintOf(decision.code, refusal);
  return {
    effect: decision.effect,
    code: decision.code,
    receipt,
    ...(typeof actor.id === 'string' ? { actor: `${actor.kind} ${actor.id}` } : {}),
    ...(typeof link === 'number' ? { link } : {}),
    ...(typeof item === 'string' ? { item } : {}),
    ...(typeof caveat === 'string' ? { caveat } : {}),
    ...(hint === undefined ? {} : { hint }),
    ...(Array.isArray(items) ? { items: items.filter(isJsonObject) } : {}),
  };
}

/** Where the caller got no advice of its own. */
function hintOf(code: string | null, { item, link }: Pick<Facts, 'link' | 'item'>): string | undefined {
  if (code === 'SCOPE_MISMATCH' && item !== undefined) return grantHint(item, link);
  return code === null ? undefined : HINTS[code];
}

function grantHint(item: string, link: number | undefined): string {
  const space = item.indexOf(' ');
  const [op, scope] = [item.slice(0, space), item.slice(space + 1)];
  if (link === 0)
    return `only the anchor in talos.yaml can grant it: - { scope: "${scope}", ops: [${op}] }, then talos policy reload`;
  const verb = link === undefined || link === 1 ? 'issue' : 'attenuate';
  return `grant it: talos cap ${verb} --grant '${scope}:${op}'`;
}

const HINTS: Readonly<Record<string, string>> = {
  NO_CAPABILITY: 'send Authorization: Bearer <key>, or open a session',
  MALFORMED: 'what was presented was not of the form the specification states: copy it whole',
  SIGNATURE_INVALID: 'the chain was altered on its way: get it again from its issuer',
  PROOF_INVALID:
    'sign each request as it is sent, with the key that the last link names; the caveat is what did not fit',
  DELEGATION_INVALID: 'the last link does not follow from its parent: talos cap inspect shows the chain',
  NOT_YET_VALID: 'wait until the link is valid, and check the clocks',
  POLICY_DENIED: 'the policy in talos.yaml refuses it, or the request asks for more than its maker may give',
  EXPIRED: 'issue a new one: talos cap issue',
  REVOKED: 'a revoked link stays so; issue a new one: talos cap issue',
  UNTRUSTED_ISSUER:
    'add the issuer to anchors in talos.yaml, or issue with the organisation of this platform',
  AUDIENCE_MISMATCH: 'issue one for this gateway: talos cap issue --aud <did>',
  BUDGET_EXCEEDED: 'what the link allows is used up; issue another: talos cap issue --calls <number>',
  RATE_LIMITED: 'it may be sent again in the next period of the limit',
  UNKNOWN_TOOL: 'confirm a manifest for it: talos mcp policy confirm <server>',
  TOOL_CHANGED: 'see the change and confirm it: talos mcp policy suggest <server>',
  REPLAY: 'each request is sent once; the SDK numbers them',
  UNAUTHENTICATED: 'show the key of a service account, or log in: talos rbac whoami says who you are',
  FORBIDDEN: 'what it may do: talos rbac check <permission>; a role gives it: talos rbac binding create',
};

function printWhy(output: Output, { decision, outcome, request_id }: RequestRecord, facts: Facts): void {
  const { color } = output;
  const verdict = facts.effect === 'allow' ? color.green('Allowed') : color.red(`Denied: ${facts.code}`);
  const { method, server, tool, provider, model } = decision.action;
  output.line(`${verdict}  ${request_id} at ${decision.time}`);
  const link = facts.link === 0 ? '0, the trust anchor' : facts.link === 1 ? '1, the root' : facts.link;
  const lines: [string, string | number | undefined][] = [
    ['call', [method, server, tool, provider, model].filter((part) => part !== undefined).join(' ')],
    ['after', decision.after?.replace('evt_', 'rcp_')],
    ['by', decision.principal?.sub ?? facts.actor ?? 'somebody who proved nothing'],
    ['for', decision.principal?.prn],
    ['needed', neededOf(decision, facts)],
    ['link', link],
    ['item', facts.item],
    ['caveat', facts.caveat],
    ['hint', facts.hint],
    ['outcome', outcome?.status],
    ['cost', costOf(decision.held, outcome)],
    ['receipt', facts.receipt],
  ];
  for (const [name, value] of lines)
    if (value !== undefined) output.line(`  ${name.padEnd(8)} ${printable(String(value))}`);
}

/** The log committed to it; what opens it may be erased since. */
function neededOf({ items: committed }: RequestRecord['decision'], { items }: Facts): string | undefined {
  if (items === undefined) return committed === null ? undefined : 'erased';
  return items.map((item) => `${item['op']} ${item['scope']}`).join(', ');
}

/** What it came to; before its outcome what it may come to. */
function costOf(held: Cost | undefined, outcome: RequestRecord['outcome']): string | undefined {
  const cost = outcome === null ? held : priceOf(outcome);
  if (cost === undefined) return undefined;
  return `${outcome === null ? 'at most ' : ''}${formatCost(cost)}`;
}

function nextStep({ decision: { action, code, effect } }: RequestRecord): string {
  if (effect === 'allow') return 'proof of it: talos audit export --out bundle.json --trust-out trust.json';
  const isAboutTool = code === 'UNKNOWN_TOOL' || code === 'TOOL_CHANGED';
  if (isAboutTool && action.server !== undefined) return `talos mcp policy suggest ${action.server}`;
  return 'what happened around it: talos audit tail';
}
