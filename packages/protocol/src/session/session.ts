import type { WindowWidth } from './window.js';

/** An open session. */
export interface Session<T> {
  readonly sid: string;
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

/** What a session is opened with. */
export interface NewSession<T> extends Omit<Session<T>, 'sid'> {
  /** The session key, which depends on the id (SES-5). The table owns the array and wipes it at the end. */
  readonly deriveKey: (sid: string) => Uint8Array;
}
