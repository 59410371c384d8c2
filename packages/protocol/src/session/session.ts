import type { WindowWidth } from './window.js';

/** An open session. */
export interface Session<T> {
  readonly sid: string;
  /** Names the session in this process as a plain number, without the secrecy of the sid: no other session ever has
   *  it. */
  readonly handle: number;
  /** The leaf's `sub`. */
  readonly subject: string;
  /** The `lid` of every link of the chain, root first. */
  readonly lids: readonly string[];
  /** Unix seconds; the session is gone from then on. */
  readonly exp: number;
  readonly window: WindowWidth;
  /** Whatever its opener wants back with each request, such as the verified capability. */
  readonly context: T;
}

/** What a session is opened with. Its `exp` is cut to the whole second, and to an hour from now (SES-4). */
export interface NewSession<T> extends Omit<Session<T>, 'sid' | 'handle'> {
  /** The session key, 32 bytes, which depends on the id (SES-5). The table copies the array and wipes it. */
  readonly deriveKey: (sid: string) => Uint8Array;
  /** Sessions opened under the same key share the subject, lids, context and times of the first of them, and its
   *  memory: the key must name all of that. Without one the session shares with nobody. */
  readonly authority?: string;
  /** Unix seconds before which the session's requests are refused, should the clock go back; 0 by default. */
  readonly validFrom?: number;
  /** What the context takes in memory, in bytes; 4096 by default. It counts against the table's budget, once for all
   *  sessions that share it. */
  readonly bytes?: number;
}
