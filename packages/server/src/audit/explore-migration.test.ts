import type { EventFilter } from '@talosprotocol/contracts';
import { attenuate, createSigner, issueCapability } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../platform/migrations.js';
import type { Sql, SqlValue } from '../platform/sql.js';
import { clock, random } from '../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../platform/testing/database.js';
import type { AuditDraft } from './draft.js';
import { type Conditions, conditionsOf } from './explorer/conditions.js';
import { AUDIT_MIGRATIONS } from './migrations.js';
import { createAudit } from './service.js';
import {
  ADMIN,
  type AuditWorld,
  agent,
  auditDeps,
  chainDraft,
  decision,
  gateway,
  newUuid,
  openAuditWorld,
  outcome,
} from './testing/room.js';

const crypto = createNodeCrypto();

let world: AuditWorld;
let old: TestDatabase;

beforeAll(async () => {
  world = await openAuditWorld();
  old = await openTestDatabase();
});
afterAll(async () => {
  await world.close();
  await old.close();
});

const ENDS = Math.floor(clock.now() / 1000) + 7_200;
const grants = [{ scope: 'tool:files', ops: ['read' as const, 'write' as const] }];
const deps = { crypto, now: () => Math.floor(clock.now() / 1000), randomBytes: random };
const organisation = createSigner(random(32), crypto);
const root = issueCapability(
  { sub: gateway.did, aud: [gateway.did], grants, exp: ENDS, dlg: 1, prn: 'somebody' },
  organisation,
  deps,
);
const leaf = attenuate(root, { sub: agent.did, grants, exp: ENDS - 60 }, gateway, deps);

const own = { tenant: 'default', principal: null, disclosures: [] } as const;

/** One event of every kind by which something is found. */
async function record(sql: Sql, tiles: string): Promise<void> {
  const audit = createAudit(auditDeps(sql, tiles));
  await audit.start();
  for (const { cth, chain } of [leaf, root]) await audit.record(chainDraft(cth, chain));
  const [deep, single] = [leaf.cth, root.cth];
  const called = decision({ op: 'write', cth: deep });
  const write = { ...called, principal: { sub: agent.did, prn: 'somebody' } };
  const end = outcome(write);
  const drafts: AuditDraft[] = [
    write,
    { ...decision({ cth: single }), principal: { sub: gateway.did, prn: 'somebody' } },
    decision({ effect: 'deny', sub: null }),
    { ...end, members: { ...end.members, cost: { amount: 12_500, currency: 'EUR' } } },
    {
      ...own,
      id: `evt_${newUuid()}`,
      type: 'capability.issued',
      members: { cth: deep, lid: 'A'.repeat(43) },
    },
    {
      ...own,
      id: `evt_${newUuid()}`,
      type: 'revocation',
      members: { lid: 'B'.repeat(43), by: 'administrator', revocation: null, chain_hash: null },
    },
    {
      ...own,
      id: `evt_${newUuid()}`,
      type: 'denials',
      members: {
        source: 'ab'.repeat(16),
        code: 'RATE_LIMITED',
        minute: '2026-01-02T03:04:00.000Z',
        count: 7,
      },
    },
    outcome(decision({ op: 'read' })),
  ];
  for (const draft of drafts) await audit.record(draft as never).catch(() => undefined);
  await audit.eraseEvent(write.id, ADMIN);
  await audit.stop();
}

/** Writes the rows as they were before: one table, and one for what is disclosed. */
async function writeOldRows(from: Sql, to: Sql): Promise<void> {
  const rows = await from.query<Record<string, SqlValue>>(
    `SELECT e.idx, e.id, e.event::json->>'type' AS type,
       substr(coalesce(e.event::json->>'request', ''), 5) AS request, o.decision, c.cth, e.event, e.disclosures
     FROM audit_event e LEFT JOIN audit_outcome o USING (idx) LEFT JOIN audit_chain c USING (idx) ORDER BY idx`,
  );
  for (const { idx, id, type, request, decision: of, cth, event, disclosures } of rows) {
    await to.query('INSERT INTO audit_event VALUES ($1, $2, $3, $4, $5, $6, $7)', [
      idx!,
      id!,
      type!,
      request === '' ? null : request!,
      of!,
      cth!,
      event!,
    ]);
    if (disclosures !== null)
      await to.query('INSERT INTO audit_disclosure VALUES ($1, $2)', [idx!, disclosures!]);
  }
}

const TABLES = [
  'audit_id',
  'audit_outcome',
  'audit_chain',
  'audit_link',
  'audit_facet',
  'audit_index',
  'audit_event',
];

const tableOf = (sql: Sql, table: string) => sql.query(`SELECT * FROM ${table} t ORDER BY t::text`);

describe('a log of before', () => {
  it('has the same rows after the step as if it had been written after it', async () => {
    await record(world.sql, await world.fresh());
    await migrate(
      old.sql,
      AUDIT_MIGRATIONS.filter(({ room, number }) => room === 'audit' && number < 4),
    );
    await writeOldRows(world.sql, old.sql);
    await migrate(old.sql, AUDIT_MIGRATIONS);
    for (const table of TABLES) {
      const expected = await tableOf(world.sql, table);
      expect(expected.length, table).toBeGreaterThan(0);
      expect(await tableOf(old.sql, table), table).toEqual(expected);
    }
    const found = await old.sql.query(
      `SELECT f.type, f.sub, c.sub AS holder, c.prn, c.exp, f.currency, f.digits
       FROM audit_facet f LEFT JOIN audit_chain c ON c.idx = f.chain`,
    );
    const priced = { currency: 'EUR', digits: 5 };
    const deep = { holder: agent.did, prn: 'somebody', exp: ENDS - 60 };
    expect(found).toContainEqual({ type: 'outcome', sub: agent.did, ...deep, ...priced });
    const single = { holder: gateway.did, prn: 'somebody', exp: ENDS };
    expect(found).toContainEqual({ type: 'chain', sub: null, ...single, currency: null, digits: null });
  });
});

const asked = { tool: 'files', currency: 'EUR', min_cost: 500 };

// AUD-65
describe('facets', () => {
  it.each<[string, EventFilter]>([
    ['audit_facet_code_chain', { code: 'EXPIRED' }],
    ['audit_facet_code_chain', { code: 'EXPIRED', capability: 'A'.repeat(43) }],
    ['audit_facet_tool_price', asked],
    ['audit_facet_tool_price', { ...asked, server: 'files' }],
  ])('are listed by the tree %s alone, without a look at the table: %o', async (tree, filter) => {
    const { select, values } = conditionsOf(filter) as Conditions;
    const plan = await world.sql.transaction(async (tx) => {
      // Nothing else is left to take, whatever is in the table.
      for (const way of ['seqscan', 'bitmapscan', 'indexscan'])
        await tx.query(`SET LOCAL enable_${way} = off`);
      return tx.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${select}`, [...values, 100]);
    });
    expect(plan.map((row) => row['QUERY PLAN']).join()).toContain(`Index Only Scan using ${tree}`);
  });
});
