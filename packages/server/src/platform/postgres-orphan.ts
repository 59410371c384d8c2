import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from './log.js';
import { endPostmaster, isAlive, isPostmasterOf } from './postgres-process.js';

/** Clears the way after an end without shutdown: stops the postmaster that outlived us, if it is that of this
 *  cluster, and else makes sure that its note about itself does not stop the next one. The caller holds the data
 *  folder. */
export async function endOrphan(cluster: string, sockets: string, log: Log): Promise<void> {
  const note = join(cluster, 'postmaster.pid');
  const text = await readFile(note, 'utf8').catch(() => '');
  const pid = Number(/^([0-9]{1,10})\n/.exec(text)?.[1] ?? 0);
  if (pid <= 1) return;
  if (await isPostmasterOf(pid, cluster)) {
    const signal = await endPostmaster(pid, [3_000, 2_000]);
    log.warn('stopped the database an earlier run left behind', { pid, signal });
  } else if (isAlive(pid)) {
    await disown(note, text);
  }
  await rm(join(sockets, '.s.PGSQL.5432.lock'), { force: true });
}

/** The id in the note was given to another program since (usual in containers), and PostgreSQL would take that
 *  for a running postmaster. It ignores the id of its own parent, which is us. The note itself stays: by its other
 *  lines PostgreSQL finds out whether a backend of the dead postmaster still uses the shared memory. */
async function disown(note: string, text: string): Promise<void> {
  await writeFile(note, text.replace(/^[0-9]+/, String(process.pid)));
}
