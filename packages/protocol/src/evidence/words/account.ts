/** What a verification found, in words for somebody who never heard of a hash. Strings of the evidence in it are made
 *  printable: they are shown as text, as they are (AUD-62). */
export interface Account {
  readonly proven: boolean;
  /** One sentence, after `proven: ` or `not proven: `. */
  readonly headline: string;
  /** What was proven, a sentence each. */
  readonly shown: readonly string[];
  /** What was not; each goes on from `not proven: `. */
  readonly notShown: readonly string[];
  /** On whose word. */
  readonly trusted: readonly TrustedKey[];
}

/** A key that counted because the auditor's trust file names it. */
export interface TrustedKey {
  /** What it is for. */
  readonly role: string;
  readonly name: string;
}

/** What no evidence of ours shows (AUD-23). */
export const NEVER_SHOWN: readonly string[] = [
  'that the agent itself acted, rather than the gateway in its name, beyond what it signed: a session when it opened, or a single call',
  'that nothing was done outside the log: what was never recorded leaves no trace in it',
  'that this is all there ever was: until somebody else had its state (you, a witness, a block), whoever has the key of the log could have written it anew',
  'what the arguments of calls were: they are not kept',
  'limits by the day, the month, of rates and of tokens, and that refusals were right',
  'the times, and which rules were in force when, beyond the word of the log',
];

/** What is not shown where no witness had to see the checkpoint (AUD-28). */
export const NO_WITNESSES =
  'that everybody was shown the same history: your trust file demands no witnesses of the log';
