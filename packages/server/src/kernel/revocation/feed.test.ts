import { createSigner, signFeedEntry, signFeedHeartbeat } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { openSession } from '../testing/agent.js';
import { crypto, issueTo, openWorld, type World } from '../testing/kernel-world.js';
import { parseAnnouncement } from './announcement.js';
import { onlyOnce } from './only-once.js';

let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(async () => {
  world = await openWorld(database.sql);
});
afterEach(() => world?.close());

const attacker = createSigner(random(32), crypto);
const LID = `${'f'.repeat(42)}A`;
const notify = (payload: unknown) =>
  database.sql.query('SELECT pg_notify($1, $2)', [
    'talos_revocation',
    typeof payload === 'string' ? payload : JSON.stringify(payload),
  ]);
const opens = async () => {
  const { answer } = await openSession(world, issueTo(world));
  return answer.status === 201 ? 'opens' : answer.body.code;
};

describe('the feed in the database', () => {
  it('REV-9 a start waits for a new heartbeat: the last one of a node that was killed is soon too old', async () => {
    await world.close();
    await database.sql.query("UPDATE kernel_revocation_head SET beat_at = beat_at - interval '4500 ms'");
    world = await openWorld(database.sql, world);
    world.time.monotonic += 1_000;
    expect(world.kernel.checks['revocations']).not.toThrow();
  });

  it('REV-9 is heard on after the clock of the leader was set', async () => {
    for (const step of [8_000, -16_000]) {
      world.time.now += step;
      for (let n = 0; n < 10; n++) {
        world.time.now += 1_000;
        world.time.monotonic += 1_000;
        await world.kernel.poll();
      }
      expect(world.kernel.checks['revocations']).not.toThrow();
    }
  });

  it('REV-8 what whoever reaches the database announces is nothing without the signature', async () => {
    const { did: iss } = world.organisation;
    const beat = { time: world.time.now, epoch: 9, beat: 9, n: 0, hash: null };
    const forged = signFeedHeartbeat(beat, attacker);
    for (const payload of [
      '',
      '{',
      '[]',
      'null',
      { iss },
      { iss, n: 'x' },
      { iss, n: 999 },
      { iss, heartbeat: forged },
    ])
      await notify(payload);
    world.time.monotonic += 5_001;
    expect(world.kernel.checks['revocations']).toThrow();
    await world.kernel.poll();
    expect(await opens()).toBe('opens');
  });

  it('REV-8 an entry that somebody wrote into the table silences the feed, and is not put in force', async () => {
    const { did: iss } = world.organisation;
    const entry = signFeedEntry({ n: 0, hash: null }, { iat: 1, item: { lid: LID } }, attacker);
    await database.sql.query(
      'INSERT INTO kernel_revocation_feed (iss, n, entry, added_at) VALUES ($1, 1, $2, 0)',
      [iss, entry],
    );
    await expect(world.kernel.poll()).rejects.toMatchObject({ data: { caveat: 'forged' } });
    world.time.monotonic += 60_001;
    expect(await opens()).toBe('UNAVAILABLE');
    expect((await world.get(`/talos/v1/capabilities/${LID}/status`)).body.state).toBe('unknown');
  });

  it('REV-8 entries taken out of the table are a rollback: silence, and what is in force stays', async () => {
    const { did: iss } = world.organisation;
    const { agent, chain } = issueTo(world);
    await world.post('/talos/v1/revocations', { lid: chain.leaf.lid }, world.admin);
    await world.kernel.poll();
    const other = await openWorld(database.sql, world);
    await other.close();
    await database.sql.query('DELETE FROM kernel_revocation_feed WHERE iss = $1', [iss]);
    const beat = { time: world.time.now, epoch: 99, beat: 1, n: 0, hash: null };
    await notify({ iss, heartbeat: signFeedHeartbeat(beat, world.organisation) });
    const { answer } = await openSession(world, { agent, chain });
    expect(answer.body.code).toBe('REVOKED');
  });
});

describe('an announcement', () => {
  it('is read as what it is', () => {
    expect(parseAnnouncement('{"iss":"a","n":1}')).toEqual({ iss: 'a', n: 1 });
    expect(parseAnnouncement('{"iss":"a","heartbeat":"b"}')).toEqual({ iss: 'a', heartbeat: 'b' });
    for (const rubbish of ['', '{"n":1}', '{"iss":1,"n":1}', '{"iss":"a"}', '"x"'])
      expect(parseAnnouncement(rubbish)).toBeUndefined();
  });
});

describe('work that runs only once at a time', () => {
  it('runs again for who asks while it runs, also after a failure', async () => {
    const started: (() => void)[] = [];
    let failing = true;
    const run = onlyOnce(async () => {
      await new Promise<void>((resolve) => started.push(resolve));
      if (failing) throw new Error('first');
    });
    const first = run();
    const [second, third] = [run(), run()];
    expect(second).toBe(third);
    started[0]?.();
    await expect(first).rejects.toThrow('first');
    failing = false;
    await expect.poll(() => started.length).toBe(2);
    started[1]?.();
    await expect(second).resolves.toBeUndefined();
  });
});
