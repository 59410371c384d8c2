import type { GuardVerdict, ModelRates, ModelUsage, ProblemCode } from '@talosprotocol/contracts';

/** How a call ended. */
export interface Ended {
  readonly status: 'completed' | 'failed' | 'cancelled' | 'revoked_during';
  readonly spent?: ModelSpent;
  /** Why, if it failed; not recorded, and told to nobody but who watches (TEL-4). */
  readonly code?: ProblemCode;
  /** The model as the provider's answer names it; like `code`, for who watches alone (TEL-3). */
  readonly responseModel?: string;
  /** What guards said of the answer. */
  readonly guards?: readonly GuardVerdict[];
}

/** What a call of a model came to. */
export interface ModelSpent {
  readonly usage: ModelUsage;
  /** Absent if nobody knows what it costs. */
  readonly rates?: ModelRates;
}
