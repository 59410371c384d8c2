import type { Sql } from '../platform/sql.js';
import type { AuditDraft } from './draft.js';

/** Summaries of denials that are not in the log yet, so that a process that is killed loses little of what it counted. */
export interface DenialStore {
  /** Keeps what was counted until now, in the place of what was kept under the same ids. */
  keep(drafts: readonly AuditDraft<'denials'>[]): Promise<void>;
  forget(ids: readonly string[]): Promise<void>;
  left(): Promise<AuditDraft<'denials'>[]>;
}

/** Most that are taken up at a start; the rest at the next. */
const MOST = 16_384;

export function createDenialStore(sql: Sql): DenialStore {
  return {
    keep: async (drafts) => {
      await sql.query(
        `INSERT INTO audit_denial (id, draft) SELECT * FROM unnest($1::text[], $2::text[])
         ON CONFLICT (id) DO UPDATE SET draft = excluded.draft`,
        [drafts.map(({ id }) => id), drafts.map((draft) => JSON.stringify(draft))],
      );
    },
    forget: async (ids) => {
      await sql.query('DELETE FROM audit_denial WHERE id = ANY($1)', [ids]);
    },
    left: async () => {
      const rows = await sql.query<{ draft: string }>(
        `SELECT draft FROM audit_denial ORDER BY id LIMIT ${MOST}`,
      );
      return rows.map(({ draft }) => JSON.parse(draft) as AuditDraft<'denials'>);
    },
  };
}
