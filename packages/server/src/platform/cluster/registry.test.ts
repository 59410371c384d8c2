import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../migrations.js';
import { createSql, type Sql } from '../sql.js';
import { clock } from '../system.js';
import { openTestDatabase, type TestDatabase } from '../testing/database.js';
import { createTestLog } from '../testing/test-log.js';
import { CLUSTER_MIGRATIONS } from './migrations.js';
import { joinCluster, type NodeRegistry } from './registry.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, CLUSTER_MIGRATIONS);
});
afterAll(() => database?.close());

const FACTS = { gateway: 'did:key:zA', services: ['kernel', 'gateway'], version: '1' };
const open: { sql: Sql; registry: NodeRegistry }[] = [];

/** A node, as one in a process of its own. */
async function join(facts = FACTS): Promise<NodeRegistry> {
  const sql = createSql({ address: database.address, poolSize: 2 });
  const registry = await joinCluster({ sql, clock, log: createTestLog() }, facts).catch(
    async (error: unknown) => {
      await sql.close();
      throw error;
    },
  );
  open.push({ sql, registry });
  return registry;
}

beforeEach(() => database.sql.query('TRUNCATE cluster_node'));
afterEach(async () => {
  for (const { sql, registry } of open.splice(0)) {
    await registry.close();
    await sql.close();
  }
});

describe('the registry of nodes (SES-19)', () => {
  it('gives every process a number of its own, also when all start at once', async () => {
    const nodes = await Promise.all(Array.from({ length: 8 }, () => join()));
    const numbers = nodes.map(({ self }) => self.node).sort((a, b) => a - b);
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('gives a number that is free to the next one, as another boot', async () => {
    const first = await join();
    await join();
    await first.close();
    const { self } = await join();
    expect(self).toEqual({ node: first.self.node, boot: first.self.boot + 1 });
  });

  it('finds the others once they say where they are called, and no more when they end', async () => {
    const [a, b] = [await join(), await join()];
    expect(await a.find(b.self)).toBeUndefined();
    await b.announce('http://127.0.0.1:9');
    expect(await a.find(b.self)).toMatchObject({
      ...b.self,
      url: 'http://127.0.0.1:9',
      services: FACTS.services,
    });
    expect(await a.find({ ...b.self, boot: b.self.boot + 1 })).toBeUndefined();
    expect(await a.find({ node: 77, boot: 1 })).toBeUndefined();
    expect(await a.find({ node: 4_294_967_295, boot: 1 })).toBeUndefined();
    await b.close();
    expect((await a.all()).find(({ node }) => node === b.self.node)).toMatchObject({
      live: false,
      url: null,
    });
    expect(await a.find(b.self)).toBeUndefined();
  });

  it('takes one that nobody answers for as gone until it is seen anew', async () => {
    const [a, b] = [await join(), await join()];
    await b.announce('http://127.0.0.1:9');
    await a.find(b.self);
    a.suspect(b.self);
    expect(a.live().map(({ node }) => node)).not.toContain(b.self.node);
    await expect.poll(async () => (await a.find(b.self))?.node).toBe(b.self.node);
  });

  it('refuses a process with another key while others live', async () => {
    await join();
    const other = join({ ...FACTS, gateway: 'did:key:zB' });
    await expect(other).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
  });

  it('takes its number again when its connection broke', async () => {
    const { self, assertHeld } = await join();
    await breakSessions();
    await expect.poll(() => heldOf(assertHeld)).toBe(false);
    await expect.poll(() => heldOf(assertHeld)).toBe(true);
    expect((await join()).self.node).not.toBe(self.node);
  });

  it('ends a run whose number another process took meanwhile: no two have the same number and boot', async () => {
    const first = await join();
    await database.sql.query('UPDATE cluster_node SET boot = boot + 1');
    await first.lost;
    expect(first.self.boot).toBe(1);
  });
});

function heldOf(assert: () => void): boolean {
  try {
    assert();
    return true;
  } catch {
    return false;
  }
}

/** Ends every session that holds the number of a node. */
async function breakSessions(): Promise<void> {
  await database.sql.query(
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1",
    [0x6e6f6465],
  );
}
