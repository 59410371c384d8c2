import { type ChildProcess, spawn } from 'node:child_process';

/** Ends what we started when we end, also by SIGKILL: a small shell holds the other end of a pipe and a list.
 *  At the end of the pipe it kills the listed process groups and stops the listed processes. */
export interface Reaper {
  /** A process group of ours: gets SIGTERM, 2 s later SIGKILL. */
  addGroup(pgid: number): void;
  removeGroup(pgid: number): void;
  /** A process that ends well by `signal` (PostgreSQL: INT); after 10 s it gets SIGQUIT, then SIGKILL. */
  addProcess(pid: number, signal: 'INT' | 'TERM'): void;
  removeProcess(pid: number): void;
  /** Forgets everything and ends the shell. */
  close(): Promise<void>;
}

/** Starts the shell. If it is killed it is started again with the same list. */
export function createReaper(): Reaper {
  const listed = new Map<string, string>();
  let shell = start();
  let closing = false;
  function start(): ChildProcess {
    const child = spawn('/bin/sh', ['-c', SCRIPT], {
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // An error on the pipe is followed by `exit`, which mends it.
    child.stdin?.on('error', () => undefined);
    child.once('exit', () => {
      if (closing) return;
      shell = start();
      for (const line of listed.values()) say(line);
    });
    child.unref();
    (child.stdin as unknown as { unref?: () => void }).unref?.();
    return child;
  }
  const say = (line: string): void => void shell.stdin?.write(`${line}\n`);
  const add = (key: string, line: string): void => {
    listed.set(key, line);
    say(line);
  };
  const remove = (key: string): void => {
    if (listed.delete(key)) say(`del ${key}`);
  };
  return {
    addGroup: (pgid) => add(`pgid ${checked(pgid)}`, `add pgid ${pgid}`),
    removeGroup: (pgid) => remove(`pgid ${pgid}`),
    addProcess: (pid, signal) => add(`pid ${checked(pid)}`, `add pid ${pid} ${signal}`),
    removeProcess: (pid) => remove(`pid ${pid}`),
    close: async () => {
      for (const key of [...listed.keys()]) remove(key);
      closing = true;
      const ended = new Promise<void>((resolve) => shell.once('exit', () => resolve()));
      shell.ref();
      shell.stdin?.end();
      await ended;
    },
  };
}

/** 0 and 1 would mean our own group and everybody. */
function checked(id: number): number {
  if (!Number.isSafeInteger(id) || id <= 1) throw new RangeError('not the id of a child process');
  return id;
}

/** POSIX sh, no program but `sleep`; `kill -s` is the one spelling that takes groups in every shell.
 *  `$groups` holds ` id ` entries, `$pids` ` id:signal ` ones. */
const SCRIPT = `
trap '' INT TERM HUP QUIT PIPE
groups=' ' pids=' '
without() {
  rest=' '
  for entry in $1; do case $entry in "$2"|"$2":*) ;; *) rest="$rest$entry " ;; esac; done
}
while read -r verb kind id signal; do
  case $kind in
    pgid) without "$groups" "$id"; groups=$rest; [ "$verb" = add ] && groups="$groups$id " ;;
    pid) without "$pids" "$id"; pids=$rest; [ "$verb" = add ] && pids="$pids$id:$signal " ;;
  esac
done
alive() { for id in $groups; do kill -s 0 -- "-$id" 2>/dev/null && return 0; done; return 1; }
up() { for entry in $pids; do kill -s 0 -- "\${entry%%:*}" 2>/dev/null && return 0; done; return 1; }
wait_until_gone() { n=0; while "$1" && [ $n -lt $2 ]; do sleep 0.1; n=$((n + 1)); done; }
signal_groups() { for id in $groups; do kill -s "$1" -- "-$id" 2>/dev/null; done; }
signal_pids() { for entry in $pids; do kill -s "\${1:-\${entry##*:}}" -- "\${entry%%:*}" 2>/dev/null; done; }
signal_groups TERM
signal_pids ''
wait_until_gone alive 20
alive && signal_groups KILL
wait_until_gone up 100
up && signal_pids QUIT
wait_until_gone up 50
up && signal_pids KILL
exit 0
`;
