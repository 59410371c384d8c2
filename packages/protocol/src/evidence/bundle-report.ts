import type { BundleSelection, EarlierTree } from '@talosprotocol/contracts';
import { encodeHex } from '../encoding/hex.js';
import type { Checkpoint } from '../log/checkpoint.js';
import type { Cosignature } from '../log/witness-policy.js';
import type { ReportedAnchor } from './anchored.js';
import type { ParsedBundle } from './bundle.js';
import type { ShownChain } from './chains.js';
import { createCosts, type Spending } from './costs.js';
import type { History, HistoryCounts, ShownCall } from './history.js';
import type { Complete } from './window.js';

/** What a bundle is about. */
export interface BundleFacts {
  readonly origin: string;
  /** Of the tree that the checkpoint signs. */
  readonly size: number;
  /** hex */
  readonly root: string;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly exporter: string;
  /** Unix seconds, by the exporter's clock. */
  readonly exported: number;
  readonly emitters: readonly string[];
  /** Of whom events in the range are shown. */
  readonly subjects: readonly string[];
  /** Times of the first and last event shown of the range, as the log states them. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  /** Entries shown of the range, and in all. */
  readonly shown: number;
  readonly entries: number;
  /** What the bundle says of itself. One of the first form has every event of its range, with what was disclosed. */
  readonly selection: BundleSelection;
}

/** A call that was asked for, or is shown so that nothing is missing between those that were. */
export interface ReportedCall extends ShownCall {
  readonly asked: boolean;
}

/** What a bundle proves under the auditor's trust file. */
export interface BundleReport extends BundleFacts, Complete {
  /** Which witnesses of the log had seen the checkpoint, and when; empty if the trust file names none. */
  readonly cosignatures: readonly Cosignature[];
  /** How many of them had to; 0 if the trust file demands none. */
  readonly quorum: number;
  readonly counts: Readonly<HistoryCounts>;
  /** What the calls that were asked for came to, by currency (AUD-85). */
  readonly costs: readonly Spending[];
  /** Those of the range, in the order of the log. */
  readonly calls: readonly ReportedCall[];
  /** Refusals in the range that `denials` events sum up, by the agent they are booked on (AUD-130). */
  readonly summed: ReadonlyMap<string, number>;
  readonly anchors: readonly ReportedAnchor[];
  /** Of which sizes the bundle proves that they are the beginning of this tree, for `verifyEarlier`. */
  readonly earlier: readonly EarlierTree[];
  /** By `cth`: those that calls in the range were made under, and others that are shown. */
  readonly chains: ReadonlyMap<string, ShownChain>;
}

/** What was read of a bundle besides what it says of itself. */
export interface Reading {
  readonly anchors: readonly ReportedAnchor[];
  readonly history: History;
  /** Indexes of what the filter asks for. */
  readonly asked: ReadonlySet<number>;
  readonly complete: Complete;
}

export function reportOf(
  parsed: ParsedBundle,
  checkpoint: Checkpoint,
  { anchors, history, asked, complete }: Reading,
): Omit<BundleReport, 'cosignatures' | 'quorum'> {
  const { counts, chains, summed } = history;
  const reported = history.calls().map((call) => ({ ...call, asked: asked.has(call.index) }));
  const costs = parsed.bundle.format === 'talos-bundle-v1' ? history.costs() : costsOf(reported);
  const earlier = parsed.bundle.format === 'talos-bundle-v1' ? [] : parsed.bundle.earlier;
  return {
    ...factsOf(parsed, checkpoint),
    ...complete,
    counts,
    costs,
    summed,
    anchors,
    earlier,
    chains,
    calls: reported,
  };
}

/** An outcome counts with its decision, also where it stands beside the range. */
function costsOf(calls: readonly ReportedCall[]): readonly Spending[] {
  const costs = createCosts();
  for (const { event, outcome, asked } of calls) {
    if (!asked) continue;
    costs.hold(event.held);
    if (outcome !== undefined) costs.settle(outcome, { held: event.held, surface: event.surface });
  }
  return costs.totals();
}

/** Who issued the first links of the chains that are shown: trust anchors, whose word the rest stands on. */
export function issuersOf({ chains }: Pick<BundleReport, 'chains'>): readonly string[] {
  return [...new Set([...chains.values()].map(({ links }) => (links[0] as ShownChain['leaf']).claims.iss))];
}

export function factsOf({ bundle, claims }: ParsedBundle, { origin, size, root }: Checkpoint): BundleFacts {
  const { from, to } = bundle.range;
  const all = bundle.entries.map(({ event }) => event);
  const inside = bundle.entries.flatMap(({ index, event }) => (index >= from && index < to ? [event] : []));
  return {
    origin,
    size,
    root: encodeHex(root),
    from,
    to,
    exporter: claims.iss,
    exported: claims.iat,
    emitters: [...new Set(all.map(({ emitter }) => emitter))],
    subjects: [...new Set(inside.flatMap(({ principal }) => principal?.sub ?? []))],
    first: inside[0]?.time,
    last: inside.at(-1)?.time,
    shown: inside.length,
    entries: all.length,
    selection: bundle.format === 'talos-bundle-v2' ? bundle.selection : everything(from === 0),
  };
}

function everything(endings: boolean): BundleSelection {
  return { filter: {}, redaction: 'full', complete: [], endings };
}
