import { DISCLOSURE_PAGE } from '@talosprotocol/contracts';
import type { CryptoProvider } from '@talosprotocol/protocol';
import type { Sql } from '../../platform/sql.js';
import { openRow } from '../open-row.js';

/** Rows that are read at a time: each has up to 262,144 bytes. */
const ROWS = 32;

/** What the tree does not hold of some events, as JSON (`DisclosurePage`). It is made in parts, as a page may come to 64 MiB.
 *  The disclosures are as they were stored. @throws {TrustError} LOG_CORRUPT: they are not what the event commits to */
export async function* writeDisclosurePage(
  { sql, crypto }: { readonly sql: Sql; readonly crypto: CryptoProvider },
  from: number,
): AsyncGenerator<string> {
  const [log] = await sql.query<{ size: number; pruned: number }>('SELECT size, pruned FROM audit_log');
  const size = log?.size ?? 0;
  const to = Math.min(from + DISCLOSURE_PAGE, Math.max(from, size));
  let before = '{"disclosures":[';
  for (let at = from; at < to; at += ROWS) {
    for (const row of await readRows(sql, at, Math.min(at + ROWS, to))) {
      openRow(row, crypto);
      yield `${before}{"disclosures":${row.disclosures},"index":${row.idx}}`;
      before = ',';
    }
  }
  yield `${before === ',' ? '' : before}],"from":${from},"pruned":${log?.pruned ?? 0},"to":${to}}`;
}

function readRows(
  sql: Sql,
  from: number,
  to: number,
): Promise<{ readonly idx: number; readonly event: string; readonly disclosures: string }[]> {
  return sql.query(
    'SELECT idx, event, disclosures FROM audit_event WHERE idx >= $1 AND idx < $2 AND disclosures IS NOT NULL ORDER BY idx',
    [from, to],
  );
}
