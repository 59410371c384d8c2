import { writeFile } from 'node:fs/promises';
import type { AuditEvent, DecisionEvent, OutcomeEvent } from '@talosprotocol/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  chatAnswer,
  type FakeProvider,
  openFakeProvider,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { RATES } from '../support/llm-world.js';
import { idOf, keyOf, usePlatforms, wholeLog } from '../support/own-platforms.js';
import { expectNoSurvivors, familyOf, type PlatformProcess } from '../support/platform-process.js';
import { castOf, type Operator } from '../support/world.js';

const { newPlace, start } = usePlatforms();

let provider: FakeProvider;
beforeEach(async () => {
  provider = await openFakeProvider();
});
afterEach(() => provider.close());

const GRANTS = [{ scope: 'llm:*', ops: ['read' as const, 'write' as const] }];

/** A platform with one provider behind it, and a key of it that may spend so many micro-dollars. */
async function startWithModel(data: string, amount: number) {
  const platform = await start(data);
  const { ready, gateway } = platform;
  const document = {
    version: 1,
    anchors: [{ iss: ready.organisationDid, tenant: 'default', grants: GRANTS }],
    servers: {},
    providers: { p: { api: 'openai', baseUrl: `${provider.url}/v1`, models: { m: { rates: RATES } } } },
  };
  await writeFile(ready.config, JSON.stringify(document), { mode: 0o600 });
  await gateway.reloadPolicy();
  const cast = await castOf(platform, { docs: '/' }, { grants: GRANTS });
  const key = keyOf(cast, { limits: [{ per: 'total', cost: { amount, currency: 'USD' } }] });
  return { platform, key };
}

/** Holds about 1,150 for what is read and 500 for what is written. */
async function ask({ ready }: Operator, key: string) {
  const response = await fetch(new URL('/v1/chat/completions', ready.gateway), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'p/m', max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] }),
  });
  return {
    status: response.status,
    text: await response.text(),
    receipt: response.headers.get('x-talos-receipt'),
  };
}

const isAllowed = (event: AuditEvent): event is DecisionEvent =>
  event.type === 'decision' && event.effect === 'allow' && event.action.method === 'chat/completions';
const isOutcome = (event: AuditEvent): event is OutcomeEvent => event.type === 'outcome';

/** Kills the platform in one way or the other, and waits until it is gone. */
async function killed(platform: PlatformProcess, what: 'platform' | 'database'): Promise<void> {
  const family = familyOf(platform.pid);
  if (what === 'platform') await platform.end('SIGKILL');
  else {
    process.kill(family.find(({ command }) => /bin\/postgres -D/.test(command))!.pid, 'SIGKILL');
    expect((await platform.ended).code).toBe(4);
  }
  await expectNoSurvivors(family);
}

// AUD-21, CAP-21, LLM-28
describe.each(['platform', 'database'] as const)('kill -9 of the %s', (what) => {
  it('between what a model may cost and what it does: its outcome is lost, and the most stays spent', async () => {
    const { data } = newPlace();
    const { platform, key } = await startWithModel(data, 2_500);
    provider.answer = () => undefined;
    const lost = ask(platform, key).then(
      ({ status }) => status,
      () => 'gone',
    );
    await expect.poll(() => provider.asked.length).toBe(1);
    // Its decision is in the log; its answer never comes.
    await expect
      .poll(async () =>
        (await platform.audit.events({ limit: 50 })).events.some(({ event }) => isAllowed(event)),
      )
      .toBe(true);
    await killed(platform, what);
    expect(await lost).not.toBe(200);

    provider.answer = chatAnswer('hello');
    const again = await start(data);
    const refused = await ask(again, key);
    expect([refused.status, refused.text]).toEqual([402, expect.stringContaining('BUDGET_EXCEEDED')]);
    expect(provider.asked).toHaveLength(1);
    const { report, events } = await wholeLog(again);
    expect(report.counts.unchecked).toBe(0);
    const [decision, ...more] = events.filter(isAllowed);
    expect([decision?.held?.amount, more]).toEqual([expect.any(Number), []]);
    expect(decision!.held!.amount).toBeGreaterThan(1_250);
    const outcomes = events.filter(isOutcome).filter((outcome) => outcome.decision === decision!.id);
    expect(outcomes.map(({ status }) => status)).toEqual(['lost']);
    expect(await again.end('SIGTERM')).toEqual({ code: 0, signal: null });
  }, 90_000);

  it('under load loses no answer that was given, and over both lives no more is spent than may be', async () => {
    const LIMIT = 60_000;
    const { data } = newPlace();
    const { platform, key } = await startWithModel(data, LIMIT);
    // 1,000 read and 20 written come to 1,200.
    provider.answer = chatAnswer('hello', { prompt_tokens: 1_000, completion_tokens: 20 });
    const receipts: string[] = [];
    const worker = async (): Promise<void> => {
      for (;;) {
        const { status, receipt } = await ask(platform, key);
        if (status !== 200) return;
        receipts.push(receipt!);
      }
    };
    const gone = Promise.allSettled([worker(), worker(), worker(), worker()]);
    await expect.poll(() => receipts.length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(10);
    await killed(platform, what);
    await gone;

    const again = await start(data);
    let last = await ask(again, key);
    for (; last.status === 200; last = await ask(again, key)) receipts.push(last.receipt!);
    expect([last.status, last.text]).toEqual([402, expect.stringContaining('BUDGET_EXCEEDED')]);
    const allOver = async (): Promise<boolean> => {
      const { events } = await wholeLog(again);
      const over = new Set(events.filter(isOutcome).map(({ decision }) => decision));
      return events.filter(isAllowed).every(({ id }) => over.has(id));
    };
    await expect.poll(allOver, { timeout: 10_000 }).toBe(true);
    const { events } = await wholeLog(again);
    const ids = new Set(events.map(({ id }) => id));
    expect(receipts.filter((receipt) => !ids.has(idOf(receipt)))).toEqual([]);
    const outcomes = new Map(events.filter(isOutcome).map((event) => [event.decision, event]));
    const spent = events.filter(isAllowed).map(({ id, held }) => {
      const { status, cost } = outcomes.get(id)!;
      return status === 'completed' ? cost!.amount : held!.amount;
    });
    expect(spent.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(LIMIT);
    // Also what the provider did that nobody could record.
    expect(provider.asked.length * 1_200).toBeLessThanOrEqual(LIMIT);
    expect(await again.end('SIGTERM')).toEqual({ code: 0, signal: null });
  }, 120_000);
});
