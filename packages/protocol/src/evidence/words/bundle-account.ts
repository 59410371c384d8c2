import type { BundleFilter } from '@talosprotocol/contracts';
import { type BundleFacts, type BundleReport, issuersOf } from '../bundle-report.js';
import { isNarrow } from '../selection.js';
import type { AgentRun } from '../tally.js';
import type { Trust } from '../trust-file.js';
import { type Account, NEVER_SHOWN, NO_WITNESSES, type TrustedKey } from './account.js';
import { agentSentences, callSentences, filterOf } from './calls.js';
import { bookingNotShown, boundSentences, boundsNotShown, countsNotShown, placeOf } from './extent.js';
import { countOf, momentOf, nameOf, secondOf, spendingOf } from './phrase.js';
import { anchorSentences, anchorsNotShown, witnessSentences } from './vouchers.js';

/** Tells what a bundle proved (AUD-62). `earlier` is the size of the history that the auditor kept, if it was found to be
 *  the beginning of this one. */
export function accountOfBundle(report: BundleReport, trust: Trust, earlier?: number): Account {
  return {
    proven: true,
    headline: headlineOf(report),
    shown: [
      rangeSentence(report),
      ...boundSentences(report),
      ...agentSentences(report),
      ...callSentences(report),
      ...report.costs.map(spendingOf),
      ...endingSentences(report),
      sealSentence(report),
      ...(earlier === undefined ? [] : [earlierSentence(earlier)]),
      ...witnessSentences(report.cosignatures),
      ...anchorSentences(report),
      `${nameOf(report.exporter)} made this file, on ${secondOf(report.exported)} by its own clock, and not one byte of it was changed since.`,
    ],
    notShown: [...bundleNotShown(report), ...NEVER_SHOWN],
    trusted: trustedBy(report, trust),
  };
}

/** Tells what is consistent in a bundle that nobody vouches for (AUD-20). */
export function accountOfUntrusted(facts: BundleFacts | undefined): Account {
  const shown =
    facts === undefined
      ? ['The file is written as receipts are.']
      : [
          `The file fits together. It says that it is of the log ${nameOf(facts.origin)}, and that ${nameOf(facts.exporter)} made it.`,
        ];
  return {
    proven: false,
    headline: 'no trust file was given.',
    shown,
    notShown: ['anything: whoever wrote the file could have made all of it, keys included'],
    trusted: [],
  };
}

function headlineOf(report: BundleReport): string {
  const { selection, counts, summed, runs } = report;
  const { filter } = selection;
  if (!isNarrow(filter))
    return `These records are genuine, and of ${placeOf(report)} nothing is missing${sumOf(counts.summed)}.`;
  const complete = completeAgents(report);
  if (complete.length === 0) return 'These records are genuine. Whether they are all there are is not.';
  const named = filter.agents?.length ?? complete.length;
  const whom =
    complete.length < named ? `${complete.length} of the ${named} agents` : countOf(complete.length, 'agent');
  const only = complete.reduce((sum, sub) => sum + (summed.get(sub) ?? 0), 0);
  const told = complete.map((sub) => runs.get(sub) as AgentRun);
  const by = told.some(({ counted }) => counted !== undefined) ? ", by the log's own count" : '';
  if (told.every(({ records }) => records === 0))
    return `In ${placeOf(report)} there is nothing of ${whom}${by}.`;
  return `These records are genuine, and in ${placeOf(report)} nothing of ${whom} is missing${by}${sumOf(only)}.`;
}

/** A record is not always one call (AUD-88). */
function sumOf(refusals: number): string {
  return refusals === 0
    ? ''
    : `; ${countOf(refusals, 'refusal')} in them ${refusals === 1 ? 'is' : 'are'} only counted`;
}

/** Those the bundle is about of whom it shows that nothing is missing: the agents that were asked for, or the holders of
 *  the grants. That somebody else is complete, who may not even be there, says nothing about what was asked. */
function completeAgents({ selection, chains }: BundleReport): string[] {
  const { agents, capabilities = [] } = selection.filter;
  const about = new Set(agents);
  if (agents === undefined)
    for (const [cth, { links, leaf }] of chains)
      if ([cth, ...links.map(({ lid }) => lid)].some((name) => capabilities.includes(name)))
        about.add(leaf.claims.sub);
  return selection.complete.filter((sub) => about.has(sub));
}

/** What else there may be of what was asked for; undefined if all agents that were named are complete. Under a grant others
 *  may have called whose chains are not shown. */
function openFilter({ selection: { filter, complete } }: BundleReport): BundleFilter | undefined {
  if (!isNarrow(filter)) return undefined;
  const { agents } = filter;
  if (agents === undefined) return filter;
  const open = agents.filter((sub) => !complete.includes(sub));
  return open.length === 0 ? undefined : { ...filter, agents: open };
}

function rangeSentence(report: BundleReport): string {
  const { origin, shown, first, last, selection } = report;
  const times =
    first === undefined || last === undefined ? '' : `, from ${momentOf(first)} to ${momentOf(last)}`;
  const log = `of the log ${nameOf(origin)}`;
  if (isNarrow(selection.filter)) {
    const each =
      shown === 0 ? '' : " Each is as it stood when the log's key signed its state, and in the same order.";
    return `The file shows ${countOf(shown, 'record')} ${log}${times}, out of ${placeOf(report)}.${each}`;
  }
  return `All of ${placeOf(report)} ${log} is here${times}. Since the log's key signed its state, none was removed, changed, moved, or put in.`;
}

function endingSentences({ selection, counts, endingCounts }: BundleReport): string[] {
  if (!selection.endings || counts.allowed === counts.unchecked) return [];
  const by = endingCounts.length === 0 ? '' : ", by the log's own count of what had ended";
  return [
    `No grant that was used had been revoked, and nobody named in one had been shut out, when it was used${by}.`,
  ];
}

function sealSentence({ size, root }: BundleReport): string {
  return `The log signed its state of ${countOf(size, 'record')}, and what is here leads to exactly that state (its fingerprint is ${root}).`;
}

function earlierSentence(size: number): string {
  return `The history of ${countOf(size, 'record')} that you kept is the beginning of this one: since then nothing in it was changed or removed. Of the kept file only the signed state was looked at.`;
}

function bundleNotShown(report: BundleReport): string[] {
  const { selection, counts, quorum } = report;
  const { allowed, recomputed, unchecked } = counts;
  const hidden = allowed - recomputed - unchecked;
  const open = openFilter(report);
  return [
    ...(open === undefined
      ? []
      : [
          `that there are no other ${filterOf(open)}: that can be shown for agents that are named, or for a whole time`,
        ]),
    ...bookingNotShown(report),
    ...countsNotShown(report),
    ...boundsNotShown(report),
    ...(selection.complete.length > 0
      ? [
          'what was refused before it was clear who called, or when too many called to count each by itself: that is booked on nobody',
          'refusals that were only counted and not yet summed up by the end of the records',
        ]
      : []),
    ...(counts.summed > 0
      ? [
          `what ${countOf(counts.summed, 'refusal that is', 'refusals that are')} only counted ${counts.summed === 1 ? 'was' : 'were'} about, and whose they were beyond the word of the log: it keeps the agent if that was clear, the reason and the minute`,
        ]
      : []),
    ...(unchecked > 0
      ? [
          `that ${countOf(unchecked, 'allowed call')} were right: their grants or sessions stand before the range`,
        ]
      : []),
    ...(hidden > 0
      ? [
          `what ${countOf(hidden, 'allowed call was', 'allowed calls were')} about: that was erased or is kept back, so that it was within the grants is shown for no more than the tool or the model`,
        ]
      : []),
    ...(selection.endings ? [] : ['that no grant had been revoked by a record that is not in the file']),
    ...(quorum > 0 ? [] : [NO_WITNESSES]),
    ...anchorsNotShown(report),
  ];
}

/** The keys of the trust file on whose word all this stands. */
function trustedBy(report: BundleReport, trust: Trust): TrustedKey[] {
  const { origin, exporter, emitters, cosignatures } = report;
  return [
    ...logKeys(origin, trust),
    { role: 'may export', name: exporter },
    ...emitters.map((name) => ({ role: 'may record', name })),
    ...issuersOf(report).map((name) => ({ role: 'may grant', name })),
    ...cosignatures.map(({ name }) => ({ role: 'witness', name })),
  ].map(({ role, name }) => ({ role, name: nameOf(name) }));
}

/** The keys of a log, by name and hash as signed notes write them. */
export function logKeys(origin: string, trust: Trust): TrustedKey[] {
  const keys = trust.logs.get(origin)?.keys ?? [];
  return keys.map(({ name, keyId }) => ({
    role: 'log',
    name: `${nameOf(name)} (key ${keyId.toString(16).padStart(8, '0')})`,
  }));
}
