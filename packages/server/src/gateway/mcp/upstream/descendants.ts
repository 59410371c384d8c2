import { readdirSync, readFileSync } from 'node:fs';

/** A process; what began later under the same number is another one. */
export interface Descendant {
  readonly pid: number;
  readonly began: string;
}

/** More are not looked for: a tool server that forks without end meets the limits of its container. */
const MAX_FOUND = 1024;

/** The processes below `pid`, also those that left its group (`setsid`), parents first. They are found by their line of
 *  parents: one whose parent ended before belongs to init and is not among them. None where there is no Linux /proc. */
export function descendantsOf(pid: number): readonly Descendant[] {
  const found: Descendant[] = [];
  const parents = [pid];
  for (const parent of parents) {
    for (const child of childrenOf(parent)) {
      const began = beginOf(child);
      if (began === undefined || found.length >= MAX_FOUND) continue;
      found.push({ pid: child, began });
      parents.push(child);
    }
  }
  return found;
}

/** Kills those that still run, and what is below them by now. */
export function killDescendants(known: readonly Descendant[]): void {
  const running = known.filter(isRunning);
  const below = running.flatMap(({ pid }) => descendantsOf(pid));
  for (const one of [...running, ...below].filter(isRunning)) {
    try {
      process.kill(one.pid, 'SIGKILL');
    } catch {
      // ESRCH: it ended by itself.
    }
  }
}

function isRunning({ pid, began }: Descendant): boolean {
  return beginOf(pid) === began;
}

/** Each thread has children of its own (proc_pid_task(5)). */
function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** `starttime`, field 22 of proc_pid_stat(5); the name in field 2 may hold anything, also `)`. */
function beginOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
