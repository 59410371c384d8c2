import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Exclusive use of a folder. Ends with the process, however it ends: what proves it is a listening socket, which
 *  the system closes, not a file that could be left over. */
export interface FolderLock {
  release(): Promise<void>;
}

/** Who holds a folder, as it answers for itself. */
export interface LockHolder {
  readonly pid: number;
}

/** Takes the lock in `folder`, or gives its holder.
 *
 *  Every contender listens on a socket with a name that is never used again, and only then looks at the others:
 *  of two, at least one sees the other. A name nobody listens on belongs to the dead and may be removed. A
 *  contender holds the lock once no other is alive; while two contend, the smaller name waits and the larger
 *  steps back. So there is no moment at which a stale lock is taken over, and none at which two could take it. */
export async function takeFolderLock(folder: string, pid: number): Promise<FolderLock | LockHolder> {
  const contender = await enter(folder, pid);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const rivals = await findRivals(folder, contender.name);
    if (rivals.length === 0) {
      contender.hold();
      return { release: contender.leave };
    }
    const holder = rivals.find((rival) => rival.held || rival.name < contender.name);
    if (holder !== undefined) {
      await contender.leave();
      return { pid: holder.pid };
    }
    await sleep(ROUND_MS);
  }
  await contender.leave();
  throw new Error('the lock of the data folder cannot be settled: another start hangs');
}

const MAX_ROUNDS = 200;
const ROUND_MS = 10;
const NAME = /^lock-[0-9a-f]{16}$/;

interface Contender {
  readonly name: string;
  hold(): void;
  leave(): Promise<void>;
}

async function enter(folder: string, pid: number): Promise<Contender> {
  const suffix = randomBytes(8).toString('hex');
  const name = `lock-${suffix}`;
  let held = false;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(JSON.stringify({ pid, held }));
  });
  // Renamed once it listens: whoever sees the name can connect.
  await listen(server, join(folder, `new-${suffix}`));
  await rename(join(folder, `new-${suffix}`), join(folder, name));
  server.unref();
  return {
    name,
    hold: () => {
      held = true;
    },
    leave: async () => {
      await rm(join(folder, name), { force: true });
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => resolve());
  });
}

interface Rival extends LockHolder {
  readonly name: string;
  readonly held: boolean;
}

async function findRivals(folder: string, own: string): Promise<Rival[]> {
  const names = (await readdir(folder)).filter((name) => NAME.test(name) && name !== own);
  const asked = await Promise.all(names.map((name) => ask(folder, name)));
  return asked.filter((rival) => rival !== undefined);
}

async function ask(folder: string, name: string): Promise<Rival | undefined> {
  const answer = await connectTo(join(folder, name));
  if (answer !== undefined) return { name, ...answer };
  await rm(join(folder, name), { force: true });
  return undefined;
}

const ASK_MS = 2_000;

/** The answer; undefined if nobody listens. One that listens and says nothing (stopped, or busy) is alive. */
function connectTo(path: string): Promise<{ pid: number; held: boolean } | undefined> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ path });
    const silent = (): void => {
      socket.destroy();
      resolve({ pid: 0, held: true });
    };
    socket.setTimeout(ASK_MS, silent);
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > 200) silent();
    });
    socket.on('end', () => resolve(parseAnswer(text)));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined);
      else if (error.code === 'ECONNRESET') silent();
      else reject(error);
    });
  });
}

function parseAnswer(text: string): { pid: number; held: boolean } {
  const parts = /^\{"pid":([0-9]{1,10}),"held":(true|false)\}$/.exec(text);
  return { pid: Number(parts?.[1] ?? 0), held: parts?.[2] !== 'false' };
}
