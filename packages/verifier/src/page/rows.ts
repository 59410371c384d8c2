import type { Limit } from '@talosprotocol/contracts';
import {
  type Account,
  type BundleReport,
  describeLink,
  moneyOf,
  priceOf,
  type ReportedCall,
  type ShownChain,
  type VerifiedReceipt,
} from '@talosprotocol/protocol';
import type { CallRow, ChainView, LinkView, Result } from './result.js';

/** Calls that are shown; all of them were verified. */
const MAX_CALLS = 50_000;
/** Chains of which a picture is made. */
const MAX_CHAINS = 2_000;
/** Items of one call that are shown or found. */
const MAX_ITEMS = 64;

/** What is shown of a bundle. */
export function bundleResult(report: BundleReport, account: Account): Result {
  const { origin, from, to, size, root, calls, chains, counts } = report;
  const shown = calls.slice(0, MAX_CALLS);
  return {
    account,
    facts: [
      ['Log', origin],
      ['Records', `${from} to ${to - 1} of ${size}`],
      ['Fingerprint of the log', root],
    ],
    calls: shown.map(rowOf),
    more: calls.length - shown.length,
    summed: counts.summed,
    chains: Object.fromEntries([...chains].slice(0, MAX_CHAINS).map(([cth, chain]) => [cth, viewOf(chain)])),
  };
}

/** What is shown of a receipt. */
export function receiptResult({ event, index, size, values }: VerifiedReceipt, account: Account): Result {
  const call =
    event.type === 'decision'
      ? [rowOf({ index, event, values, checked: false, outcome: undefined, asked: true })]
      : [];
  return {
    account,
    facts: [
      ['Log', event.origin],
      ['Record', `${index} of ${size}, ${event.type}`],
      ['Id', event.id],
      ...[...values].map(([pointer, value]) => [pointer.slice(1), JSON.stringify(value)] as const),
    ],
    calls: call,
    more: 0,
    summed: 0,
    chains: {},
  };
}

function rowOf({ index, event, values, outcome, asked }: ReportedCall): CallRow {
  const { action, credential, principal, effect, code, held } = event;
  const { method, server = action.provider, tool = action.model } = action;
  const items = itemsOf(values.get('/items'));
  const cost = outcome === undefined ? held : priceOf(outcome);
  return {
    index,
    time: event.time,
    agent: principal?.sub ?? '',
    action: server === undefined ? method : `${server}/${tool ?? method}`,
    allowed: effect === 'allow',
    end: code ?? outcome?.status ?? '',
    cost: cost === undefined ? '' : `${moneyOf(String(cost.amount))} ${cost.currency}`,
    cth: credential.cth ?? '',
    kind: credential.kind,
    items: items.slice(0, MAX_ITEMS).map(wordsOf),
    moreItems: Math.max(0, items.length - MAX_ITEMS),
    asked,
  };
}

/** The items of an allowed call were checked; of a refusal they are whatever was committed to. */
function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function wordsOf(item: unknown): string {
  const { op, scope } = Object(item) as { op?: unknown; scope?: unknown };
  return `${textOf(op)} ${textOf(scope)}`;
}

/** An object may have a `toString` that is no function, and then is no text by itself. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function viewOf({ links }: ShownChain): ChainView {
  return { links: links.map((link, i) => linkOf(link, i)) };
}

function linkOf(link: ShownChain['links'][number], index: number): LinkView {
  const { grants, claims } = describeLink(link, index);
  return {
    issuer: claims.iss,
    holder: claims.sub,
    grants,
    limits: (claims.limits ?? []).map(limitOf),
    until: new Date(claims.exp * 1000).toISOString(),
  };
}

function limitOf({ per, calls, cost, tokens, rate }: Limit): string {
  const time = per === 'total' ? 'in all' : `a ${per}`;
  return [
    ...(calls === undefined ? [] : [`${calls} calls ${time}`]),
    ...(cost === undefined ? [] : [`${moneyOf(String(cost.amount))} ${cost.currency} ${time}`]),
    ...(tokens === undefined ? [] : [`${tokens} tokens ${time}`]),
    ...(rate === undefined ? [] : [`${rate.count} calls in ${rate.seconds} s`]),
  ].join(', ');
}
