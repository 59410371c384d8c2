import type { ModelProvider } from '@talosprotocol/contracts';
import type { KeyPart } from './key-part.js';

/** A provider without models, a model of it, and its key. */
export interface Hosted {
  readonly provider: ModelProvider;
  /** Joined by colons; absent if it wants none. */
  readonly key?: readonly KeyPart[];
  readonly model: string;
  /** The parameters that say all this. */
  readonly taken: readonly string[];
}
