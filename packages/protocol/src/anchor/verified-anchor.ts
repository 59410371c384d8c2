import type { AnchorProof } from '@talosprotocol/contracts';

/** Where and when a chain had it: the block, and its time in Unix seconds as the chain has it (of Bitcoin, up to two
 *  hours off). */
export interface AnchorFacts {
  readonly kind: AnchorProof['kind'];
  /** `eip155:<chain id>` or `bitcoin`. */
  readonly chain: string;
  readonly number: number;
  readonly time: number;
}

declare const verified: unique symbol;

/** A tree that a chain held: it existed before that block. That it is a tree of the log whose checkpoint one has is
 *  another proof, of consistency. */
export interface VerifiedAnchor extends AnchorFacts {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly [verified]: true;
}
