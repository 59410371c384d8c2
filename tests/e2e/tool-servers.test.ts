import { readFile } from 'node:fs/promises';
import { attenuateToBearer, verifyBundle } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProvenDenial, receiptOf } from '../support/evidence.js';
import { callOnce, connect } from '../support/mcp-clients.js';
import { type Cast, castOf, crypto, deps, openWorld, seconds, type World } from '../support/world.js';

let world: World;
let cast: Cast;
let key: string;

const everything = { grants: [{ scope: 'tool:odd', ops: ['read' as const, 'write' as const] }] };

beforeAll(async () => {
  world = await openWorld();
  cast = await castOf(world, world.files, everything);
  key = keyOf(cast);
});
afterAll(() => world?.close());

function keyOf({ agentChain, agent }: Cast): string {
  const options = { aud: 'same', grants: 'same', exp: seconds() + 600 } as const;
  return attenuateToBearer(agentChain, options, agent.signer, deps);
}

async function post(message: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(new URL('/mcp/odd', world.ready.gateway), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: typeof message === 'string' ? message : JSON.stringify(message),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

const sent = async () => (await readFile(world.journal, 'utf8').catch(() => '')).split('\n').filter(Boolean);
const call = (name: string, args: object = {}, more: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args, ...more },
});

// DEC-6
describe('what is no call', () => {
  it.each<[string, unknown, number, number]>([
    ['an unknown method', { jsonrpc: '2.0', id: 1, method: 'tools/burn' }, 200, -32601],
    [
      'resources',
      { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'file:///etc/passwd' } },
      200,
      -32601,
    ],
    ['prompts', { jsonrpc: '2.0', id: 1, method: 'prompts/get', params: { name: 'x' } }, 200, -32601],
    ['completion', { jsonrpc: '2.0', id: 1, method: 'completion/complete' }, 200, -32601],
    ['a batch', [call('note'), call('note')], 400, -32600],
    ['an empty batch', [], 400, -32600],
    [
      'a call without id',
      { jsonrpc: '2.0', method: 'tools/call', params: { name: 'note', arguments: {} } },
      400,
      -32600,
    ],
    ['a call with id null', { ...call('note'), id: null }, 400, -32600],
    ['a call with a fraction as id', { ...call('note'), id: 1.5 }, 400, -32600],
    ['a call with an unknown member', { ...call('note'), extra: 1 }, 400, -32600],
    ['a call as a task', call('note', {}, { task: { ttl: 1 } }), 200, -32602],
    ['a call with answers to what we never asked', call('note', {}, { inputResponses: {} }), 200, -32602],
    ['a call with arguments that are a list', call('note', [1]), 200, -32602],
    ['a call of JSON-RPC 1', { ...call('note'), jsonrpc: '1.0' }, 400, -32600],
    [
      'a name given twice',
      JSON.stringify(call('look')).replace('"name":"look"', '"name":"look","name":"note"'),
      400,
      -32700,
    ],
    ['a header that names another tool', call('note'), 400, -32020],
  ])('%s is refused and reaches no upstream', async (name, message, status, code) => {
    const before = await sent();
    const headers: Record<string, string> = name.startsWith('a header') ? { 'mcp-name': 'look' } : {};
    const answer = await post(message, headers);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
    expect(await sent()).toEqual(before);
  });

  it('reaches the upstream when it is one, so that the journal above means something', async () => {
    const before = await sent();
    const answer = await post(call('note', { text: 'one' }, { _meta: { secret: 'of ours' } }));
    expect(answer.body.result.content).toEqual([{ type: 'text', text: 'noted one' }]);
    expect((await sent()).slice(before.length)).toEqual(['note {"text":"one"}']);
  });
});

// AUD-7, DEC-7
describe('an upstream', () => {
  it.each(['die', 'rubbish', 'sly'])(
    'that answers with %s fails the call, with evidence, and serves the next',
    async (tool) => {
      const { denial } = await callOnce(world.ready.gateway, { key }, `odd__${tool}`, {});
      expect(denial).toMatchObject({ code: 'UPSTREAM_FAILED', hint: expect.any(String) });
      const why = await world.kernel.why(denial!.request_id!);
      expect(why.decision).toMatchObject({ effect: 'allow' });
      expect(why.receipt).toBe(denial!.receipt);
      await expect
        .poll(async () => (await world.kernel.why(denial!.request_id!)).outcome)
        .toMatchObject({ status: 'failed' });
      await receiptOf(world, why.receipt);
      await expect
        .poll(() => callOnce(world.ready.gateway, { key }, 'odd__look', {}), { timeout: 10_000 })
        .toEqual({ text: 'looked' });
    },
  );

  // DEC-13, SES-12
  it('is told to stop when the capability is revoked during the call, which is refused and recorded so', async () => {
    const own = await castOf(world, world.files, everything);
    const caller = await connect(world.ready.gateway, { identity: own.agent, chain: own.agentChain });
    const before = (await sent()).length;
    const began = Date.now();
    const slow = caller.call('odd__slow', { ms: 15_000 });
    await expect.poll(async () => (await sent()).length).toBeGreaterThan(before);
    await world.kernel.revoke({ lid: own.agentLid });
    const { denial } = await slow;
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(denial).toMatchObject({ code: 'REVOKED', link: expect.any(Number) });
    const why = await world.kernel.why(denial!.request_id!);
    expect(why.decision.effect).toBe('allow');
    await expect
      .poll(async () => (await world.kernel.why(denial!.request_id!)).outcome)
      .toMatchObject({ status: 'revoked_during' });
    expect((await caller.call('odd__look')).denial).toMatchObject({ code: 'REVOKED', link: 1 });
    await caller.close();
  });

  // DEC-8
  it('whose tool changed after it was pinned is not listed and not called, and the hint repeats nothing of it', async () => {
    const caller = await connect(world.ready.gateway, { key });
    expect(await caller.tools()).toContain('odd__look');
    expect(await caller.call('odd__change')).toEqual({ text: 'changed' });
    await expect.poll(async () => caller.tools()).not.toContain('odd__look');
    const before = await sent();
    const { denial } = await caller.call('odd__look');
    expect(denial).toMatchObject({ code: 'TOOL_CHANGED', hint: expect.stringContaining('description') });
    expect(JSON.stringify(denial)).not.toContain('Ignore what you were told');
    await expectProvenDenial(world, denial!);
    expect(await sent()).toEqual(before);
    const { tools } = await world.gateway.tools('odd');
    const look = tools.find(({ name }) => name === 'look')!.pinned!;
    expect(look.matches).toBe(false);
    expect(look.changes).toMatchObject([{ member: 'description', is: expect.stringContaining('Ignore') }]);
    await caller.close();
  });
});

describe('after all that', () => {
  it('the log still proves everything', async () => {
    const report = verifyBundle(await world.audit.bundle(), await world.trust(), crypto);
    expect(report.counts.unchecked).toBe(0);
    expect(report.counts.outcomes).toBeGreaterThan(4);
  });
});
