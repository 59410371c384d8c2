import type { DecisionEvent } from '@talosprotocol/contracts';
import { modelCost } from '../capability/model-cost.js';
import type { BundleReport } from './bundle-report.js';

/** By what an invoice has its lines. */
export type InvoiceGroup = 'target' | 'agent';

/** What calls of one kind came to, recomputed from their tokens and rates, or from the price of their tool. Sums are decimal
 *  text: they may be greater than a number of JSON holds. */
export interface InvoiceLine {
  /** `provider/model` or `server/tool`, or the agent's DID. */
  readonly of: string;
  /** Absent if nothing cost anything. */
  readonly currency?: string;
  readonly calls: number;
  readonly input: string;
  readonly output: string;
  /** Micro-units that count against limits. */
  readonly cost: string;
  /** Micro-units that a provider counted beyond what was held. */
  readonly excess: string;
  /** Calls whose tokens their provider did not say. */
  readonly estimated: number;
  /** Calls whose price nobody knew. */
  readonly unpriced: number;
  /** Calls without an outcome in the range: what they held, in micro-units, may still be spent. */
  readonly open: number;
  readonly held: string;
}

interface Sums {
  readonly of: string;
  readonly currency: string | undefined;
  calls: number;
  input: bigint;
  output: bigint;
  cost: bigint;
  excess: bigint;
  estimated: number;
  unpriced: number;
  open: number;
  held: bigint;
}

/** An invoice over the allowed calls of a verified bundle that were asked for, the dearest lines first. What is booked is not
 *  copied but computed again; that both agree was verified with the bundle (AUD-126).
 *  @example const lines = invoiceOf(verifyBundle(bytes, trust, crypto), 'target') */
export function invoiceOf({ calls }: Pick<BundleReport, 'calls'>, by: InvoiceGroup): readonly InvoiceLine[] {
  const lines = new Map<string, Sums>();
  for (const call of calls) {
    if (!call.asked || call.event.effect !== 'allow') continue;
    const { event, outcome } = call;
    const currency = (outcome?.cost ?? outcome?.rates ?? outcome?.excess ?? event.held)?.currency;
    const of = by === 'agent' ? (event.principal?.sub ?? '') : targetOf(event);
    add(lineOf(lines, of, currency), call);
  }
  return [...lines.values()].sort(byCost).map(toLine);
}

function targetOf({ action }: DecisionEvent): string {
  return [action.server ?? action.provider, action.tool ?? action.model].filter(Boolean).join('/');
}

function lineOf(lines: Map<string, Sums>, of: string, currency: string | undefined): Sums {
  const key = `${currency ?? ''} ${of}`;
  const counts = { calls: 0, estimated: 0, unpriced: 0, open: 0 };
  const line = lines.get(key) ?? {
    of,
    currency,
    ...counts,
    input: 0n,
    output: 0n,
    cost: 0n,
    excess: 0n,
    held: 0n,
  };
  lines.set(key, line);
  return line;
}

function add(line: Sums, { event, outcome }: BundleReport['calls'][number]): void {
  line.calls += 1;
  if (outcome === undefined) {
    line.open += 1;
    line.held += BigInt(event.held?.amount ?? 0);
    return;
  }
  const { usage, rates, cost } = outcome;
  if (usage === undefined) {
    line.cost += BigInt(cost?.amount ?? 0);
    return;
  }
  line.input += BigInt(usage.input);
  line.output += BigInt(usage.output);
  if (usage.estimated === true) line.estimated += 1;
  if (rates === undefined) {
    if (usage.input + usage.output > 0) line.unpriced += 1;
    return;
  }
  const total = modelCost(usage, rates);
  const within = Math.min(total, event.held?.amount ?? 0);
  line.cost += BigInt(within);
  line.excess += BigInt(total - within);
}

function byCost(a: Sums, b: Sums): number {
  const [left, right] = [a.cost + a.excess, b.cost + b.excess];
  if (left !== right) return left > right ? -1 : 1;
  return a.of < b.of ? -1 : 1;
}

function toLine({ currency, input, output, cost, excess, held, ...line }: Sums): InvoiceLine {
  return {
    ...line,
    ...(currency === undefined ? {} : { currency }),
    input: `${input}`,
    output: `${output}`,
    cost: `${cost}`,
    excess: `${excess}`,
    held: `${held}`,
  };
}
