import { TrustError } from '@talosprotocol/protocol';
import type { ServerPolicy } from '../../admission/ports.js';
import type { LifeDeps } from './life.js';
import { createSupervisor, type Lease, type Supervisor } from './supervisor.js';

/** The tool servers of all tenants: no process ever serves two of them. */
export interface UpstreamPool {
  /** @throws {TrustError} UNAVAILABLE | UPSTREAM_FAILED; the signal's reason when it aborts */
  lease(tenant: string, server: ServerPolicy, signal: AbortSignal): Promise<Lease>;
  stop(): Promise<void>;
}

interface Entry {
  /** How it is run; a change of the policy that touches this needs another process. */
  readonly recipe: string;
  readonly supervisor: Supervisor;
}

const MAX_SERVERS = 64;

/** Builds the pool; processes start with their first call. */
export function createUpstreamPool(deps: LifeDeps): UpstreamPool {
  const entries = new Map<string, Entry>();
  const recipes = new WeakMap<ServerPolicy, string>();
  const leaving = new Set<Promise<void>>();
  let stopped = false;

  const retire = (key: string, { supervisor }: Entry): void => {
    entries.delete(key);
    const gone = supervisor.stop().finally(() => leaving.delete(gone));
    leaving.add(gone);
  };
  const supervisorOf = (tenant: string, server: ServerPolicy): Supervisor => {
    const key = `${tenant}\n${server.name}`;
    const known = entries.get(key);
    const recipe = recipes.get(server) ?? recipeOf(server);
    recipes.set(server, recipe);
    if (known?.recipe === recipe) return known.supervisor;
    if (known !== undefined) retire(key, known);
    if (stopped) throw new TrustError('UNAVAILABLE', 'the gateway is stopping');
    if (entries.size >= MAX_SERVERS) throw new TrustError('UNAVAILABLE', 'too many tool servers run');
    const log = deps.log.child({ server: server.name, tenant });
    const supervisor = createSupervisor(server, { ...deps, log });
    entries.set(key, { recipe, supervisor });
    return supervisor;
  };
  return {
    lease: async (tenant, server, signal) => supervisorOf(tenant, server).lease(signal),
    async stop() {
      stopped = true;
      for (const [key, entry] of [...entries]) retire(key, entry);
      await Promise.all(leaving);
    },
  };
}

function recipeOf({ run, limits }: ServerPolicy): string {
  return JSON.stringify([run, limits ?? {}]);
}
