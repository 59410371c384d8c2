import type { BelowRule, FeedItem } from '@talosprotocol/contracts';
import { createBelowRules, type RevocationCheck, ruleName } from '@talosprotocol/protocol';

/** What a feed has put in force. */
export interface RevokedSet {
  apply(item: FeedItem): void;
  readonly isRevoked: RevocationCheck;
  /** Forgets what refuses only links that expired a day before `now` (Unix seconds). */
  forget(now: number): void;
}

const KEPT_SECONDS = 86_400;
const EVERY_SECONDS = 3_600;

export function createRevokedSet(told: {
  readonly onRevoked?: (lid: string) => void;
  readonly onRule?: () => void;
}): RevokedSet {
  const lids = new Map<string, number>();
  const rules = createBelowRules();
  const ruleEnds = new Map<string, { readonly rule: BelowRule; readonly exp: number }>();
  let swept = 0;
  return {
    apply: (item) => {
      const exp = item.exp ?? Number.POSITIVE_INFINITY;
      if ('lid' in item) {
        if (lids.has(item.lid)) return;
        lids.set(item.lid, exp);
        told.onRevoked?.(item.lid);
      } else if (rules.add(item.rule)) {
        ruleEnds.set(ruleName(item.rule), { rule: item.rule, exp });
        told.onRule?.();
      }
    },
    isRevoked: (lid, index, links) => lids.has(lid) || rules.since(index, links) !== undefined,
    forget: (now) => {
      if (now < swept + EVERY_SECONDS) return;
      swept = now;
      const before = now - KEPT_SECONDS;
      for (const [lid, exp] of lids) if (exp < before) lids.delete(lid);
      for (const [name, { rule, exp }] of ruleEnds) {
        if (exp >= before) continue;
        rules.remove(rule);
        ruleEnds.delete(name);
      }
    },
  };
}
