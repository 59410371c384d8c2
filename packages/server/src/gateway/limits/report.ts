import type { RateKind, Taken } from './rate-limits.js';
import { msToFlow } from './rate-limits.js';
import type { RateDemand } from './rules.js';

/** What the caller is told of one counter. */
export interface ShownRate {
  readonly kind: RateKind;
  readonly per: string;
  readonly capacity: number;
  readonly left: number;
  /** Seconds until it is full again, and in which an empty one fills; 0 for calls at one time. */
  readonly fullIn: number;
  readonly window: number;
}

/** What the caller is told of the rates that count it: of each kind the one with least left. */
export interface RateReport {
  readonly shown: readonly ShownRate[];
  /** Seconds after which a call that was refused may pass. */
  readonly retryAfter?: number;
}

export function reportOf(demands: readonly RateDemand[], { left, missing }: Taken): RateReport {
  const tightest = new Map<RateKind, number>();
  const shareOf = (index: number): number =>
    index === missing?.index ? -1 : (left[index] ?? 0) / (demands[index]?.capacity ?? 1);
  for (const [index, { kind }] of demands.entries()) {
    const other = tightest.get(kind);
    if (other === undefined || shareOf(index) < shareOf(other)) tightest.set(kind, index);
  }
  const shown = [...tightest.values()].map((index) =>
    shownOf(demands[index] as RateDemand, left[index] ?? 0),
  );
  if (missing === undefined) return { shown };
  return { shown, retryAfter: Math.max(1, Math.ceil(missing.waitMs / 1000)) };
}

function shownOf({ kind, rate, capacity, perMinute }: RateDemand, left: number): ShownRate {
  const secondsFor = (amount: number): number =>
    kind === 'concurrent' ? 0 : Math.ceil(msToFlow(amount, perMinute) / 1000);
  const rest = Math.max(0, left);
  return {
    kind,
    per: rate.per,
    capacity,
    left: rest,
    fullIn: secondsFor(capacity - rest),
    window: secondsFor(capacity),
  };
}

type Headers = Readonly<Record<string, string>>;

const NO_HEADERS: Headers = {};

/** Units of draft-ietf-httpapi-ratelimit-headers, of which requests are the default; tokens it does not know. */
const UNITS: Readonly<Record<RateKind, string>> = {
  requests: '',
  tokens: ';qu="tokens"',
  concurrent: ';qu="concurrent-requests"',
};

/** `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10, and `Retry-After` of a refusal. */
export function rateHeaders(report: RateReport | undefined): Headers {
  if (report === undefined) return NO_HEADERS;
  const { shown, retryAfter } = report;
  const nameOf = ({ per, kind }: ShownRate): string => `"${per}-${kind}"`;
  const policies = shown.map((rate) => {
    const window = rate.window === 0 ? '' : `;w=${rate.window}`;
    return `${nameOf(rate)};q=${rate.capacity}${UNITS[rate.kind]}${window}`;
  });
  const states = shown.map((rate) => {
    const reset = rate.kind === 'concurrent' ? '' : `;t=${rate.fullIn}`;
    return `${nameOf(rate)};r=${rate.left}${reset}`;
  });
  return {
    'ratelimit-policy': policies.join(', '),
    ratelimit: states.join(', '),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  };
}

/** The same as clients of model providers read it, beside the headers of the draft. */
export function modelRateHeaders(report: RateReport | undefined): Headers {
  if (report === undefined) return NO_HEADERS;
  const headers: Record<string, string> = { ...rateHeaders(report) };
  for (const { kind, capacity, left, fullIn } of report.shown) {
    if (kind === 'concurrent') continue;
    headers[`x-ratelimit-limit-${kind}`] = String(capacity);
    headers[`x-ratelimit-remaining-${kind}`] = String(left);
    headers[`x-ratelimit-reset-${kind}`] = `${fullIn}s`;
  }
  return headers;
}
