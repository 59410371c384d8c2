import { readFile, writeFile } from 'node:fs/promises';
import type { PolicyDocument } from '@talosprotocol/contracts';
import { attenuateToBearer, parseBearerKey, parseTrustFile, verifyReceipt } from '@talosprotocol/protocol';
import { createAgent, parseRefusal } from '@talosprotocol/sdk';
import { expect, it } from 'vitest';
import { receiptOf } from '../support/evidence.js';
import { keyOf, usePlatforms, wholeLog } from '../support/own-platforms.js';
import { killDuringStart } from '../support/platform-process.js';
import { type Cast, crypto, deps, type Operator, seconds } from '../support/world.js';

const { newPlace, start, startWithTools, program } = usePlatforms();

/** The last second in which a link is accepted is so long after its `exp` (CAP-19, DEC-4). */
const ACCEPTED_AFTER_EXP = 10;

/** A bearer key that is accepted for about `life` seconds more. */
function dyingKey({ agentChain, agent }: Cast, life: number): string {
  const exp = seconds() + life - ACCEPTED_AFTER_EXP;
  const options = { aud: 'same', grants: 'same', exp } as const;
  return attenuateToBearer(agentChain, options, agent.signer, { ...deps, now: () => exp - 60 });
}

type Send = (url: URL, init: RequestInit) => Promise<Response>;

const withKey =
  (key: string): Send =>
  (url, init) =>
    fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } });

/** Everything that has a time rule, all at once, until it is over or the platform is gone. */
function storm(platform: Operator, cast: Cast) {
  const codes = new Map<string, number>();
  const receipts: string[] = [];
  let over = false;
  const ask = async (send: Send, tool: string, args: object): Promise<string> => {
    const params = { name: `odd__${tool}`, arguments: args };
    const response = await send(new URL('/mcp', platform.ready.gateway), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    });
    const code = parseRefusal(await response.text())?.code ?? 'allowed';
    codes.set(code, (codes.get(code) ?? 0) + 1);
    const receipt = response.headers.get('x-talos-receipt');
    if (receipt !== null) receipts.push(receipt);
    return code;
  };
  const call = (...request: Parameters<typeof ask>): Promise<string> =>
    ask(...request).catch(() => {
      over = true;
      return 'the platform is gone';
    });
  const workers: (() => Promise<unknown>)[] = [
    () => call(withKey(keyOf(cast)), 'note', { text: 'steady' }),
    // Up to the very end of a link, in short calls and in one that outlasts it.
    async () => {
      const send = withKey(dyingKey(cast, 2));
      const outlasting = call(send, 'slow', { ms: 3_000 });
      while ((await call(send, 'look', {})) === 'allowed' && !over);
      await outlasting;
    },
    // Revoked while a call runs.
    async () => {
      const key = keyOf(cast);
      const running = call(withKey(key), 'slow', { ms: 300 });
      await platform.kernel.revoke({ lid: parseBearerKey(key, crypto).chain.leaf.lid });
      await Promise.all([running, call(withKey(key), 'note', {})]);
    },
    async () => {
      const { agent: identity, agentChain: capability } = cast;
      const agent = createAgent({ identity, capability, gateway: platform.ready.gateway, crypto });
      for (let i = 0; i < 20 && !over; i += 1) await call(agent.fetch, i % 2 ? 'note' : 'look', {});
    },
    () => changePolicy(platform),
  ];
  const work = async (step: () => Promise<unknown>): Promise<void> => {
    while (!over) await step();
  };
  const gone = Promise.allSettled(workers.map(work));
  const end = async (): Promise<void> => {
    over = true;
    await gone;
  };
  const seen = (code: string): number => codes.get(code) ?? 0;
  return { seen, receipts, end };
}

/** Another version of talos.yaml, in force at once; the one after it is the first again. */
async function changePolicy({ ready, gateway }: Operator): Promise<void> {
  const policy = JSON.parse(await readFile(ready.config, 'utf8')) as PolicyDocument;
  const tools = policy.servers?.['odd']?.callTimeoutSeconds === 20 ? 21 : 20;
  const odd = { ...policy.servers?.['odd'], callTimeoutSeconds: tools };
  await writeFile(ready.config, JSON.stringify({ ...policy, servers: { odd } }), { mode: 0o600 });
  await gateway.reloadPolicy();
  await new Promise((resolve) => setTimeout(resolve, 300));
}

const enough = (during: ReturnType<typeof storm>): boolean =>
  during.seen('allowed') > 40 && during.seen('EXPIRED') > 1 && during.seen('REVOKED') > 3;

// AUD-21, AUD-22
it('whatever happens at whatever moment, the whole log is proven', async () => {
  const place = newPlace();
  const { platform, cast } = await startWithTools(place);
  const receipts: string[] = [];
  let current: Operator & { end(signal: NodeJS.Signals): Promise<unknown> } = platform;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const during = storm(current, cast);
    await expect.poll(() => enough(during), { timeout: 30_000 }).toBe(true);
    await current.end(signal);
    await during.end();
    receipts.push(...during.receipts.slice(-5));
    for (const ms of [200, 700, 1_500]) await killDuringStart(program(), place.data, ms);
    current = await start(place.data);
  }
  const during = storm(current, cast);
  await expect.poll(() => enough(during), { timeout: 30_000 }).toBe(true);
  await during.end();
  receipts.push(...during.receipts.slice(-5));

  const { report, events } = await wholeLog(current);
  expect(report.counts).toMatchObject({ unchecked: 0 });
  expect(report.counts.recomputed).toBe(report.counts.allowed);
  expect(report.counts.allowed).toBeGreaterThan(120);
  expect(events.filter(({ type }) => type === 'log.opened').length).toBeGreaterThan(2);
  const statuses = new Set(events.flatMap((event) => (event.type === 'outcome' ? [event.status] : [])));
  expect([...statuses]).toEqual(expect.arrayContaining(['completed', 'revoked_during']));
  const policies = new Set(events.flatMap((event) => (event.type === 'decision' ? [event.policy] : [])));
  expect(policies.size).toBeGreaterThan(1);
  const trust = parseTrustFile(Buffer.from(JSON.stringify(await current.audit.trust())), crypto);
  for (const id of receipts) {
    expect(verifyReceipt(await receiptOf(current, id), trust, crypto).event.id.slice(4)).toBe(id.slice(4));
  }
}, 150_000);
