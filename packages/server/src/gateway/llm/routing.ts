import { couldAllow, type VerifiedCapability } from '@talosprotocol/protocol';
import type { Random } from '../../platform/system.js';
import type { AliasPolicy, AliasTarget } from './alias.js';
import { createModelMemory } from './model-memory.js';
import type { ModelTarget } from './model-name.js';
import type { ProviderPolicy } from './provider.js';
import { isServed, type Speaker } from './translate/wire.js';

/** Who asks for a model by its alias, and how. */
export interface RouteRequest {
  readonly by: Speaker;
  /** True if what is asked can be said to it. */
  readonly canBeAsked: (target: ModelTarget) => boolean;
  readonly op: 'read' | 'write';
  readonly capability: VerifiedCapability;
}

/** Which of the models behind an alias are asked, and in which order. */
export interface Routing {
  /** Those that serve the protocol, that the caller reaches and that it can be said to; if it reaches none, one that it is
   *  refused for. Empty if none serves the protocol. */
  candidates(alias: AliasPolicy, request: RouteRequest): readonly ModelTarget[];
  /** Tells how long a model took to begin its answer. Milliseconds. */
  observe(target: ModelTarget, ms: number): void;
}

/** What is known of how long a model takes to begin its answer. */
interface Latency {
  /** Moving average, milliseconds; undefined before the first answer. */
  ms: number | undefined;
  /** Monotonic milliseconds of the last time it was asked to find out. */
  asked: number;
}

/** The share of the last answer in the average. */
const SHARE = 0.3;
/** After so long a model that was slow is asked again, once: it may have become quicker. */
const STALE_MS = 60_000;

export interface RoutingDeps {
  readonly random: Random;
  /** Milliseconds. */
  readonly monotonic: () => number;
  /** True if a model keeps failing or is busy, and is not asked now. */
  readonly isLeftAlone: (provider: ProviderPolicy, model: string) => boolean;
  /** Those of the policy in force. */
  readonly providers: () => ReadonlyMap<string, ProviderPolicy>;
}

export function createRouting({ random, monotonic, isLeftAlone, providers }: RoutingDeps): Routing {
  const latencies = createModelMemory(
    providers,
    (): Latency => ({ ms: undefined, asked: Number.NEGATIVE_INFINITY }),
  );
  const latencyOf = ({ provider, model }: ModelTarget): Latency => latencies.of(provider, model);
  const byLatency = (targets: readonly AliasTarget[]): readonly AliasTarget[] => {
    const now = monotonic();
    const stale = targets.find((target) => now - latencyOf(target).asked >= STALE_MS);
    if (stale !== undefined) latencyOf(stale).asked = now;
    const msOf = (target: AliasTarget): number => (target === stale ? -1 : (latencyOf(target).ms ?? 0));
    return targets.toSorted((a, b) => msOf(a) - msOf(b));
  };
  const order = ({ choose }: AliasPolicy, targets: readonly AliasTarget[]): readonly AliasTarget[] => {
    if (choose === 'weight') return byWeight(targets, random);
    return choose === 'latency' ? byLatency(targets) : targets;
  };
  return {
    candidates: (alias, { by, canBeAsked, op, capability }) => {
      const own = alias.targets.filter(({ provider }) => isServed(by, provider));
      const reached = own.filter(({ provider, model }) =>
        couldAllow(capability, { provider: provider.name, model, ops: [op] }),
      );
      if (reached.length === 0) return own.slice(0, 1);
      const asked = reached.filter(canBeAsked);
      const ordered = order(alias, asked.length > 0 ? asked : reached);
      const well = ordered.filter(({ provider, model }) => !isLeftAlone(provider, model));
      const all = [...well, ...ordered.filter((target) => !well.includes(target))];
      return alias.fallback ? all : all.slice(0, 1);
    },
    observe: (target, ms) => {
      const latency = latencyOf(target);
      latency.ms = latency.ms === undefined ? ms : latency.ms + SHARE * (ms - latency.ms);
    },
  };
}

/** Draws one after the other, each with the share that its weight has of those that are left. */
function byWeight(targets: readonly AliasTarget[], random: Random): readonly AliasTarget[] {
  const left = [...targets];
  const drawn: AliasTarget[] = [];
  while (left.length > 0) {
    const sum = left.reduce((total, { weight }) => total + weight, 0);
    let point = fractionOf(random) * sum;
    const index = left.findIndex(({ weight }) => {
      point -= weight;
      return point < 0;
    });
    drawn.push(...left.splice(Math.max(0, index), 1));
  }
  return drawn;
}

/** In [0, 1). */
function fractionOf(random: Random): number {
  const bytes = random(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
}
