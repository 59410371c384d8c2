import { MAX_POLICIES, type PolicyAnchors } from '@talosprotocol/contracts';
import { canonicalize, TrustError } from '@talosprotocol/protocol';
import type { Queries } from '../platform/sql.js';
import type { AuditDeps } from './deps.js';

/** A policy as the log knows it: its hash (AUD-9) and anchors. */
export type PolicyInForce = ReturnType<AuditDeps['policy']>;

/** The anchors of every policy that was ever in force: what a decision is held against is that of its own policy,
 *  however talos.yaml reads today (AUD-19). */
export interface PolicyHistory {
  /** Resolves when it is durable. To be called before anything is decided under the policy.
   *  @throws {TrustError} SETTINGS_INVALID: no trust file could hold one more; LOG_CORRUPT | UNAVAILABLE | DISK_FULL */
  record(policy: PolicyInForce): Promise<void>;
  all(): Promise<PolicyAnchors[]>;
}

/** Together with the anchors in force, of a talos.yaml of 1 MiB, these make a trust file that is read (AUD-19). */
const MAX_BYTES = 2_883_584;
/** Of an entry: its hash, names of members, brackets. */
const ENTRY_BYTES = 96;

/** Builds the history over the table of `AUDIT_MIGRATIONS`. */
export function createPolicyHistory(sql: Queries): PolicyHistory {
  const find = async (hash: string): Promise<Row | undefined> => {
    const [row] = await sql.query<Row>('SELECT hash, anchors FROM audit_policy WHERE hash = $1', [hash]);
    return row;
  };
  return {
    record: async ({ hash, anchors }) => {
      const text = canonicalize(anchors);
      const known = await find(hash);
      if (known !== undefined) return assertSame(known, text);
      await assertRoom(sql, Buffer.byteLength(text));
      // Nodes that read the same talos.yaml record it at the same time: it counts what is there then.
      await sql.query('INSERT INTO audit_policy (hash, anchors) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
        hash,
        text,
      ]);
      assertSame((await find(hash)) ?? { hash, anchors: '' }, text);
    },
    all: async () => {
      const rows = await sql.query<Row>('SELECT hash, anchors FROM audit_policy ORDER BY hash');
      return rows.map(({ hash, anchors }) => ({
        policy: hash,
        anchors: JSON.parse(anchors) as PolicyAnchors['anchors'],
      }));
    },
  };
}

interface Row {
  readonly hash: string;
  readonly anchors: string;
}

/** The hash covers the anchors: the same one with others is a row that somebody changed. */
function assertSame(known: Row, anchors: string): void {
  if (known.anchors === anchors) return;
  throw new TrustError('LOG_CORRUPT', `the policy ${known.hash} is recorded with other anchors`);
}

async function assertRoom(sql: Queries, more: number): Promise<void> {
  const [used] = await sql.query<{ count: number; bytes: number }>(
    `SELECT count(*) AS count, coalesce(sum(octet_length(anchors) + ${ENTRY_BYTES}), 0)::bigint AS bytes
      FROM audit_policy`,
  );
  const { count = 0, bytes = 0 } = used ?? {};
  if (count < MAX_POLICIES && bytes + more + ENTRY_BYTES <= MAX_BYTES) return;
  throw new TrustError(
    'SETTINGS_INVALID',
    `the log has seen ${count} policies, and no trust file holds more`,
    {
      hint: 'go back to a policy it has seen, or begin a new log in a data folder of its own',
    },
  );
}
