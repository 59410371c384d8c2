import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';

/** Socket paths have at most 103 bytes on every system we run on; the longest we append is `/new-<16 hex>`. */
const MAX_PATH = 103 - '/new-0123456789abcdef'.length;

/** Where sockets lie: `<data>/run`, or if that path is too long for a socket a folder of ours in /tmp named by
 *  its hash. Root's may be passed through (PostgreSQL's own sockets lie in a folder inside it, of another user). */
export async function openRunFolder(dataFolder: string, uid: number): Promise<string> {
  const near = join(dataFolder, 'run');
  if (Buffer.byteLength(near) <= MAX_PATH) return openPrivate(near, uid);
  const hash = createHash('sha256').update(dataFolder).digest('hex').slice(0, 16);
  return openPrivate(`/tmp/talos-${uid}-${hash}`, uid);
}

async function openPrivate(path: string, uid: number): Promise<string> {
  const mode = uid === 0 ? 0o711 : 0o700;
  await mkdir(path, { mode }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  // In /tmp anybody may have made it first: trusted only if it is a folder, and ours.
  const found = await lstat(path);
  if (!found.isDirectory() || found.uid !== uid) {
    throw new TrustError('SETTINGS_INVALID', `${path} belongs to somebody else`, {
      hint: 'remove it, or choose a data folder with a shorter path in TALOS_DATA',
    });
  }
  await chmod(path, mode);
  return path;
}
