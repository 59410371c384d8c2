import { TrustError } from '@talosprotocol/protocol';
import {
  BrokenCircuitError,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhenResult,
  type IPolicy,
  retry,
  wrap,
} from 'cockatiel';
import type { Log } from '../../platform/log.js';
import type { Clock } from '../../platform/system.js';
import type { ProviderPolicy } from './provider.js';
import { failed, type UpstreamAnswer, type UpstreamFailure, type Upstreams } from './upstream.js';

type Result = UpstreamAnswer | UpstreamFailure;

/** Tries after the first one. A client tries again as well, so that more would only add up. */
const MOST_TRIES = 2;
/** Between tries. */
const MOST_WAIT_MS = 2_000;
const FIRST_WAIT_MS = 100;
/** Of so many calls one may be tried again, and so many at once after a quiet time: where everything fails, trying again
 *  must not double the load. */
const BUDGET = { share: 0.1, most: 10 } as const;
/** Failures in a row after which a provider is left alone, and for how long before one call tries it. */
const BREAK_AFTER = 5;
const BREAK_MS = 10_000;

/** Says that the provider is busy or gone, and has done nothing. */
const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 529]);

/** Connections to providers, and how they are. */
export interface Reach extends Upstreams {
  /** True while a provider is left alone because it keeps failing. */
  isLeftAlone(provider: ProviderPolicy): boolean;
}

export interface ReachDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** Reaches providers: tries again what a provider cannot have done, and leaves one alone that keeps failing. */
export function createReach(upstreams: Upstreams, { clock, log }: ReachDeps): Reach {
  const known = new WeakMap<ProviderPolicy, IPolicy>();
  const broken = new WeakMap<ProviderPolicy, number>();
  const policyOf = (provider: ProviderPolicy): IPolicy => {
    const policy =
      known.get(provider) ??
      createPolicy(provider, log, (isBroken) => {
        if (isBroken) broken.set(provider, clock.monotonic());
        else broken.delete(provider);
      });
    known.set(provider, policy);
    return policy;
  };
  return {
    close: upstreams.close,
    isLeftAlone: (provider) => {
      const since = broken.get(provider);
      return since !== undefined && clock.monotonic() - since < BREAK_MS;
    },
    send: async (request) => {
      const { provider, signal } = request;
      try {
        return await policyOf(provider).execute(() => upstreams.send(request), signal);
      } catch (error) {
        if (error instanceof BrokenCircuitError) return leftAlone(provider);
        // A try that was never made, because nobody waits for it any more.
        return { kind: 'failure', error: failed(error, signal), wasSent: false };
      }
    },
  };
}

function createPolicy({ name }: ProviderPolicy, log: Log, tell: (isBroken: boolean) => void): IPolicy {
  let tokens: number = BUDGET.most;
  const mayTryAgain = (result: unknown): boolean => {
    tokens = Math.min(BUDGET.most, tokens + BUDGET.share);
    return tokens >= 1 && isWorthAnother(result as Result);
  };
  const retries = retry(handleWhenResult(mayTryAgain), {
    maxAttempts: MOST_TRIES,
    backoff: new ExponentialBackoff({ initialDelay: FIRST_WAIT_MS, maxDelay: MOST_WAIT_MS }),
  });
  retries.onRetry((event) => {
    tokens -= 1;
    if ('value' in event) giveUp(event.value as Result);
  });
  const breaker = circuitBreaker(
    handleWhenResult((result) => isOutage(result as Result)),
    { halfOpenAfter: BREAK_MS, breaker: new ConsecutiveBreaker(BREAK_AFTER) },
  );
  breaker.onBreak(() => {
    tell(true);
    log.warn('a provider keeps failing, and is left alone', { provider: name });
  });
  breaker.onReset(() => {
    tell(false);
    log.info('a provider answers again', { provider: name });
  });
  return wrap(retries, breaker);
}

function isWorthAnother(result: Result): boolean {
  if (result.kind === 'failure') return !result.wasSent;
  // Whoever says when is heard: the client is told, and has more time than its request has here.
  return AGAIN.has(result.status) && result.retryAfter === undefined;
}

/** Whoever is busy is not gone, and whoever finds fault is well. An abort is no fault of the provider. */
function isOutage(result: Result): boolean {
  if (result.kind === 'failure') return result.error.code === 'UPSTREAM_FAILED';
  return result.status >= 500;
}

/** Nobody reads what is not the last answer. */
function giveUp(result: Result): void {
  if (result.kind === 'answer') result.body.destroy();
}

function leftAlone({ name }: ProviderPolicy): UpstreamFailure {
  const error = new TrustError('UPSTREAM_FAILED', `the provider ${name} keeps failing, and is left alone`, {
    hint: `It is tried again within ${BREAK_MS / 1000} seconds: try again then.`,
  });
  return { kind: 'failure', error, wasSent: false };
}
