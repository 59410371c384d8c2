import type { BelowRule, FeedItem } from '@talosprotocol/contracts';
import { createBelowRules, type ParsedLink, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import { createLiveChains } from './live-chains.js';
import { nameOf } from './revocation.js';
import { createWatchers } from './watchers.js';

/** The revocations in force in this process, and who is told of new ones. */
export interface Revocations {
  isRevoked(lid: string): boolean;
  /** The same for `links[index]` of a chain, by a rule below a DID too (REV-2). */
  isLinkRevoked(lid: string, index: number, links: readonly ParsedLink[]): boolean;
  /** False while nobody knows whether this process has heard of every revocation: the feed was silent for too long. */
  isFresh(op: 'read' | 'write'): boolean;
  /** Puts a revocation that is durable in force. Synchronous: when it returns, nothing accepts the link any more. */
  enforce(lid: string, exp?: number): void;
  /** The same for a rule: also with the chains that are in use here. */
  enforceRule(rule: BelowRule, exp?: number): void;
  /** Puts the links in use here for which `test` holds out of force, such as those of an identity that ended. */
  enforceWhere(test: (index: number, links: readonly ParsedLink[]) => boolean): void;
  /** Ends what hangs here on the links for which `test` holds, sessions and running calls, and no more: the links stay as
   *  good as they are, but whoever verified them before has to do so again. */
  endWhere(test: (index: number, links: readonly ParsedLink[]) => boolean): void;
  /** True for links that were parsed before they were ended so: what was found of them may not hold any more. */
  isOutdated(links: readonly ParsedLink[]): boolean;
  /** Puts in force what an entry of the feed says. */
  apply(item: FeedItem): void;
  /** Remembers a chain that is being verified, as long as it is used: a later rule may end it. */
  track(links: readonly ParsedLink[]): void;
  /** Forgets what refuses only links that have expired before `now` (Unix seconds). */
  forget(now: number): void;
  /** Calls `listener` with every link that is revoked, or whose use ends, from now on; before any watcher is called. */
  onEnforced(listener: (lid: string) => void): void;
  /** Ends whatever hangs on a name that is no link, such as a session. */
  signal(name: string): void;
  /** Calls `listener` once when one of the names is enforced or signalled. Watch first, then ask `isRevoked`, in one
   *  synchronous step: a revocation in between finds one of the two. The result unsubscribes. */
  watch(names: readonly string[], listener: () => void): () => void;
}

export interface RevocationsDeps {
  readonly log: Log;
  readonly isFresh: Revocations['isFresh'];
}

/** Makes the set of revocations, empty. */
export function createRevocations({ log, isFresh }: RevocationsDeps): Revocations {
  const revoked = new Map<string, number>();
  const rules = createBelowRules();
  const ruleEnds = new Map<string, { readonly rule: BelowRule; readonly exp: number }>();
  const live = createLiveChains();
  const outdated = new WeakSet<readonly ParsedLink[]>();
  const watchers = createWatchers(log);
  const listeners: ((lid: string) => void)[] = [];

  const end = (lid: string): void => {
    for (const listener of listeners) listener(lid);
    watchers.call(lid);
  };
  const enforce = (lid: string, exp = Number.POSITIVE_INFINITY): void => {
    if (revoked.has(lid)) return;
    revoked.set(lid, exp);
    end(lid);
  };
  const enforceRule = (rule: BelowRule, exp = Number.POSITIVE_INFINITY): void => {
    if (!rules.add(rule)) return;
    ruleEnds.set(nameOf({ rule }), { rule, exp });
    // A lid stands for one chain only, so what a rule ends is ended link by link. `forget` keeps them as long as the rule.
    for (const lid of live.find((index, links) => rules.since(index, links) !== undefined)) enforce(lid, exp);
  };
  return {
    isRevoked: (lid) => revoked.has(lid),
    isLinkRevoked: (lid, index, links) => revoked.has(lid) || rules.since(index, links) !== undefined,
    isFresh,
    enforce,
    enforceRule,
    enforceWhere: (test) => {
      for (const lid of live.find(test)) enforce(lid);
    },
    endWhere: (test) => {
      const lids = live.find(test, (links) => void outdated.add(links));
      for (const lid of lids) end(lid);
    },
    isOutdated: (links) => outdated.has(links),
    apply: (item) => ('lid' in item ? enforce(item.lid, item.exp) : enforceRule(item.rule, item.exp)),
    track: live.add,
    forget: (now) => {
      for (const [lid, exp] of revoked) if (exp < now) revoked.delete(lid);
      for (const [name, { rule, exp }] of ruleEnds) {
        if (exp >= now) continue;
        rules.remove(rule);
        ruleEnds.delete(name);
      }
    },
    onEnforced: (listener) => void listeners.push(listener),
    signal: watchers.call,
    watch: watchers.add,
  };
}

/** What a caller is told when revocations cannot be read. */
export function staleFeed(): TrustError {
  return new TrustError('UNAVAILABLE', 'revocations have not been heard of for too long', {
    hint: 'Try again; the operator finds the reason in the log.',
  });
}
