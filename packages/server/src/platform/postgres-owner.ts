import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { TrustError } from '@talosprotocol/protocol';

const run = promisify(execFile);

/** Who the embedded PostgreSQL runs as. */
export interface PostgresOwner {
  readonly uid: number;
  readonly gid: number;
  /** True if that is another user than ours: we are root, and PostgreSQL refuses to be. */
  readonly foreign: boolean;
}

/** Users to drop to, best first. A user of its own keeps the database's files from the machine's other services. */
const CANDIDATES = ['talos', 'postgres', 'nobody'];

/** Ourselves, or as root the wanted user, or the first candidate this machine has. */
export async function findPostgresOwner(wanted: string | undefined): Promise<PostgresOwner> {
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  if (uid === undefined || gid === undefined) {
    throw new TrustError('SETTINGS_INVALID', 'the embedded database does not run on this system', {
      hint: 'set TALOS_DATABASE_URL to a PostgreSQL of your own, or use Linux, macOS or WSL',
    });
  }
  if (uid !== 0) return { uid, gid, foreign: false };
  for (const name of wanted === undefined ? CANDIDATES : [wanted]) {
    const found = await lookUp(name);
    if (found !== undefined && found.uid !== 0) return { ...found, foreign: true };
  }
  throw new TrustError('SETTINGS_INVALID', 'there is no unprivileged user to run PostgreSQL as', {
    hint: 'useradd --system talos, or set TALOS_POSTGRES_USER to an existing user other than root',
  });
}

async function lookUp(name: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

/** The first folder on the way to `path` that the owner cannot pass; undefined if the way is open. */
export async function closedParent(path: string, owner: PostgresOwner): Promise<string | undefined> {
  const parents: string[] = [];
  for (let at = dirname(path); ; at = dirname(at)) {
    parents.unshift(at);
    if (at === dirname(at)) break;
  }
  for (const parent of parents) {
    if (!(await isAllowed(parent, owner, 0o1))) return parent;
  }
  return undefined;
}

/** True if the owner has the rights `bits` (4 read, 2 write, 1 execute or pass) on `path`. */
export async function isAllowed(path: string, owner: PostgresOwner, bits: number): Promise<boolean> {
  const { mode, uid, gid } = await stat(path);
  const shift = uid === owner.uid ? 6 : gid === owner.gid ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}

/** The options that make a child process run as the owner. */
export function asOwner(owner: PostgresOwner): { uid?: number; gid?: number } {
  return owner.foreign ? { uid: owner.uid, gid: owner.gid } : {};
}
