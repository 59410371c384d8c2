import type { TrustError } from '../../error.js';
import type { Account } from './account.js';
import { nameOf } from './phrase.js';

const CHANGED = 'The records contradict each other: one is missing, or the log was put together afterwards.';
const WRONGLY = 'The log says that something was right which by the grants it shows was not.';

/** What a check that failed means, in plain words. */
const MEANINGS: Readonly<Record<string, string>> = {
  bundle:
    'The file is not as it was exported: something in it was changed, cut off or added, or it is no bundle at all.',
  version: 'The file holds records of a kind that this verifier is too old, or too new, to know.',
  checkpoint: 'The state of the log is not signed by a key that your trust file names.',
  witnesses:
    'Not enough of the witnesses that you trust had seen this history: others may have been shown another one.',
  statement: 'The file was changed after it was made, or it was made by somebody whom you do not trust.',
  range: 'Records are missing that the file says are there.',
  order: 'Records stand in another order than the log has them, or one stands there twice.',
  window: 'The file is not of the time that it says: something may be missing at its beginning or end.',
  tree: 'A record is not the one that was logged, or it is not of this log.',
  origin: 'A record was made for another log.',
  emitter: 'A record is by somebody whose word does not count for you.',
  complete: 'Something of an agent is missing, though the file says that nothing is.',
  endings: 'It is not shown whether a grant that was used had been revoked, though the file says that it is.',
  asserts: 'The receipt was given words that receipts do not have.',
  redaction: 'The file discloses something that it says it keeps back.',
  anchor: 'The log is not the one that was anchored: it was split, or rewritten since.',
  earlier:
    'The history that you kept is not shown to be the beginning of this one: it may have been rewritten since.',
  eseq: CHANGED,
  prev: CHANGED,
  pseq: CHANGED,
  time: CHANGED,
  id: CHANGED,
  start: CHANGED,
  tenant: CHANGED,
  counted: CHANGED,
  principal: WRONGLY,
  decision: WRONGLY,
  session: WRONGLY,
  proof: WRONGLY,
  limits: WRONGLY,
  cost: WRONGLY,
  outcome: WRONGLY,
};

/** Tells why nothing was proven (AUD-62): what failed, where, and what that means. */
export function accountOfFailure({ data, message }: TrustError): Account {
  const { caveat = '', reason = message } = data;
  const meaning = Object.hasOwn(MEANINGS, caveat) ? [MEANINGS[caveat] as string] : [];
  return {
    proven: false,
    headline: `${nameOf(reason)}.`,
    shown: meaning,
    notShown: ['anything: a file of which one check fails proves nothing'],
    trusted: [],
  };
}
