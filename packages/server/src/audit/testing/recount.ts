import type { AuditEvent, DecisionEvent, StatsBy } from '@talosprotocol/contracts';
import { priceOf } from '@talosprotocol/protocol';

/** What is counted of events, said from their text alone (AUD-121). */
export interface Recounted {
  readonly events: number;
  readonly allowed: number;
  readonly denied: number;
  /** Micro-units by currency. */
  readonly cost: Readonly<Record<string, bigint>>;
  readonly tokens: { readonly input: number; readonly output: number };
}

/** Counts events by the value that `by` has of them; those without one are under null. `since` and `until` in Unix
 *  milliseconds. */
export function recount(
  events: readonly AuditEvent[],
  by: StatsBy,
  { since, until }: { readonly since: number; readonly until: number },
): ReadonlyMap<string | null, Recounted> {
  const decisions = new Map(
    events.flatMap((event) => (event.type === 'decision' ? [[event.id, event] as const] : [])),
  );
  const counts = new Map<string | null, Recounted>();
  for (const event of events) {
    const time = Date.parse(event.time);
    if (time < since || time >= until) continue;
    const decision =
      event.type === 'decision'
        ? event
        : event.type === 'outcome'
          ? decisions.get(event.decision)
          : undefined;
    const value = VALUES[by](event, decision) ?? null;
    counts.set(value, add(counts.get(value), event));
  }
  return counts;
}

const NONE: Recounted = { events: 0, allowed: 0, denied: 0, cost: {}, tokens: { input: 0, output: 0 } };

function add(before: Recounted | undefined, event: AuditEvent): Recounted {
  const { events, allowed, denied, cost, tokens } = before ?? NONE;
  const is = (effect: string): number => (event.type === 'decision' && event.effect === effect ? 1 : 0);
  const { usage = NONE.tokens } = event.type === 'outcome' ? event : {};
  const paid = event.type === 'outcome' ? priceOf(event) : undefined;
  return {
    events: events + 1,
    allowed: allowed + is('allow'),
    denied: denied + is('deny'),
    cost:
      paid === undefined
        ? cost
        : { ...cost, [paid.currency]: (cost[paid.currency] ?? 0n) + BigInt(paid.amount) },
    tokens: { input: tokens.input + usage.input, output: tokens.output + usage.output },
  };
}

type ValueOf = (event: AuditEvent, decision: DecisionEvent | undefined) => string | undefined;

const VALUES: Readonly<Record<StatsBy, ValueOf>> = {
  agent: (event) => event.principal?.sub,
  capability: (event, decision) => decision?.credential.cth ?? ('cth' in event ? event.cth : undefined),
  server: (_, decision) => decision?.action.server,
  tool: (_, decision) =>
    decision?.action.server === undefined || decision.action.tool === undefined
      ? undefined
      : `${decision.action.server}/${decision.action.tool}`,
  effect: (_, decision) => decision?.effect,
  code: (event) =>
    event.type === 'decision' || event.type === 'denials' ? (event.code ?? undefined) : undefined,
  status: (event) => (event.type === 'outcome' ? event.status : undefined),
};
