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
import { type Cooldown, createCooldown } from './cooldown.js';
import { createModelMemory } from './model-memory.js';
import type { ModelTarget } from './model-name.js';
import type { ProviderPolicy } from './provider.js';
import { isAway } from './status.js';
import {
  failed,
  type UpstreamAnswer,
  type UpstreamFailure,
  type UpstreamRequest,
  type Upstreams,
} from './upstream.js';

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
  /** True while a model is left alone because it keeps failing, or because it said that it is busy. */
  isLeftAlone(provider: ProviderPolicy, model: string): boolean;
}

export interface ReachDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Those of the policy in force. */
  readonly providers: () => ReadonlyMap<string, ProviderPolicy>;
}

/** How one model is. */
interface Standing {
  readonly policy: IPolicy;
  readonly cooldown: Cooldown;
  /** Monotonic milliseconds since when it is left alone. */
  broken: number | undefined;
}

/** Reaches providers: tries again what a provider cannot have done, and leaves a model alone that keeps failing, or, where
 *  another one may be asked, is busy. */
export function createReach(upstreams: Upstreams, { clock, log, providers }: ReachDeps): Reach {
  const monotonic = (): number => clock.monotonic();
  const standings = createModelMemory(providers, (provider, model): Standing => {
    const standing: Standing = {
      broken: undefined,
      cooldown: createCooldown(monotonic),
      policy: createPolicy(`${provider.name}/${model}`, log, (isBroken) => {
        standing.broken = isBroken ? monotonic() : undefined;
      }),
    };
    return standing;
  });
  const isLeftAlone: Reach['isLeftAlone'] = (provider, model) => {
    const { broken, cooldown } = standings.of(provider, model);
    return cooldown.isOn() || (broken !== undefined && monotonic() - broken < BREAK_MS);
  };
  const isWell = ({ provider, model }: ModelTarget): boolean => !isLeftAlone(provider, model);
  return {
    close: upstreams.close,
    isLeftAlone,
    send: async (request) => {
      const { provider, model, signal, others } = request;
      const { policy, cooldown } = standings.of(provider, model);
      // It became so after the order was made: another call was quicker.
      if (cooldown.isOn() && others.some(isWell))
        return leftAlone(`${provider.name}/${model}`, 'is busy', 'Try again.');
      const end = cooldown.begin();
      const came = await tried(policy, upstreams, request).catch((error: unknown): UpstreamFailure => {
        if (error instanceof BrokenCircuitError)
          return leftAlone(`${provider.name}/${model}`, 'keeps failing', AGAIN_SOON);
        // A try that was never made, because nobody waits for it any more.
        return { kind: 'failure', error: failed(error, signal), wasSent: false };
      });
      end(came);
      return came;
    },
  };
}

/** What came of one try. */
interface Try {
  readonly result: Result;
  /** True if no other model is asked where this one has no answer. */
  readonly isAlone: boolean;
}

async function tried(policy: IPolicy, upstreams: Upstreams, request: UpstreamRequest): Promise<Result> {
  const isAlone = request.others.length === 0;
  const attempt = async (): Promise<Try> => ({ result: await upstreams.send(request), isAlone });
  return (await policy.execute(attempt, request.signal)).result;
}

function createPolicy(provider: string, log: Log, tell: (isBroken: boolean) => void): IPolicy {
  let tokens: number = BUDGET.most;
  const mayTryAgain = (result: unknown): boolean => {
    tokens = Math.min(BUDGET.most, tokens + BUDGET.share);
    return tokens >= 1 && isWorthAnother(result as Try);
  };
  const retries = retry(handleWhenResult(mayTryAgain), {
    maxAttempts: MOST_TRIES,
    backoff: new ExponentialBackoff({ initialDelay: FIRST_WAIT_MS, maxDelay: MOST_WAIT_MS }),
  });
  retries.onRetry((event) => {
    tokens -= 1;
    if ('value' in event) giveUp((event.value as Try).result);
  });
  const breaker = circuitBreaker(
    handleWhenResult((result) => isOutage((result as Try).result)),
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

function isWorthAnother({ result, isAlone }: Try): boolean {
  if (result.kind === 'failure') return !result.wasSent;
  // Another model answers sooner than one that is busy.
  if (result.status === 429 && !isAlone) return false;
  // Whoever says when is heard: the client is told, and has more time than its request has here.
  return AGAIN.has(result.status) && result.retryAfter === undefined;
}

/** Whoever is busy is not gone, and whoever finds fault is well; what fails with 500 may do so for this request alone. An
 *  abort is no fault of the provider. */
function isOutage(result: Result): boolean {
  if (result.kind === 'failure') return result.error.code === 'UPSTREAM_FAILED';
  return isAway(result.status);
}

/** Nobody reads what is not the last answer. */
function giveUp(result: Result): void {
  if (result.kind === 'answer') result.body.destroy();
}

const AGAIN_SOON = `It is tried again within ${BREAK_MS / 1000} seconds: try again then.`;

function leftAlone(name: string, why: string, hint: string): UpstreamFailure {
  const error = new TrustError('UPSTREAM_FAILED', `the model ${name} ${why}, and is left alone`, { hint });
  return { kind: 'failure', error, wasSent: false };
}
