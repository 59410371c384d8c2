import type { AnchorProof, TrustedContract } from '@talosprotocol/contracts';

/** The head of the log that is to be anchored. `root` is hex. */
export interface AnchorHead {
  readonly size: number;
  readonly root: string;
}

/** An anchor that is begun and not proven. */
export interface OpenAnchor extends AnchorHead {
  /** When it was begun, in ms: it was the newest head then. */
  readonly begunMs: number;
  /** What was kept last; undefined at first. */
  readonly state: string | undefined;
  /** Keeps what must not be forgotten, durably, before it is done.
   *  @throws {TrustError} CONFLICT: another process has it */
  keep(state: string): Promise<void>;
}

/** How far an anchor is. One that is given up was overtaken by a larger one, or cannot be proven any more. */
export type AnchorProgress =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'proven'; readonly proof: AnchorProof }
  | { readonly kind: 'given-up'; readonly reason: string };

/** Something an operator must know of, and that the anchorer cannot mend. */
export interface AnchorAlarm {
  readonly code: 'FORK' | 'FOREIGN' | 'REORG';
  readonly reason: string;
}

/** What is seen of others who use the log's name. */
export interface Sight {
  /** Told once each in a process: also what was found before it started. */
  readonly alarms: readonly AnchorAlarm[];
  /** What keeps it from seeing; undefined if nothing does. */
  readonly blind: unknown;
  /** Confirmed blocks that were not looked at yet. */
  readonly unseen: number;
}

/** A place where heads of the log are anchored. The room drives it, one call at a time; no call of it is waited for by
 *  anything but the room's own loop. Every method MUST be safe to repeat after a kill at any moment. */
export interface Anchorer {
  /** Names the place in the database and to people; begins with the kind. Never changes for one place. */
  readonly place: string;
  readonly kind: AnchorProof['kind'];
  /** What an auditor must know besides blocks; absent where blocks are enough. */
  readonly contract?: TrustedContract;
  /** Between the beginnings of two anchors. */
  readonly everyMs: number;
  /** Between two looks at an open anchor. */
  readonly pollMs: number;
  /** Anchors that may be open at a time. */
  readonly maxOpen: number;
  /** Goes one step on. @throws {TrustError} what stands in the way; it is tried again */
  follow(anchor: OpenAnchor): Promise<AnchorProgress>;
  /** False if the chain dropped the block of the proof. @throws {TrustError} it cannot be said now */
  holds(proof: AnchorProof): Promise<boolean>;
  /** Whether the chain has the block of a proof that came with an archive, with as many on it as count; undefined where
   *  nobody can be asked. @throws {TrustError} it cannot be said now */
  knows(proof: AnchorProof): Promise<boolean | undefined>;
  /** Looks for what others did under the log's name.
   *  @throws {TrustError} it cannot be said now */
  look(): Promise<Sight>;
}

/** What an anchorer asks of the log. */
export interface AnchoredLog {
  readonly origin: string;
  /** Size of the newest checkpoint. */
  size(): number;
  /** Root of the tree at that size or a smaller one, hex. */
  rootAt(size: number): Promise<string>;
}
