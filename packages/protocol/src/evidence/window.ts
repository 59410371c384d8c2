import type { Bundle, BundleEntry } from '@talosprotocol/contracts';
import { parseTime } from '../encoding/time.js';
import { BACKWARDS_MS } from './backwards.js';
import type { ShownChain } from './chains.js';
import type { History } from './history.js';
import { notProven } from './not-proven.js';
import { isNarrow } from './selection.js';
import type { AgentRun, Tally } from './tally.js';

/** Checks where the entries of a bundle stand: in order, each once, below the size; without a filter but times every
 *  entry of the range; and the neighbours of the range that show that no other lies in the times asked for (AUD-52).
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function checkWindow({ entries, range, selection }: Bundle, size: number): void {
  let last = -1;
  let inside = 0;
  for (const { index } of entries) {
    if (index <= last || index >= size) throw notProven('order', `entry ${index} follows ${last}`);
    if (index >= range.from && index < range.to) inside += 1;
    last = index;
  }
  const missing = range.to - range.from - inside;
  if (missing > 0 && !isNarrow(selection.filter))
    throw notProven('range', `${missing} entries of the range are not there`);
  checkTimes(entries, range, selection.filter, size);
}

function checkTimes(
  entries: readonly BundleEntry[],
  { from, to }: Bundle['range'],
  { since, until }: Bundle['selection']['filter'],
  size: number,
): void {
  const timeOf = (index: number): number => {
    const entry = entries.find((one) => one.index === index);
    if (entry === undefined) throw notProven('window', `entry ${index}, beside the range, is not shown`);
    return parseTime(entry.event.time);
  };
  if (since !== undefined && from > 0 && timeOf(from - 1) >= parseTime(since))
    throw notProven('window', `entry ${from - 1}, before the range, is not before ${since}`);
  if (until !== undefined && to < size && timeOf(to) < parseTime(until))
    throw notProven('window', `entry ${to}, after the range, is before ${until}`);
  const first = since === undefined ? Number.NEGATIVE_INFINITY : parseTime(since) - BACKWARDS_MS;
  const end = until === undefined ? Number.POSITIVE_INFINITY : parseTime(until) + BACKWARDS_MS;
  for (const { index, event } of entries) {
    if (index < from || index >= to) continue;
    const time = parseTime(event.time);
    if (time < first || time >= end)
      throw notProven('window', `entry ${index}, in the range, is not of the time that was asked for`);
  }
}

/** What was read of a bundle that makes claims. */
export interface Claimed {
  readonly history: Pick<History, 'calls' | 'chains'>;
  readonly tally: Tally;
  /** Indexes of what the filter asks for. */
  readonly asked: ReadonlySet<number>;
}

/** How what a bundle claims of itself was found to hold. */
export interface Complete {
  /** Of the agents of whom it shows everything. */
  readonly runs: ReadonlyMap<string, AgentRun>;
  /** Indexes of the counts on whose word nothing else had ended a chain. */
  readonly endingCounts: readonly number[];
}

/** Checks what a bundle claims of itself (AUD-56 to AUD-58).
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function checkClaims(
  { entries, range, selection }: Bundle,
  { history, tally, asked }: Claimed,
): Complete {
  const runs = new Map(
    selection.complete.map((sub) => [sub, tally.checkAgent(sub, range.from, range.to)] as const),
  );
  const endingCounts = selection.endings ? checkEndings(history, tally) : [];
  const mayDisclose = (index: number): boolean => selection.redaction === 'full' && asked.has(index);
  const wrong = entries.find(({ disclosures, index }) => disclosures.length > 0 && !mayDisclose(index));
  if (wrong !== undefined)
    throw notProven('redaction', `entry ${wrong.index} discloses what the bundle says it does not`);
  return { runs, endingCounts };
}

/** A bundle that claims nothing. */
export const NOTHING_CLAIMED: Complete = { runs: new Map(), endingCounts: [] };

/** Every link and DID of each chain, up to the last call that it allowed. */
function checkEndings({ calls, chains }: Claimed['history'], tally: Tally): readonly number[] {
  const last = new Map<string, number>();
  // What was allowed in the range names a chain that was shown, or it would have been refused.
  for (const { event, index } of calls())
    if (event.effect === 'allow') last.set(event.credential.cth as string, index);
  const counts = [...last].flatMap(([cth, index]) =>
    tally.checkEndings(targetsOf(chains.get(cth) as ShownChain), index),
  );
  return [...new Set(counts)];
}

/** What can be ended of a chain: its links by their `lid`, and the DIDs they name. */
function targetsOf({ links }: Pick<ShownChain, 'links'>): readonly string[] {
  return [...new Set(links.flatMap(({ lid, claims }) => [lid, claims.iss, claims.sub]))];
}
