import type { Sql } from '../platform/sql.js';
import type { AuditDraft } from './draft.js';

/** Summaries of denials that are not in the log yet, so that a process that is killed loses little of what it counted. */
export interface DenialStore {
  /** Keeps what was counted until now, in the place of what was kept under the same ids; gives how many found no room. */
  keep(drafts: readonly AuditDraft<'denials'>[]): Promise<number>;
  forget(ids: readonly string[]): Promise<void>;
  left(): Promise<AuditDraft<'denials'>[]>;
}

/** Most that are kept: whoever makes sources up while the log takes nothing fills no disk. All of them are taken up at a start. */
export const MOST_KEPT = 16_384;

const KEEP = `WITH given AS (SELECT * FROM unnest($1::text[], $2::text[]) AS g(id, draft)),
  known AS (SELECT given.* FROM given JOIN audit_denial USING (id)),
  fresh AS (SELECT * FROM given WHERE id NOT IN (SELECT id FROM known)
    LIMIT (SELECT greatest(0, ${MOST_KEPT} - count(*)) FROM audit_denial))
  INSERT INTO audit_denial (id, draft) SELECT * FROM known UNION ALL SELECT * FROM fresh
  ON CONFLICT (id) DO UPDATE SET draft = excluded.draft RETURNING 1`;

export function createDenialStore(sql: Sql): DenialStore {
  return {
    keep: async (drafts) => {
      const ids = drafts.map(({ id }) => id);
      const kept = await sql.query(KEEP, [ids, drafts.map((draft) => JSON.stringify(draft))]);
      return drafts.length - kept.length;
    },
    forget: async (ids) => {
      await sql.query('DELETE FROM audit_denial WHERE id = ANY($1)', [ids]);
    },
    left: async () => {
      const rows = await sql.query<{ draft: string }>(
        `SELECT draft FROM audit_denial ORDER BY id LIMIT ${MOST_KEPT}`,
      );
      return rows.map(({ draft }) => JSON.parse(draft) as AuditDraft<'denials'>);
    },
  };
}
