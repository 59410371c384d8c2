import type { ServerLimits } from '../../admission/ports.js';

/** Limits of a tool server where the operator set none. Times in milliseconds. */
export const DEFAULT_LIMITS: Required<ServerLimits> = {
  startTimeoutMs: 20_000,
  callTimeoutMs: 60_000,
  idleMs: 600_000,
  lifetimeMs: 86_400_000,
  maxConcurrent: 16,
  maxQueued: 64,
  maxMessageBytes: 10_485_760,
};

export type Limits = Required<ServerLimits>;

/** The operator's limits over the defaults. */
export function limitsOf(stated: ServerLimits | undefined): Limits {
  return { ...DEFAULT_LIMITS, ...stated };
}
