import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Log, LogFields } from '../../../../platform/log.js';
import { createMetrics } from '../../../../platform/metrics/metrics.js';
import { clock } from '../../../../platform/system.js';
import type { ServerLimits, ServerPolicy, ToolPolicy } from '../../../admission/ports.js';
import type { LifeDeps } from '../life.js';
import { measureUpstream } from '../upstream-metrics.js';

/** A log that keeps what it was told. */
export function createMemoryLog(): Log & { readonly lines: (LogFields & { message: string })[] } {
  const lines: (LogFields & { message: string })[] = [];
  const note = (message: string, fields: LogFields = {}) => void lines.push({ message, ...fields });
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  return Object.assign(log, { lines });
}

/** Real clock and processes; the reaper only notes what it was given. */
export function upstreamDeps() {
  const groups = new Set<number>();
  const log = createMemoryLog();
  const metrics = createMetrics();
  const deps: LifeDeps = {
    clock,
    meter: measureUpstream(metrics),
    log,
    environment: { PATH: process.env['PATH'], TALOS_CANARY: 'must not be seen' },
    reaper: { addGroup: (pgid) => void groups.add(pgid), removeGroup: (pgid) => void groups.delete(pgid) },
  };
  return { deps, groups, log, metrics };
}

const NASTY = fileURLToPath(new URL('./nasty-server.mjs', import.meta.url));

/** The nasty server as an operator would configure it. */
export function nastyServer(
  mode: string,
  limits: ServerLimits = {},
  tools: ReadonlyMap<string, ToolPolicy> = new Map(),
): ServerPolicy {
  return {
    name: 'nasty',
    run: { command: process.execPath, args: [NASTY, mode], env: { CONFIGURED: 'yes' } },
    limits,
    tools,
  };
}

/** The processes whose parent this one is. */
export function childrenOf(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = rows.map((row) => row.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
}

/** True while any process of the group runs. The dead that nobody waited for (no init in a container) do not. */
export function isGroupAlive(pgid: number): boolean {
  const rows = execFileSync('ps', ['-eo', 'pgid=,stat='], { encoding: 'utf8' }).split('\n');
  return rows.some((row) => {
    const [group, state = 'Z'] = row.trim().split(/\s+/);
    return Number(group) === pgid && !state.startsWith('Z');
  });
}
