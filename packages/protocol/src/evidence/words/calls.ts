import type { BundleFilter } from '@talosprotocol/contracts';
import { type BundleReport, issuersOf, type ReportedCall } from '../bundle-report.js';
import { isNarrow } from '../selection.js';
import type { AgentRun } from '../tally.js';
import { placeOf } from './extent.js';
import { countOf, listOf, nameOf, numberOf } from './phrase.js';

/** Agents that are told of one by one. */
const MAX_AGENTS = 8;

/** Of each agent whose events are all there, that they are. */
export function agentSentences(report: BundleReport): string[] {
  const { complete } = report.selection;
  const told = complete.slice(0, MAX_AGENTS).map((sub) => agentSentence(report, sub));
  const more = complete.length - told.length;
  return more > 0 ? [...told, `The same holds for ${countOf(more, 'more agent')}.`] : told;
}

function agentSentence(report: BundleReport, sub: string): string {
  const { calls, summed, runs } = report;
  const listed = calls.filter(({ event }) => event.principal?.sub === sub).length;
  const only = summed.get(sub) ?? 0;
  const own = listed + only;
  const what = `${own === 0 ? 'no call' : countOf(own, 'call')}${onlyCounted(only)}`;
  const { records, counted } = runs.get(sub) as AgentRun;
  const found =
    records === 0
      ? `there is nothing in ${placeOf(report)}: what is booked on it is numbered, and no number is left for a record there`
      : `nothing is missing in ${placeOf(report)} (${what}): what is booked on it is numbered, the numbers have no gap, and none is missing at either end`;
  return `Of ${nameOf(sub)} ${found}${counted === undefined ? '' : `, by the log's own count in record ${counted}`}.`;
}

/** How many of the calls the log keeps no more of than a sum (AUD-130). */
function onlyCounted(only: number): string {
  return only === 0 ? '' : `, ${numberOf(only)} of them refused and only counted`;
}

/** What was asked for, in a few words. */
export function filterOf({ agents, capabilities, tools, effect }: BundleFilter): string {
  const verdict = effect === undefined ? '' : effect === 'allow' ? 'allowed ' : 'refused ';
  return [
    `${verdict}calls`,
    ...(agents === undefined ? [] : [`of ${listOf(agents)}`]),
    ...(tools === undefined ? [] : [`of the tool ${listOf(tools)}`]),
    ...(capabilities === undefined ? [] : [`under the grant ${listOf(capabilities)}`]),
  ].join(' ');
}

/** How many calls, and under which grants. */
export function callSentences(report: BundleReport): string[] {
  const { calls, counts } = report;
  if (calls.length === 0 && counts.summed === 0) return [];
  return [
    `${countOf(counts.allowed, 'call was', 'calls were')} allowed and ${numberOf(counts.denied + counts.summed)} refused${summedPart(report)}.${askedPart(report)}`,
    ...grantSentences(report),
    ...signatureSentences(calls),
  ];
}

/** A `denials` event has a number of the agent it is booked on, and stands for as many refusals as it says. */
function summedPart({ counts: { summed, unbooked } }: BundleReport): string {
  if (summed === 0) return '';
  const whose = unbooked === 0 ? '' : ` (${numberOf(unbooked)} of these are booked on nobody)`;
  return `; ${countOf(summed, 'of the refusals is', 'of the refusals are')} only counted${whose}`;
}

/** How many of the calls are those that were asked for, where others are shown beside them. */
function askedPart(report: BundleReport): string {
  const { calls, counts, selection } = report;
  const asked = calls.filter((call) => call.asked).length;
  if (!isNarrow(selection.filter) || asked === calls.length) return '';
  const more = summedAsked(report);
  const of = counts.summed === more ? 'of them' : 'of those that are recorded one by one';
  return ` ${countOf(asked + more, `${of} is`, `${of} are`)} what was asked for: ${filterOf(selection.filter)}.`;
}

/** Those of the sums that surely were asked for: the log does not keep of which tool or grant they were. */
function summedAsked({ summed, selection: { filter } }: BundleReport): number {
  const { agents = [], capabilities, tools, effect } = filter;
  if (effect !== 'deny' || tools !== undefined || capabilities !== undefined) return 0;
  return agents.reduce((sum, sub) => sum + (summed.get(sub) ?? 0), 0);
}

function grantSentences(report: BundleReport): string[] {
  const { allowed, recomputed, unchecked } = report.counts;
  const checked = allowed - unchecked;
  if (checked === 0) return [];
  const hidden = checked - recomputed;
  const inForce = report.selection.endings
    ? 'was in force at that moment'
    : 'had not run out at that moment, and that no record in the file had ended by then';
  return [
    `${unchecked === 0 ? 'Each allowed call' : `Of the allowed calls ${numberOf(checked)}`} stood on a chain of grants that ${inForce}: it begins with ${listOf(issuersOf(report))}, whom you trust, and each grant after the first was signed by who held the one before it.`,
    ...(recomputed > 0
      ? [
          `Of ${countOf(recomputed, 'allowed call')} it is shown what was asked for, and every grant in the chain allows it, conditions on arguments aside.`,
        ]
      : []),
    ...(hidden > 0
      ? [
          `Of ${countOf(hidden, 'allowed call')} only the tool or the model is shown, and every grant in the chain allows some call of it.`,
        ]
      : []),
  ];
}

/** How far the agents themselves signed. */
function signatureSentences(calls: readonly ReportedCall[]): string[] {
  const allowed = calls.filter(({ event, checked }) => checked && event.effect === 'allow');
  const of = (kind: string): number => allowed.filter(({ event }) => event.credential.kind === kind).length;
  const [signed, inSession] = [of('proof'), of('session')];
  return [
    ...(signed > 0 ? [`${countOf(signed, 'call carries', 'calls carry')} the agent's own signature.`] : []),
    ...(inSession > 0
      ? [
          `${countOf(inSession, 'call was', 'calls were')} made in a session that the agent opened with its own signature.`,
        ]
      : []),
  ];
}
