import type { Sql } from '../../../platform/sql.js';
import { clock } from '../../../platform/system.js';
import { decision, newUuid } from '../room.js';
import type { LoadLog } from './load-log.js';

export interface IngestOptions {
  readonly producers: number;
  /** Of the log in one round; a tenth of it, or all, is inserted by the others. */
  readonly events: number;
  readonly rounds: number;
}

export interface IngestRound {
  /** Events per second that were durable, each acknowledged by itself, the last one with its receipt. */
  readonly own: number;
  /** Rows per second of one connection that inserts and commits one after the other. */
  readonly single: number;
  /** The same of as many producers as the log has, over a pool. */
  readonly pooled: number;
}

/** Lets the log and plain inserts take turns. */
export async function measureIngest(load: LoadLog, { producers, events, rounds }: IngestOptions) {
  await load.sql.query(`CREATE TABLE IF NOT EXISTS single_row (
    idx bigserial PRIMARY KEY, id uuid NOT NULL UNIQUE, event text NOT NULL, disclosures text)`);
  const row = await sampleRow(load);
  const acks: number[] = [];
  const receipts: number[] = [];
  const measured: IngestRound[] = [];
  const ways = {
    own: () => recordAll(load, producers, events, { acks, receipts }),
    single: () => insertAll(load.sql, 1, Math.ceil(events / 10), row),
    pooled: () => insertAll(load.sql, producers, events, row),
  };
  await ways.own();
  acks.length = 0;
  receipts.length = 0;
  for (let round = 0; round < rounds; round += 1) {
    const order = ['own', 'single', 'pooled'] as const;
    const rates = { own: 0, single: 0, pooled: 0 };
    for (const way of round % 2 === 0 ? order : order.toReversed()) rates[way] = await ways[way]();
    measured.push(rates);
  }
  return { rounds: measured, acks: sorted(acks), receipts: sorted(receipts) };
}

/** One event in so many asks for its receipt. */
const ASKED = 20;

async function recordAll(
  { audit, cth }: LoadLog,
  producers: number,
  events: number,
  { acks, receipts }: { acks: number[]; receipts: number[] },
): Promise<number> {
  const begun = clock.monotonic();
  let left = events;
  const asked: Promise<void>[] = [];
  let last = '';
  const produce = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const count = left;
      const from = clock.monotonic();
      const { id } = await audit.record(decision({ cth }));
      acks.push(clock.monotonic() - from);
      last = id;
      if (count % ASKED === 0)
        asked.push(
          audit
            .receipt(`rcp_${id.slice(4)}`, 60_000)
            .then(() => void receipts.push(clock.monotonic() - from)),
        );
    }
  };
  await Promise.all(Array.from({ length: producers }, produce));
  await audit.receipt(`rcp_${last.slice(4)}`, 60_000);
  const rate = events / ((clock.monotonic() - begun) / 1000);
  await Promise.all(asked);
  return rate;
}

interface SampleRow {
  readonly event: string;
  readonly disclosures: string | null;
}

async function sampleRow({ audit, sql, cth }: LoadLog): Promise<SampleRow> {
  const { index } = await audit.record(decision({ cth }));
  const [row] = await sql.query<SampleRow>('SELECT event, disclosures FROM audit_event WHERE idx = $1', [
    index,
  ]);
  return row ?? { event: '', disclosures: null };
}

const INSERT = {
  name: 'single_row',
  text: 'INSERT INTO single_row (id, event, disclosures) VALUES ($1, $2, $3)',
};

async function insertAll(
  sql: Sql,
  producers: number,
  rows: number,
  { event, disclosures }: SampleRow,
): Promise<number> {
  const begun = clock.monotonic();
  let left = rows;
  const produce = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await sql.query(INSERT, [newUuid(), event, disclosures]);
    }
  };
  await Promise.all(Array.from({ length: producers }, produce));
  return rows / ((clock.monotonic() - begun) / 1000);
}

/** Values that so many of all do not exceed. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

export function sorted(values: readonly number[]): Percentiles {
  const ordered = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}
