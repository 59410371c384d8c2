import type { BelowRole, FeedItem, RevokedBy } from '@talosprotocol/contracts';
import { type FeedHead, TrustError } from '@talosprotocol/protocol';
import type { Queries, Sql } from '../../platform/sql.js';
import { announce, appendEntry, readHead } from './feed-store.js';
import { type Counted, itemOf, nameOf, type Revocation, type RevocationTarget } from './revocation.js';

/** Signs the entry that follows `head`. */
export type SignEntry = (head: FeedHead, item: FeedItem) => { readonly entry: string; readonly hash: string };

/** The feed new revocations go into. */
export interface FeedWriter {
  readonly iss: string;
  readonly sign: SignEntry;
}

/** The revocations' SQL. */
export interface RevocationStore {
  /** Keeps a revocation, its entry in the feed and, by `keep`, what else belongs to it, in one transaction; gives the one
   *  that was there before if there is one of that name, and keeps nothing.
   *  @throws {TrustError} RATE_LIMITED: too many are kept below its root or branch */
  addRevocation(
    revocation: Revocation,
    feed: FeedWriter,
    keep: (tx: Queries) => Promise<void>,
  ): Promise<Revocation>;
  findRevocation(target: RevocationTarget): Promise<Revocation | undefined>;
  /** All in force, and where the feed stood at that moment. */
  readSnapshot(iss: string): Promise<{ readonly head: FeedHead; readonly items: readonly FeedItem[] }>;
  /** Forgets what has expired before `exp` (Unix seconds), but nothing that by the clock of the database has expired for less than
   *  `KEPT_SECONDS`; gives the moment before which it did. */
  forgetRevocations(exp: number): Promise<number>;
}

/** Most revocations that holders below one root, and below one branch of it, have in force. */
export const REVOCATION_BOUNDS = { root: 4_096, branch: 512 } as const;

/** How long a revocation outlives what it refuses, in seconds: more than any two clocks differ. */
export const KEPT_SECONDS = 86_400;

/** 'revoke' in ASCII. */
const REVOKE_LOCK = 0x7265766f6b65;

interface RevocationRow {
  readonly name: string;
  readonly below: string | null;
  readonly role: BelowRole | null;
  readonly point: string | null;
  readonly revoked_by: RevokedBy;
  readonly revocation: string | null;
  readonly revoked_at: number;
  readonly exp: number | null;
}

function toRevocation(row: RevocationRow): Revocation {
  const { revoked_by, revocation, revoked_at, exp } = row;
  return { target: toTarget(row), by: revoked_by, revocation, at: revoked_at, exp };
}

function toTarget({ name, below, role, point }: RevocationRow): RevocationTarget {
  return below === null || role === null ? { lid: name } : { rule: { below, as: role, point } };
}

/** Builds it. `now` is the moment by the clock of the database, in SQL. */
export function createRevocationStore(sql: Sql, now = 'now()'): RevocationStore {
  return {
    addRevocation: (revocation, feed, keep) =>
      sql.transaction(async (tx) => {
        const kept = await addRevocation(tx, revocation, feed);
        if (kept === revocation) await keep(tx);
        return kept;
      }),
    findRevocation: (target) => findByName(sql, nameOf(target)),
    readSnapshot: (iss) =>
      sql.transaction(async (tx) => {
        const { n, hash } = await readHead(tx, iss);
        const rows = await tx.query<RevocationRow>('SELECT * FROM kernel_revocation ORDER BY number');
        return { head: { n, hash }, items: rows.map(toRevocation).map(itemOf) };
      }, 'repeatable read'),
    forgetRevocations: async (exp) => {
      const [row] = await sql.query<{ before: number }>(
        `SELECT least($1::bigint, extract(epoch FROM ${now})::bigint - $2) AS before`,
        [exp, KEPT_SECONDS],
      );
      const before = row?.before ?? 0;
      await sql.query('DELETE FROM kernel_revocation WHERE exp < $1', [before]);
      return before;
    },
  };
}

async function findByName(queries: Queries, name: string): Promise<Revocation | undefined> {
  const [row] = await queries.query<RevocationRow>('SELECT * FROM kernel_revocation WHERE name = $1', [name]);
  return row === undefined ? undefined : toRevocation(row);
}

/** Numbered under a lock that is held until the commit: a reader who has seen a number has seen all before it. */
async function addRevocation(tx: Queries, revocation: Revocation, feed: FeedWriter): Promise<Revocation> {
  const { target, by, revocation: jws, at, exp, counted } = revocation;
  await tx.query('SELECT pg_advisory_xact_lock($1)', [REVOKE_LOCK]);
  const name = nameOf(target);
  const known = await findByName(tx, name);
  if (known !== undefined) return known;
  if (counted !== undefined) await assertRoom(tx, counted);
  const rule = 'rule' in target ? target.rule : { below: null, as: null, point: null };
  await tx.query(
    `INSERT INTO kernel_revocation
       (number, name, below, role, point, revoked_by, revocation, revoked_at, exp, root, branch)
     SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM kernel_revocation`,
    [name, rule.below, rule.as, rule.point, by, jws, at, exp, counted?.root ?? null, counted?.branch ?? null],
  );
  const head = await readHead(tx, feed.iss);
  const { entry, hash } = feed.sign(head, itemOf(revocation));
  await appendEntry(tx, { iss: feed.iss, n: head.n + 1, hash, entry, at });
  await announce(tx, { iss: feed.iss, n: head.n + 1 });
  return revocation;
}

async function assertRoom(tx: Queries, { root, branch }: Counted): Promise<void> {
  const [row] = await tx.query<{ in_root: number; in_branch: number }>(
    `SELECT count(*) AS in_root, count(*) FILTER (WHERE branch = $2) AS in_branch
     FROM kernel_revocation WHERE root = $1`,
    [root, branch],
  );
  const { in_root = 0, in_branch = 0 } = row ?? {};
  if (in_root < REVOCATION_BOUNDS.root && in_branch < REVOCATION_BOUNDS.branch) return;
  throw new TrustError('RATE_LIMITED', 'too many revocations by holders are in force below one link', {
    link: in_branch < REVOCATION_BOUNDS.branch ? 1 : 2,
    hint: 'Revoke a link further up, or below its subject: that takes all below it at once. The issuer of the root and an administrator always may.',
  });
}
