import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Contender } from '../runner.js';

/** A contender whose work is done in another process; the time of the pipe, some tens of microseconds a slice, is its
 *  own. Several hot WebAssembly modules in one process have crashed V8, and none may disturb ours. */
export interface RemotePeer extends Contender {
  /** Ends the process. */
  close(): Promise<void>;
}

/** Which program, and how Node is to run it. */
export interface PeerProgram {
  /** Beside this file, without its ending. */
  readonly name: string;
  readonly nodeArgs?: readonly string[];
}

/** Starts a peer and waits until it is set up.
 *  @throws {Error} it ended or said that it failed */
export async function openPeer({ name, nodeArgs = [] }: PeerProgram): Promise<RemotePeer> {
  const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [...nodeArgs, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ask = createAsk(name, child, createInterface({ input: child.stdout }));
  const { ready } = (await ask(undefined)) as { readonly ready: string };
  let due = 0;
  return {
    name: ready,
    prepare: (count) => {
      due = count;
    },
    run: async (count) => {
      if (due > 0) await ask({ prepare: due });
      due = 0;
      await ask({ run: count });
    },
    close: async () => {
      child.stdin.end();
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

function createAsk(
  name: string,
  child: ChildProcess,
  lines: Interface,
): (order: object | undefined) => Promise<object> {
  const answers = lines[Symbol.asyncIterator]();
  return async (order) => {
    if (order !== undefined) child.stdin?.write(`${JSON.stringify(order)}\n`);
    const answer = JSON.parse(await nextObject(name, answers)) as { readonly error?: string };
    if (answer.error !== undefined) throw new Error(`${name}: ${answer.error}`);
    return answer;
  };
}

/** Some libraries greet on standard output. */
async function nextObject(name: string, lines: AsyncIterator<string>): Promise<string> {
  for (;;) {
    const { value, done } = (await lines.next()) as IteratorResult<string, undefined>;
    if (done === true || value === undefined) throw new Error(`the peer ${name} ended`);
    if (value.startsWith('{')) return value;
  }
}
