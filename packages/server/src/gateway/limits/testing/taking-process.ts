import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RateRule } from '@talosprotocol/contracts';
import { createLog } from '../../../platform/log.js';
import { createMetrics } from '../../../platform/metrics/metrics.js';
import { createRedis } from '../../../platform/redis/redis.js';
import { createSecret } from '../../../platform/secret.js';
import { clock } from '../../../platform/system.js';
import { createRateGate } from '../gate.js';
import { createRedisLimits } from '../redis-limits.js';
import { compileRates } from '../rules.js';

/** What the process is told on standard input. */
export interface TakingTask {
  readonly url: string;
  readonly platform: string;
  readonly rule: RateRule;
  readonly leaseMs: number;
  /** Takes over and over for so long; or `hold`: takes once, and keeps its place until somebody kills it. */
  readonly forMs: number | 'hold';
  /** What tells its leases from those of others. */
  readonly name: string;
}

/** A line for every call that passed: when it was asked for and when it was answered, in Unix milliseconds. */
export interface TakingLine {
  readonly from: number;
  readonly to: number;
}

const { url, platform, rule, leaseMs, forMs, name } = JSON.parse(readFileSync(0, 'utf8')) as TakingTask;
const log = createLog({ level: 'silent', format: 'json', clock });
const redis = createRedis({ url: createSecret(url), log, timeoutMs: 2_000 });
const gate = createRateGate(createRedisLimits({ redis, platform, leaseMs }), createMetrics(), log);
const rates = compileRates([rule]);
const call = { surface: 'llm', principal: 'p', key: 'k', address: 'a', model: 'o/m', tokens: 1 } as const;
let calls = 0;

async function takeOnce(): Promise<boolean> {
  const from = clock.now();
  calls += 1;
  const { refusal } = await gate.take(rates, call, `${name} ${calls}`);
  if (refusal === undefined) process.stdout.write(`${JSON.stringify({ from, to: clock.now() })}\n`);
  return refusal === undefined;
}

await redis.check();
if (forMs === 'hold') {
  await takeOnce();
  // Until somebody kills it.
  setInterval(() => undefined, 1_000);
} else {
  const until = clock.now() + forMs;
  while (clock.now() < until) if (!(await takeOnce())) await sleep(1);
  await redis.close();
}
