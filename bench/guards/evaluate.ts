import { type Detectors, PERSONAL_TYPES } from './detectors.js';
import type { LabelledSpans, LabelledText } from './labelled.js';
import { matchText, type Scores, sumScores } from './match.js';
import { type Quality, qualityOf, recallOf } from './quality.js';
import { add, NONE, type Score } from './score.js';
import type { Finding } from './span.js';

/** The name of the row of everything; the others are of one type, group or family. */
export const ALL = 'all';

export type Qualities = ReadonlyMap<string, Quality>;

/** Attacks by family, and by kind of ordinary text how often one was taken for an attack. A text counts as found if
 *  there is a finding at all. */
export function evaluateInjection(
  rows: readonly LabelledText[],
  detect: Detectors['detectInjection'],
): Qualities {
  const judged = rows.map((row) => ({ row, isFlagged: detect(row.text).length > 0 }));
  const names = new Map<string, typeof judged>([[ALL, judged]]);
  for (const one of judged) {
    const name = `${one.row.label}: ${one.row.family}`;
    names.set(name, [...(names.get(name) ?? []), one]);
  }
  return new Map([...names].sort(byName).map(([name, some]) => [name, qualityOfTexts(some, name === ALL)]));
}

function qualityOfTexts(
  judged: readonly { readonly row: LabelledText; readonly isFlagged: boolean }[],
  isAll: boolean,
): Quality {
  const count = (label: LabelledText['label'], isFlagged: boolean): number =>
    judged.filter((one) => one.row.label === label && one.isFlagged === isFlagged).length;
  const score = {
    true_positives: count('injection', true),
    false_positives: count('benign', true),
    false_negatives: count('injection', false),
  };
  const clean_texts = score.false_positives + count('benign', false);
  const texts = { texts: judged.length, clean_texts, clean_flagged: score.false_positives };
  // A family is all attacks or all ordinary texts, and a share of both kinds says nothing there.
  return isAll ? qualityOf(score, texts) : recallOf(score, texts);
}

/** Personal data by type. */
export function evaluatePersonal(
  rows: readonly LabelledSpans[],
  detect: Detectors['detectPersonal'],
): Qualities {
  const findings = rows.map(({ text }) => detect(text, PERSONAL_TYPES));
  return evaluateSpans(rows, findings, true, (type) => type);
}

/** How a credential can be told: rows by vendor would have a handful of entities each. */
const GROUPS: Readonly<Record<string, string>> = {
  'aws-secret': 'key told by its name',
  twilio: 'key told by its name',
  datadog: 'key told by its name',
  cloudflare: 'key told by its name',
  'azure-storage': 'key told by its name',
  'api-key': 'key told by its name',
  bearer: 'key told by its name',
  password: 'password',
  basic: 'password in a header or an address',
  'url-password': 'password in a header or an address',
  pem: 'private key',
  jwt: 'JWT',
};

/** Credentials by how they can be told. What type a finding has is not asked, so that a wrong one counts in the row of
 *  all only. */
export async function evaluateSecrets(
  rows: readonly LabelledSpans[],
  detect: Detectors['detectSecrets'],
): Promise<Qualities> {
  const findings: (readonly Finding[])[] = [];
  for (const { text } of rows) findings.push(await detect(text));
  return evaluateSpans(rows, findings, false, (type) => GROUPS[type] ?? 'token with a form of its own');
}

function evaluateSpans(
  rows: readonly LabelledSpans[],
  findings: readonly (readonly Finding[])[],
  typed: boolean,
  groupOf: (type: string) => string,
): Qualities {
  const scores = sumScores(rows.map((row, index) => matchText(row.entities, findings[index] ?? [], typed)));
  const counted = rows.map((row, index) => ({ row, count: findings[index]?.length ?? 0 }));
  const without = counted.filter(({ row }) => row.entities.length === 0);
  const texts = {
    texts: rows.length,
    clean_texts: without.length,
    clean_flagged: without.filter(({ count }) => count > 0).length,
  };
  const qualities = [...grouped(scores, groupOf)].map(
    ([name, score]) => [name, typed ? qualityOf(score) : recallOf(score)] as const,
  );
  const all = [...scores.values()].reduce(add, NONE);
  return new Map([[ALL, qualityOf(all, texts)], ...qualities]);
}

/** Scores added up by group. Wrong findings of no type are in no group. */
function grouped(scores: Scores, groupOf: (type: string) => string): [string, Score][] {
  const groups = new Map<string, Score>();
  for (const [type, score] of scores) {
    if (type === '') continue;
    const name = groupOf(type);
    groups.set(name, add(groups.get(name) ?? NONE, score));
  }
  return [...groups].sort(byName);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  if (a === ALL || b === ALL) return a === ALL ? -1 : 1;
  return a < b ? -1 : 1;
}
