import type { RateBucket, RateRule } from '@talosprotocol/contracts';
import { networkOf } from '../../platform/client-address.js';
import { compilePattern } from '../model-pattern.js';
import type { Demand, RateKind } from './rate-limits.js';

/** What of a call decides which rates count it, and for whom. */
export interface RatedCall {
  readonly surface: 'mcp' | 'llm';
  /** For whom all is done, as `principalOf` tells them apart: by the issuer of the root and its `prn`, else its holder. */
  readonly principal: string;
  /** The `lid` of the leaf. */
  readonly key: string;
  readonly address: string;
  /** `provider/model`; absent of a call of something else. */
  readonly model?: string;
  /** What it may come to at most; 0 of what takes none. */
  readonly tokens: number;
}

interface Bucket {
  readonly capacity: number;
  readonly perMinute: number;
}

/** A rate of the policy, ready to be counted by. */
export interface CompiledRate {
  /** Tells it from the others, also over a reload that changes how much it lets pass. */
  readonly id: string;
  readonly per: RateRule['per'];
  readonly isOpenWhenDown: boolean;
  /** True if it counts calls of this kind at all. */
  counts(call: RatedCall): boolean;
  readonly requests: Bucket | undefined;
  readonly tokens: Bucket | undefined;
  readonly concurrent: number | undefined;
}

/** What one rate wants to take of one counter. */
export interface RateDemand extends Demand {
  readonly rate: CompiledRate;
}

/** The rates of a policy document. */
export function compileRates(rules: readonly RateRule[]): readonly CompiledRate[] {
  return rules.map(({ per, surface, model, requests, tokens, concurrent, onDown }) => {
    const isMeant = model === undefined ? undefined : compilePattern(model);
    const needsModel = per === 'model' || isMeant !== undefined;
    return {
      id: JSON.stringify([per, surface ?? null, model ?? null]),
      per,
      isOpenWhenDown: onDown === 'allow',
      counts: (call) => {
        if (surface !== undefined && surface !== call.surface) return false;
        if (call.model === undefined) return !needsModel;
        return isMeant === undefined || isMeant(call.model);
      },
      requests: bucketOf(requests),
      tokens: bucketOf(tokens),
      concurrent,
    };
  });
}

function bucketOf(bucket: RateBucket | undefined): Bucket | undefined {
  return bucket && { capacity: bucket.burst ?? bucket.perMinute, perMinute: bucket.perMinute };
}

/** All that a call wants to take, rate by rate. */
export function demandsOf(rates: readonly CompiledRate[], call: RatedCall): readonly RateDemand[] {
  const demands: RateDemand[] = [];
  for (const rate of rates) {
    if (!rate.counts(call)) continue;
    const whose = subjectOf(rate, call);
    const add = (kind: RateKind, { capacity, perMinute }: Bucket, amount: number): void => {
      demands.push({ rate, kind, key: `${rate.id} ${kind} ${whose}`, capacity, perMinute, amount });
    };
    if (rate.requests !== undefined) add('requests', rate.requests, 1);
    if (rate.tokens !== undefined && call.tokens > 0) add('tokens', rate.tokens, call.tokens);
    if (rate.concurrent !== undefined) add('concurrent', { capacity: rate.concurrent, perMinute: 0 }, 1);
  }
  return demands;
}

function subjectOf({ per }: CompiledRate, call: RatedCall): string {
  switch (per) {
    case 'principal':
      return call.principal;
    case 'key':
      return call.key;
    case 'model':
      return call.model ?? '';
    case 'address':
      return networkOf(call.address);
    case 'surface':
      return call.surface;
  }
}
