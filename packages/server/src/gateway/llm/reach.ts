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
/** Failures in a row after which a model is left alone, and for how long before one call tries it. */
const BREAK_AFTER = 5;
const BREAK_MS = 10_000;

/** Says that the provider is busy or gone, and has done nothing. */
const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 529]);

/** Connections to providers, and how they are. */
export interface Reach extends Upstreams {
  /** True while a model is left alone because it keeps failing. */
  isLeftAlone(provider: ProviderPolicy, model: string): boolean;
}

export interface ReachDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** How one model is. */
interface Standing {
  readonly policy: IPolicy;
  /** Monotonic milliseconds since when it is left alone. */
  broken: number | undefined;
}

/** Models of one provider that are told apart; what comes beyond, where a client may name any, counts as one. */
const MOST_MODELS = 256;

/** Reaches providers: tries again what a provider cannot have done, and leaves a model alone that keeps failing. */
export function createReach(upstreams: Upstreams, { clock, log }: ReachDeps): Reach {
  const known = new WeakMap<ProviderPolicy, Map<string, Standing>>();
  const standingOf = (provider: ProviderPolicy, model: string): Standing => {
    const models = known.get(provider) ?? new Map<string, Standing>();
    known.set(provider, models);
    const name = models.has(model) || models.size < MOST_MODELS ? model : '';
    const standing = models.get(name) ?? stand(provider, name);
    models.set(name, standing);
    return standing;
  };
  const stand = (provider: ProviderPolicy, model: string): Standing => {
    const standing: Standing = {
      broken: undefined,
      policy: createPolicy(`${provider.name}/${model}`, log, (isBroken) => {
        standing.broken = isBroken ? clock.monotonic() : undefined;
      }),
    };
    return standing;
  };
  return {
    close: upstreams.close,
    isLeftAlone: (provider, model) => {
      const { broken } = standingOf(provider, model);
      return broken !== undefined && clock.monotonic() - broken < BREAK_MS;
    },
    send: async (request) => {
      const { provider, model, signal } = request;
      try {
        return await standingOf(provider, model).policy.execute(() => upstreams.send(request), signal);
      } catch (error) {
        if (error instanceof BrokenCircuitError) return leftAlone(`${provider.name}/${model}`);
        // A try that was never made, because nobody waits for it any more.
        return { kind: 'failure', error: failed(error, signal), wasSent: false };
      }
    },
  };
}

function createPolicy(provider: string, log: Log, tell: (isBroken: boolean) => void): IPolicy {
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
    log.warn('a model keeps failing, and is left alone', { provider });
  });
  breaker.onReset(() => {
    tell(false);
    log.info('a model answers again', { provider });
  });
  // A call counts once, however often it was tried.
  return wrap(breaker, retries);
}

function isWorthAnother(result: Result): boolean {
  if (result.kind === 'failure') return !result.wasSent;
  // Whoever says when is heard: the client is told, and has more time than its request has here.
  return AGAIN.has(result.status) && result.retryAfter === undefined;
}

/** Whoever is busy is not gone, and whoever finds fault is well; what fails with 500 may do so for this request alone. An
 *  abort is no fault of the provider. */
function isOutage(result: Result): boolean {
  if (result.kind === 'failure') return result.error.code === 'UPSTREAM_FAILED';
  return OUT.has(result.status);
}

const OUT: ReadonlySet<number> = new Set([502, 503, 504, 529]);

/** Nobody reads what is not the last answer. */
function giveUp(result: Result): void {
  if (result.kind === 'answer') result.body.destroy();
}

function leftAlone(name: string): UpstreamFailure {
  const error = new TrustError('UPSTREAM_FAILED', `the model ${name} keeps failing, and is left alone`, {
    hint: `It is tried again within ${BREAK_MS / 1000} seconds: try again then.`,
  });
  return { kind: 'failure', error, wasSent: false };
}
