import type { AuditClient, GatewayClient, Identity, KernelClient } from '@talosprotocol/sdk';
import type { ServerProcess } from '../server-process.js';
import type { Calls } from './call-outcome.js';
import type { Scratch } from './scratch.js';

/** Everything the demo has built so far; each step adds its part. */
export interface World {
  readonly scratch: Scratch;
  /** Environment of the platform's process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** Aborts when somebody stops the demo; its platform ends with it. */
  readonly signal: AbortSignal;
  readonly latencies: number[];
  server?: ServerProcess;
  kernel?: KernelClient;
  gateway?: GatewayClient;
  audit?: AuditClient;
  agent?: Identity;
  worker?: Identity;
  /** The agent's chain, one link. */
  agentChain?: string;
  /** The worker's chain, two links. */
  workerChain?: string;
  calls?: Calls;
  bundle?: { readonly path: string; readonly trust: string };
}

/** A part that an earlier step must have made.
 *  @throws {Error} a bug in the demo's order */
export function part<K extends keyof World>(world: World, name: K): NonNullable<World[K]> {
  const value = world[name];
  if (value === undefined || value === null) throw new Error(`the demo has no ${name} yet`);
  return value as NonNullable<World[K]>;
}
