import type { WebvhMark, WebvhMarks } from '@talosprotocol/protocol';
import type { Queries } from '../../platform/sql.js';

/** What was seen of the log of each `did:webvh`, for every process and over restarts (ID-11): else a host could show an old log
 *  again, with keys that were given up, to whoever has just started. As many as the operator allows. */
export function createWebvhMarks(sql: Queries): WebvhMarks {
  return {
    find: async (did) => {
      const [row] = await sql.query<WebvhMark>(
        'SELECT number, version_id AS "versionId" FROM kernel_webvh_mark WHERE did = $1',
        [did],
      );
      return row;
    },
    keep: async (did, { number, versionId }) => {
      await sql.query(
        `INSERT INTO kernel_webvh_mark AS kept (did, number, version_id) VALUES ($1, $2, $3)
         ON CONFLICT (did) DO UPDATE SET number = excluded.number, version_id = excluded.version_id
         WHERE kept.number < excluded.number`,
        [did, number, versionId],
      );
    },
  };
}
