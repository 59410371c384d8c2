import type { ModelRates, ModelUsage } from '@talosprotocol/contracts';

/** How a call ended. */
export interface Ended {
  readonly status: 'completed' | 'failed' | 'cancelled' | 'revoked_during';
  readonly spent?: ModelSpent;
}

/** What a call of a model came to. */
export interface ModelSpent {
  readonly usage: ModelUsage;
  /** Absent if nobody knows what it costs. */
  readonly rates?: ModelRates;
}
