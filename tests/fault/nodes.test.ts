import { createAgent } from '@talosprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { callOnce, connect, type Outcome } from '../support/mcp-clients.js';
import { journalLines, operateOn, useNodes } from '../support/nodes.js';
import { wholeLog } from '../support/own-platforms.js';
import type { RolesProcess } from '../support/platform-process.js';
import { castOf, crypto, type Operator } from '../support/world.js';

const { start, startThree } = useNodes();

const ODD = [{ scope: 'tool:odd', ops: ['read' as const, 'write' as const] }];
const gatewayOf = ({ ready }: RolesProcess): string => ready.gateway!;
const credentialOf = ({ agent, agentChain }: Awaited<ReturnType<typeof castOf>>) => ({
  identity: agent,
  chain: agentChain,
});

interface Listed {
  readonly node: number;
  readonly live: boolean;
  readonly seen: number;
}

/** What a call came to: its text, or the code of its refusal. */
const said = (outcome: Outcome): string => outcome.denial?.code ?? (outcome as { text: string }).text;

/** The registry as another node's administrator sees it. */
async function listed({ ready, adminToken }: Operator): Promise<readonly Listed[]> {
  const response = await fetch(`${ready.kernel}/talos/v1/nodes`, {
    headers: { authorization: `Bearer ${adminToken}` },
  });
  return ((await response.json()) as { nodes: Listed[] }).nodes;
}

/** Tries a call until it is answered as `wanted`: 'noted x', or a code. */
const poll = (operator: Operator, cast: Awaited<ReturnType<typeof castOf>>, text: string) =>
  expect.poll(
    async () => {
      return said(await callOnce(operator.ready.gateway, credentialOf(cast), 'odd__note', { text }));
    },
    { interval: 250, timeout: 30_000 },
  );

describe('a node that is killed', { timeout: 120_000 }, () => {
  it('is gone within seconds, its number is free, what it took from limits stays spent, and others go on', async () => {
    const { place, audit, a, b, operator } = await startThree();
    const limits = [{ calls: 100, per: 'total' as const }];
    const cast = await castOf(operator, { docs: '/' }, { grants: ODD, limits });
    expect(said(await callOnce(gatewayOf(a), credentialOf(cast), 'odd__note', { text: 'a' }))).toBe(
      'noted a',
    );
    const used = async () => {
      const rows = await place.database.sql.query<{ used: number }>(
        'SELECT max(used) AS used FROM kernel_ledger',
      );
      return Number(rows[0]?.used);
    };
    const before = await used();
    expect(before).toBeGreaterThan(0);
    await a.end('SIGKILL');
    const left = await operateOn(b, audit);
    expect(said(await callOnce(gatewayOf(b), credentialOf(cast), 'odd__note', { text: 'b' }))).toBe(
      'noted b',
    );
    await expect
      .poll(async () => (await listed(left)).find(({ node }) => node === a.ready.node)?.live, {
        timeout: 8_000,
      })
      .toBe(false);
    expect(await used()).toBeGreaterThan(before);
    const next = await start(place, 'kernel,gateway');
    expect(next.ready.node).toBe(a.ready.node);
    expect(said(await callOnce(gatewayOf(next), credentialOf(cast), 'odd__note', { text: 'c' }))).toBe(
      'noted c',
    );
    expect(journalLines(place, 'note ')).toHaveLength(3);
  });

  it('in the middle of a write leaves a lost outcome once its run is over, and no second execution', async () => {
    const { place, audit, a, b, operator } = await startThree();
    const cast = await castOf(operator, { docs: '/' }, { grants: ODD });
    const requests: RequestInit[] = [];
    const wire: typeof fetch = (input, init = {}) => {
      requests.push(init);
      return fetch(input, init);
    };
    const agent = createAgent({
      ...credentialOf(cast),
      capability: cast.agentChain,
      gateway: gatewayOf(a),
      fetch: wire,
      crypto,
    });
    const call = agent.fetch(`${gatewayOf(a)}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'odd__slow', arguments: { ms: 15_000 } },
      }),
    });
    call.catch(() => undefined);
    await expect.poll(() => journalLines(place, 'slow').length).toBe(1);
    await a.end('SIGKILL');
    await call.catch(() => undefined);
    // The number gets a new run: then the old one is over for sure.
    await start(place, 'kernel,gateway');
    const left = await operateOn(b, audit);
    await expect
      .poll(async () => (await wholeLog(left)).events.filter(({ type }) => type === 'outcome'), {
        timeout: 15_000,
      })
      .toMatchObject([{ status: 'lost' }]);
    expect(journalLines(place, 'slow')).toHaveLength(1);
  });
});

describe('the audit process that is killed', { timeout: 120_000 }, () => {
  it('stops every call on every node; another one goes on with the same log', async () => {
    const { place, audit, a, b, operator } = await startThree();
    const cast = await castOf(operator, { docs: '/' }, { grants: ODD });
    const caller = await connect(gatewayOf(a), credentialOf(cast));
    expect(said(await caller.call('odd__note', { text: 'before' }))).toBe('noted before');
    await audit.end('SIGKILL');
    for (const gateway of [gatewayOf(a), gatewayOf(b)]) {
      const outcome = await callOnce(gateway, credentialOf(cast), 'odd__note', { text: 'never' }).catch(
        () => ({
          denial: { code: 'UNAVAILABLE' },
        }),
      );
      expect(outcome.denial?.code).toBe('UNAVAILABLE');
    }
    const again = await start(place, 'audit');
    const next = await operateOn(a, again);
    await poll(next, cast, 'after').toBe('noted after');
    await caller.close();
    expect(journalLines(place, 'note never')).toHaveLength(0);
    const { events } = await wholeLog(next);
    expect(events.filter(({ type }) => type === 'log.opened')).toHaveLength(2);
  });
});

describe('a node that ends well', { timeout: 120_000 }, () => {
  it('gives its number back at once, and nothing it accepted is missing in the log', async () => {
    const { audit, a, b, operator } = await startThree();
    const cast = await castOf(operator, { docs: '/' }, { grants: ODD });
    await callOnce(gatewayOf(a), credentialOf(cast), 'odd__note', { text: 'x' });
    expect((await a.end('SIGTERM')).code).toBe(0);
    const left = await operateOn(b, audit);
    expect((await listed(left)).find(({ node }) => node === a.ready.node)?.live).toBe(false);
    const { events } = await wholeLog(left);
    expect(events.filter(({ type }) => type === 'outcome')).toMatchObject([{ status: 'completed' }]);
  });
});
