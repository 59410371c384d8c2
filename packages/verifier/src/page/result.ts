import type { Account } from '@talosprotocol/protocol';

/** A file that somebody gave. */
export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What is to be verified. */
export interface Ask {
  readonly evidence: GivenFile;
  readonly trust: GivenFile | undefined;
  /** A history that the auditor kept. */
  readonly kept: GivenFile | undefined;
}

/** What came of it: plain data, as it comes out of a worker. */
export interface Result {
  readonly account: Account;
  /** Name and value. */
  readonly facts: readonly (readonly [string, string])[];
  readonly calls: readonly CallRow[];
  /** Calls that are not among them, for there are too many to show. */
  readonly more: number;
  /** Refusals of which there is no more than a number (AUD-130). */
  readonly summed: number;
  /** By `cth`. */
  readonly chains: Readonly<Record<string, ChainView>>;
}

/** A call as the table shows it. Texts are as the evidence has them: whoever shows them makes them printable. */
export interface CallRow {
  readonly index: number;
  readonly time: string;
  /** The agent; empty if nobody showed a grant. */
  readonly agent: string;
  readonly action: string;
  readonly allowed: boolean;
  /** The code of a refusal, or how the call ended. */
  readonly end: string;
  readonly cost: string;
  readonly cth: string;
  /** How the caller showed who it is. */
  readonly kind: string;
  /** What was asked for, if it is disclosed. */
  readonly items: readonly string[];
  /** Items that are not among them, for there are too many to show. */
  readonly moreItems: number;
  /** False for a call that is shown only so that nothing is missing. */
  readonly asked: boolean;
}

/** A chain of grants as the picture shows it, the first grant first. */
export interface ChainView {
  readonly links: readonly LinkView[];
}

export interface LinkView {
  readonly issuer: string;
  readonly holder: string;
  /** Each in words. */
  readonly grants: readonly string[];
  readonly limits: readonly string[];
  readonly until: string;
}

/** What a worker says. */
export type Report =
  | { readonly done: number; readonly total: number }
  | { readonly result: Result }
  | { readonly fault: string };
