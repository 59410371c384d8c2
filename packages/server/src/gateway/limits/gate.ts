import { TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import type { RateKind, RateLimits } from './rate-limits.js';
import { type RateReport, reportOf } from './report.js';
import { type CompiledRate, demandsOf, type RateDemand, type RatedCall } from './rules.js';

/** What became of a call at the rates. */
export interface RateTicket {
  /** What the caller is told; absent if nothing counted. */
  readonly report?: RateReport;
  /** Why it may not go on: RATE_LIMITED; POLICY_DENIED for what no waiting helps; UNAVAILABLE while nobody can count. */
  readonly refusal?: TrustError;
  /** Gives back what the call does not need any more, once. `tokens` is what it came to; undefined if nobody knows: what was
   *  taken stays taken. */
  end(tokens: number | undefined): void;
}

/** Lets calls pass as fast as the rates of the policy say. */
export interface RateGate {
  /** Takes from every rate that counts the call, all or nothing. `lease` must be new. Never rejects. */
  take(rates: readonly CompiledRate[], call: RatedCall, lease: string): Promise<RateTicket>;
  /** Renews nothing any more. */
  stop(): void;
}

/** Of a call that no rate counts. */
const UNCOUNTED: RateTicket = { end: () => undefined };

/** Builds the gate. Leases are renewed here while their calls run, so that those of a process that was killed end. */
export function createRateGate(limits: RateLimits, metrics: Metrics, log: Log): RateGate {
  const meter = measure(metrics);
  const isCounting = logChanges(log);
  const leases = createLeases(limits, meter.failed);
  return {
    async take(rates, call, lease) {
      const demands = demandsOf(rates, call);
      if (demands.length === 0) return UNCOUNTED;
      const tooLarge = demands.find(({ amount, capacity }) => amount > capacity);
      if (tooLarge !== undefined) {
        meter.refused(tooLarge);
        return { ...UNCOUNTED, refusal: neverPasses(tooLarge) };
      }
      let taken: Awaited<ReturnType<RateLimits['take']>>;
      try {
        taken = await limits.take(lease, demands);
        isCounting(true);
      } catch (error) {
        isCounting(false, error);
        return uncounted(demands, lease, error);
      }
      const report = reportOf(demands, taken);
      const missing = taken.missing && demands[taken.missing.index];
      if (missing !== undefined) {
        meter.refused(missing);
        return { ...UNCOUNTED, report, refusal: tooFast(missing, report.retryAfter ?? 1) };
      }
      return { report, end: leases.begin(lease, demands, call.tokens) };
    },
    stop: leases.stop,
  };

  /** Nobody knows whether something was taken: places, if they were, are given back at once if that can be done. */
  function uncounted(demands: readonly RateDemand[], lease: string, error: unknown): RateTicket {
    const passes = demands.every(({ rate }) => rate.isOpenWhenDown);
    meter.down(passes);
    void limits.end(lease, demands, 0).catch(() => undefined);
    return passes ? UNCOUNTED : { ...UNCOUNTED, refusal: nobodyCounts(error) };
  }
}

/** Says once that nobody can count, and why, and once that somebody can again. */
function logChanges(log: Log): (isCounting: boolean, error?: unknown) => void {
  let was = true;
  return (is, err) => {
    if (was === is) return;
    was = is;
    if (is) log.info('rates are counted again');
    else log.warn('rates cannot be counted', { err });
  };
}

interface Lease {
  readonly name: string;
  readonly demands: readonly RateDemand[];
}

function createLeases(limits: RateLimits, onFailure: () => void) {
  const running = new Set<Lease>();
  let timer: NodeJS.Timeout | undefined;
  const renewAll = (): void => {
    for (const { name, demands } of running) void limits.renew(name, demands).catch(onFailure);
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    stop,
    /** Gives what ends it. */
    begin(name: string, demands: readonly RateDemand[], reserved: number): RateTicket['end'] {
      const lease = { name, demands };
      const isHeld = limits.renewMs !== undefined && demands.some(({ kind }) => kind === 'concurrent');
      if (isHeld) {
        running.add(lease);
        timer ??= setInterval(renewAll, limits.renewMs).unref();
      }
      let isEnded = false;
      return (tokens) => {
        if (isEnded) return;
        isEnded = true;
        running.delete(lease);
        if (running.size === 0) stop();
        void limits.end(name, demands, tokens === undefined ? 0 : tokens - reserved).catch(onFailure);
      };
    },
  };
}

const NOUNS: Readonly<Record<RateKind, string>> = {
  requests: 'requests a minute',
  tokens: 'tokens a minute',
  concurrent: 'calls at one time',
};

/** The rate as it is told and recorded. */
function caveatOf({ kind, capacity, perMinute, rate }: RateDemand): string {
  return `${kind === 'concurrent' ? capacity : perMinute} ${NOUNS[kind]} per ${rate.per}`;
}

function tooFast(demand: RateDemand, seconds: number): TrustError {
  const fewer = demand.kind === 'tokens' ? ', or ask for fewer tokens' : '';
  return new TrustError('RATE_LIMITED', 'a rate of the policy is used up', {
    caveat: caveatOf(demand),
    hint: `Try again in ${seconds} s${fewer}: there are ${caveatOf(demand)}.`,
  });
}

/** To tell a client to wait for what never comes would be a lie. */
function neverPasses(demand: RateDemand): TrustError {
  const { amount, capacity } = demand;
  return new TrustError('POLICY_DENIED', 'the call is larger than a rate lets pass at once', {
    caveat: caveatOf(demand),
    hint: `The call may come to ${amount} tokens, and at most ${capacity} pass at once: state a smaller maximum, or ask the operator for a larger burst.`,
  });
}

function nobodyCounts(cause: unknown): TrustError {
  return new TrustError('UNAVAILABLE', 'the rate limiter is down', {}, cause);
}

function measure(metrics: Metrics) {
  const refusals = metrics.counter({
    name: 'talos_rate_refusals_total',
    help: 'Calls that a rate of the policy refused, by what there was too little of and whose rate it was.',
    labels: ['kind', 'per'],
  });
  const outages = metrics.counter({
    name: 'talos_rate_outages_total',
    help: 'Calls that could not be counted because the rate limiter was down or slow, by what became of them.',
    labels: ['effect'],
  });
  const failures = metrics.counter({
    name: 'talos_rate_failures_total',
    help: 'Places that could not be renewed or given back to the rate limiter; they end by themselves.',
  });
  return {
    refused: ({ kind, rate: { per } }: RateDemand): void => refusals.with({ kind, per }).add(),
    down: (passes: boolean): void => outages.with({ effect: passes ? 'allow' : 'deny' }).add(),
    failed: (): void => failures.with({}).add(),
  };
}
