import { parseJsonObject, parseTime } from '@talosprotocol/protocol';
import { type ArchiveReader, archivedAnchors } from '@talosprotocol/sdk/archive';
import type { Queries } from '../../platform/sql.js';
import { importAnchor } from '../anchor/anchor-store.js';

/** Keeps the chain anchors of an archive that was examined, once its events are there. When they were begun is not taken from
 *  the archive, for the next ones go by it: an anchor begins with the last of its events, and not after now. */
export async function restoreAnchors(queries: Queries, archive: ArchiveReader, nowMs: number): Promise<void> {
  for await (const proofs of archivedAnchors(archive)) {
    for (const proof of proofs) {
      const [row] = await queries.query<{ event: string }>('SELECT event FROM audit_event WHERE idx = $1', [
        proof.size - 1,
      ]);
      const ms = parseTime(String(parseJsonObject(row?.event ?? '')['time']));
      await importAnchor(queries, proof, Math.min(ms, nowMs));
    }
  }
}
