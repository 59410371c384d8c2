import { DISCLOSURE_PAGE } from '@talosprotocol/contracts';
import type { Sql } from '../../platform/sql.js';

/** What the tree does not hold of some events, as JSON (`DisclosurePage`). The disclosures are as they were stored. */
export async function writeDisclosurePage(sql: Sql, from: number): Promise<string> {
  const [log] = await sql.query<{ size: number; pruned: number }>('SELECT size, pruned FROM audit_log');
  const size = log?.size ?? 0;
  const to = Math.min(from + DISCLOSURE_PAGE, Math.max(from, size));
  const rows = await sql.query<{ idx: number; disclosures: string }>(
    'SELECT idx, disclosures FROM audit_event WHERE idx >= $1 AND idx < $2 AND disclosures IS NOT NULL ORDER BY idx',
    [from, to],
  );
  const list = rows.map(({ idx, disclosures }) => `{"disclosures":${disclosures},"index":${idx}}`);
  return `{"disclosures":[${list.join(',')}],"from":${from},"pruned":${log?.pruned ?? 0},"to":${to}}`;
}
