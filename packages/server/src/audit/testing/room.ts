import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  commit,
  createSigner,
  createUuidv7,
  disclose,
  encodeUtf8,
  issueCapability,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { createLog } from '../../platform/log.js';
import { createMetrics } from '../../platform/metrics/metrics.js';
import { migrate } from '../../platform/migrations.js';
import { createSql, type Sql } from '../../platform/sql.js';
import { clock, random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import type { AuditDeps } from '../deps.js';
import type { AuditDraft } from '../draft.js';
import { AUDIT_MIGRATIONS } from '../migrations.js';
import { DIVIDED } from '../partitions.js';

const crypto = createNodeCrypto();

/** The identities of test logs, from fixed seeds. */
export const gateway = createSigner(new Uint8Array(32).fill(7), crypto);
const logKey = createSigner(new Uint8Array(32).fill(8), crypto);
/** Who erases. */
export const ADMIN = { kind: 'service', id: 'svc_01890000-0000-7000-8000-000000000001', how: 'key' } as const;
export const agent = createSigner(new Uint8Array(32).fill(9), crypto);
const organisation = createSigner(new Uint8Array(32).fill(10), crypto);
const ISSUED = Math.floor(clock.now() / 1000);
const POLICY_HASH = 'ab'.repeat(32);

/** What a test changes. */
export type Changes = Partial<Omit<AuditDeps, 'sql' | 'tiles'>>;

/** Parts of an audit room over a real database. */
export function auditDeps(sql: Sql, tiles: string, changes: Changes = {}): AuditDeps {
  return {
    sql,
    tiles,
    clock,
    random,
    crypto,
    log: createLog({ level: 'silent', format: 'json', clock }),
    metrics: createMetrics(),
    disk: { free: async () => 1e12, assertWritable: async () => undefined },
    origin: 'talos.test/log/default',
    tenant: 'default',
    emitter: gateway.did,
    logKey,
    exporter: gateway,
    addressKey: () => new Uint8Array(32).fill(1),
    policy: () => ({ hash: POLICY_HASH, anchors: [] }),
    ...changes,
  };
}

/** A database for a test file, with a fresh log for each test. */
export interface AuditWorld {
  readonly database: TestDatabase;
  readonly sql: Sql;
  /** Empties the log and gives a new folder for its tiles. */
  fresh(): Promise<string>;
  /** Another pool on the same database. */
  otherSql(): Sql;
  close(): Promise<void>;
}

export async function openAuditWorld(): Promise<AuditWorld> {
  const database = await openTestDatabase();
  const { sql } = database;
  await migrate(sql, AUDIT_MIGRATIONS);
  const folders: string[] = [];
  const others: Sql[] = [];
  return {
    database,
    sql,
    fresh: async () => {
      await dropPartitions(sql);
      await sql.query(`TRUNCATE audit_log, audit_checkpoint, audit_id, audit_outcome, audit_chain, audit_link, audit_facet,
        audit_partition, audit_subject, audit_emitter, audit_owed, audit_policy, audit_erasure, audit_outbox,
        audit_denial, audit_rollup, audit_tally, audit_pruning, audit_anchor, audit_anchor_watch`);
      const tiles = await mkdtemp(join(database.folder.path, 'tiles-'));
      folders.push(tiles);
      return tiles;
    },
    otherSql: () => {
      const other = createSql({ address: database.address });
      others.push(other);
      return other;
    },
    close: async () => {
      for (const other of others) await other.close();
      await database.close();
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A log may divide its rows otherwise than the one before. */
async function dropPartitions(sql: Sql): Promise<void> {
  for (const { lo } of await sql.query<{ lo: number }>('SELECT lo FROM audit_partition')) {
    for (const table of DIVIDED) await sql.query(`DROP TABLE ${table}_${lo}`);
  }
}

export function newUuid(): string {
  return createUuidv7(clock.now(), random(16));
}

interface DecisionChanges {
  readonly id?: string;
  readonly effect?: 'allow' | 'deny';
  readonly op?: 'read' | 'write';
  readonly sub?: string | null;
  readonly cth?: string;
  readonly request?: string;
}

/** A decision as the gateway drafts it. */
export function decision(changes: DecisionChanges = {}): AuditDraft<'decision'> {
  const { effect = 'allow', op = 'read', cth, sub = cth === undefined ? null : agent.did } = changes;
  const salt = random(32);
  const items = [{ scope: 'tool:files/method:read', op }];
  return {
    id: changes.id ?? `evt_${newUuid()}`,
    type: 'decision',
    tenant: 'default',
    principal: sub === null ? null : { sub },
    address: '192.0.2.1',
    disclosures: [disclose('/items', items, salt)],
    members: {
      request: changes.request ?? `req_${newUuid()}`,
      surface: 'mcp',
      effect,
      code: effect === 'deny' ? 'SCOPE_MISMATCH' : null,
      credential: { kind: 'bearer', ...(cth === undefined ? {} : { cth }) },
      action: { method: 'tools/call', server: 'files', tool: 'read', op },
      items: commit('/items', items, salt, crypto),
      request_hash: null,
      forwarded_hash: null,
      refusal: null,
      pin: effect === 'deny' ? null : 'cd'.repeat(32),
      policy: POLICY_HASH,
    },
  };
}

/** The outcome of a decision. */
export function outcome(of: AuditDraft<'decision'>): AuditDraft<'outcome'> {
  return {
    id: `evt_${newUuid()}`,
    type: 'outcome',
    tenant: 'default',
    principal: of.principal,
    disclosures: [],
    members: { request: of.members.request, decision: of.id, status: 'completed', response_hash: null },
  };
}

/** A chain for the agent, or for somebody else, and its hash: another for each name, the same for the same one. */
export function chain(name: string, sub = agent.did): { cth: string; chain: string } {
  const grants = [{ scope: 'tool:files', ops: ['read' as const, 'write' as const] }];
  const issued = issueCapability({ sub, aud: [gateway.did], grants, exp: ISSUED + 3_600 }, organisation, {
    crypto,
    now: () => ISSUED,
    randomBytes: (length) => crypto.sha256(encodeUtf8(name)).slice(0, length),
  });
  return { cth: issued.cth, chain: issued.chain };
}

/** A chain as the kernel drafts it. */
export function chainDraft(cth: string, text: string): AuditDraft<'chain'> {
  const members = { cth, chain: text };
  return {
    id: `evt_${newUuid()}`,
    type: 'chain',
    tenant: 'default',
    principal: null,
    disclosures: [],
    members,
  };
}
