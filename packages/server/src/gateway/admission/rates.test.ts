import type { Grant, RateRule, ToolManifest } from '@talosprotocol/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { compileRates } from '../limits/rules.js';
import { nastyServer } from '../mcp/upstream/testing/deps.js';
import { issueKey, openWorld, type World } from '../testing/world.js';

const read: ToolManifest = { op: 'read', resources: [] };
const { command, args } = nastyServer('plain').run;
const servers = { nasty: { command, args: [...args], callTimeoutSeconds: 1 } };
const GRANTS: Grant[] = [{ scope: 'tool:nasty', ops: ['read', 'write'] }];

let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await openTestDatabase();
  world = await openWorld(database, servers, { nasty: { count: read, silent: read } });
});
afterEach(() => limit());
afterAll(async () => {
  await world?.close();
  await database?.close();
});

const limit = (...rules: RateRule[]) =>
  world.setPolicy((policy) => ({ ...policy, rates: compileRates(rules) }));

async function call(key: string, tool = 'count') {
  const response = await fetch(world.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: `nasty__${tool}`, arguments: {} },
    }),
  });
  const { error } = (await response.json()) as { error?: { data: Record<string, string> } };
  return { status: response.status, headers: response.headers, denial: error?.data };
}

describe('rates of calls of tools', () => {
  it('LIM-5 refuse as a decided denial that says when to come again, and is recorded', async () => {
    limit({ per: 'key', surface: 'mcp', requests: { perMinute: 6, burst: 2 } });
    const key = issueKey(GRANTS);
    const [first, second, third] = [await call(key), await call(key), await call(key)];
    expect([first.denial, second.denial]).toEqual([undefined, undefined]);
    // LIM-7
    expect(first.headers.get('ratelimit-policy')).toBe('"key-requests";q=2;w=20');
    expect(first.headers.get('ratelimit')).toBe('"key-requests";r=1;t=10');
    expect(first.headers.get('retry-after')).toBeNull();
    expect(third.status).toBe(200);
    expect(third.denial).toMatchObject({ code: 'RATE_LIMITED', caveat: '6 requests a minute per key' });
    expect(third.headers.get('retry-after')).toMatch(/^(9|10)$/);
    expect(third.headers.get('ratelimit')).toBe('"key-requests";r=0;t=20');
    expect(third.headers.get('x-talos-receipt')).toBe(third.denial?.['receipt']);
    expect(world.audit.events.at(-1)).toMatchObject({
      id: third.denial?.['receipt']?.replace('rcp_', 'evt_'),
      members: { effect: 'deny', code: 'RATE_LIMITED' },
    });
    // LIM-1: another key has counters of its own.
    expect((await call(issueKey(GRANTS))).denial).toBeUndefined();
  });

  it('LIM-5 come after the grants, so that nobody is told of them who may not call', async () => {
    limit({ per: 'surface', requests: { perMinute: 1 } });
    const other = await call(issueKey([{ scope: 'tool:nasty/method:other', ops: ['read'] }]));
    expect(other.denial).toMatchObject({ code: 'SCOPE_MISMATCH' });
    expect(other.headers.get('ratelimit')).toBeNull();
    const key = issueKey(GRANTS);
    expect((await call(key)).denial).toBeUndefined();
    expect((await call(key)).denial).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('LIM-3 hold a place as long as a call runs', async () => {
    limit({ per: 'key', concurrent: 1 });
    const key = issueKey(GRANTS);
    const running = call(key, 'silent');
    await expect.poll(async () => (await call(key)).denial?.['code']).toBe('RATE_LIMITED');
    const refused = await call(key);
    expect(refused.denial).toMatchObject({ caveat: '1 calls at one time per key' });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await running).denial).toMatchObject({ code: 'UPSTREAM_FAILED' });
    expect((await call(key)).denial).toBeUndefined();
  });

  it('say nothing where there are none', async () => {
    const { headers, denial } = await call(issueKey(GRANTS));
    expect(denial).toBeUndefined();
    expect([...headers.keys()].filter((name) => name.includes('ratelimit'))).toEqual([]);
  });
});
