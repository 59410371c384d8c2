import type { EventExaminer, LogFault } from '@talosprotocol/protocol';
import type { Sql } from '../../platform/sql.js';

/** What the database says of the log as a whole. */
export interface LogRow {
  readonly size: number;
  readonly pruned: number;
  /** Up to where its rows have it on record that bodies were pruned, and whether that is under way. */
  readonly recorded: number;
  readonly isUnderWay: boolean;
  readonly allowed: number;
  readonly denied: number;
  readonly note: string | undefined;
  /** The size its checkpoint is kept under. */
  readonly signed: number;
}

const NOTHING: LogRow = {
  size: 0,
  pruned: 0,
  recorded: 0,
  isUnderWay: false,
  allowed: 0,
  denied: 0,
  note: undefined,
  signed: 0,
};

/** Of a database without a log all counts are 0. */
export async function readLogRow(sql: Sql): Promise<LogRow> {
  const [row] = await sql.query<Omit<LogRow, 'note'> & { note: string | null }>(
    `SELECT l.size, l.pruned, l.allowed, l.denied, c.note, coalesce(c.size, 0) AS signed,
       EXISTS (SELECT 1 FROM audit_pruning) AS "isUnderWay", coalesce((
         SELECT max((e.event::json->>'to')::bigint) FROM audit_facet f JOIN audit_index x ON x.facet = f.num
         JOIN audit_event e USING (idx) WHERE f.type = 'log.pruned'), 0) AS recorded
     FROM audit_log l LEFT JOIN audit_checkpoint c ON true`,
  );
  return row === undefined ? NOTHING : { ...row, note: row.note ?? undefined };
}

/** What the rows come to. */
export interface RowCounts {
  readonly rows: number;
  readonly allowed: number;
  readonly denied: number;
}

export interface TablesExamination {
  readonly row: LogRow;
  readonly examiner: EventExaminer;
  /** Bodies below this index were pruned, as an event says that is signed. */
  readonly onRecord: number;
  readonly counted: RowCounts;
  readonly onFault: (fault: LogFault) => void;
}

/** Compares what the database remembers of the events, so that the next one continues them, with the events. */
export async function examineTables(sql: Sql, examination: TablesExamination): Promise<void> {
  const { row, examiner, counted, onFault } = examination;
  const tell = (where: string, what: string): void => onFault({ where, what });
  const [beyond] = await sql.query<{ idx: number }>(
    'SELECT idx FROM audit_event WHERE idx >= $1 ORDER BY idx LIMIT 1',
    [row.size],
  );
  if (beyond !== undefined)
    onFault({ where: 'row', index: beyond.idx, what: `lies beyond the ${row.size} of the log` });
  if (row.pruned !== examination.onRecord && !row.isUnderWay)
    tell(
      'table audit_log',
      `has bodies below ${row.pruned} as pruned, the log below ${examination.onRecord}`,
    );
  await examineKept(sql, onFault);
  const [last] = [...examiner.emitters];
  if (last !== undefined) await examineEmitters(sql, examination);
  // Of what was pruned, or is missing, nobody can count.
  if (row.pruned > 0 || counted.rows !== row.size) return examineIds(sql, onFault);
  if (counted.allowed !== row.allowed || counted.denied !== row.denied) {
    const is = `${counted.allowed} allowed and ${counted.denied} denied decisions`;
    tell('table audit_log', `counts ${row.allowed} and ${row.denied} of ${is}`);
  }
  await examineSubjects(sql, examination);
  await examineIds(sql, onFault);
}

async function examineEmitters(sql: Sql, { examiner, onFault }: TablesExamination): Promise<void> {
  const rows = await sql.query<{ did: string; eseq: number; prev: string }>(
    'SELECT did, eseq, prev FROM audit_emitter',
  );
  const kept = new Map(rows.map((row) => [row.did, row]));
  for (const [did, { eseq, hash }] of examiner.emitters) {
    const row = kept.get(did);
    if (row?.eseq === eseq && row.prev === hash) continue;
    const where =
      row === undefined ? 'does not know' : `ends with ${row.eseq}, not ${eseq}, or another hash, for`;
    onFault({ where: 'table audit_emitter', what: `${where} ${did}` });
  }
}

const PAGE = 1_000;

async function examineSubjects(sql: Sql, { examiner, onFault }: TablesExamination): Promise<void> {
  const wanted = [...examiner.subjects];
  for (let at = 0; at < wanted.length; at += PAGE) {
    const page = wanted.slice(at, at + PAGE);
    const rows = await sql.query<{ sub: string; pseq: number }>(
      'SELECT sub, pseq FROM audit_subject WHERE sub = ANY($1)',
      [page.map(([sub]) => sub)],
    );
    const kept = new Map(rows.map(({ sub, pseq }) => [sub, pseq]));
    for (const [sub, pseq] of page) {
      if (kept.get(sub) === pseq) continue;
      const what = `counts ${kept.get(sub) ?? 0} events of ${sub}, there are ${pseq}`;
      onFault({ where: 'table audit_subject', what });
    }
  }
}

const LISTED = 100;

/** Chains stay when bodies are pruned: events name them still. */
async function examineKept(sql: Sql, onFault: TablesExamination['onFault']): Promise<void> {
  const wrong = await sql.query<{ idx: number }>(
    `SELECT c.idx FROM audit_chain c CROSS JOIN audit_log l LEFT JOIN audit_event e ON e.idx = c.idx
     WHERE c.idx < l.pruned AND e.idx IS NULL ORDER BY c.idx LIMIT ${LISTED}`,
  );
  for (const { idx } of wrong)
    onFault({ where: 'row', index: idx, what: 'is missing: events name this chain' });
}

/** Where each event is found by its id. */
async function examineIds(sql: Sql, onFault: TablesExamination['onFault']): Promise<void> {
  const wrong = await sql.query<{ idx: number }>(
    `SELECT e.idx FROM audit_event e LEFT JOIN audit_id i ON i.id = e.id
     WHERE i.idx IS DISTINCT FROM e.idx ORDER BY e.idx LIMIT ${LISTED}`,
  );
  for (const { idx } of wrong)
    onFault({ where: 'table audit_id', index: idx, what: 'does not find the event' });
}
