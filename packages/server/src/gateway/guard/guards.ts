import type { GuardVerdict } from '@talosprotocol/contracts';
import { type JsonObject, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import type { Secret } from '../../platform/secret.js';
import { createExternalClient } from './external.js';
import { type GuardPolicy, MOST_GROWTH } from './guard.js';
import { withoutLogprobs } from './logprobs.js';
import { createLookers } from './looker.js';
import { createMasks } from './masks.js';
import { type Guarded, guardMessage } from './message-guard.js';
import { createScanner, type ScannedFor } from './scan/scanner.js';
import { createStreamGuard, type StreamGuard } from './stream-guard.js';

/** Looks at calls of models as guards of the policy do. */
export interface Guards {
  /** Looks at a request. */
  look(policies: readonly GuardPolicy[], request: JsonObject, by: ScannedFor): Promise<GuardedRequest>;
  /** Counts what they said. */
  count(stage: 'request' | 'answer', verdicts: readonly GuardVerdict[]): void;
  stop(): Promise<void>;
}

/** What guards said of a request, and how they look at its answer. */
export interface GuardedRequest extends Guarded {
  /** Looks at an answer that is there as a whole. */
  whole(answer: JsonObject): Promise<Guarded>;
  /** Looks at one that comes bit by bit; undefined if nobody wants to, and nothing is put back. */
  stream(): StreamGuard | undefined;
}

export function createGuards(deps: {
  readonly secret: (name: string) => Promise<Secret<string> | undefined>;
  readonly metrics: Metrics;
  readonly log: Log;
}): Guards {
  const verdicts = deps.metrics.counter({
    name: 'talos_guard_verdicts_total',
    help: 'What guards said of requests and of answers, each by what it did.',
    labels: ['guard', 'stage', 'action'],
  });
  const scanner = createScanner();
  const external = createExternalClient(deps.secret);
  const lookerFor = createLookers(scanner, external.ask, deps.log);
  return {
    async look(policies, request, by) {
      const looker = lookerFor(by);
      // What was paid for is looked at also if nobody waits for it any more: the record says what guards said of it.
      const later = lookerFor({ ...by, isWanted: () => true });
      const text = JSON.stringify(request);
      const found = createMasks(text);
      const asking = policies.filter(({ places }) => places.has('prompt') || places.has('tool-result'));
      const guarded = await guardMessage(request, { guards: asking, looker, place: 'prompt', masks: found });
      const guards = policies.filter(({ places }) => places.has('answer'));
      const masks = found.size === 0 ? undefined : found;
      return {
        ...guarded,
        refusal: guarded.refusal ?? growthRefusal(text, guarded.message, request),
        async whole(answer) {
          const seen = await guardMessage(answer, { guards, looker: later, place: 'answer', masks });
          const changes = masks !== undefined || guards.some(({ action }) => action === 'mask');
          return changes ? { ...seen, message: withoutLogprobs(seen.message) } : seen;
        },
        stream: () =>
          guards.length === 0 && masks === undefined
            ? undefined
            : createStreamGuard({ guards, looker: later, masks }),
      };
    },
    count(stage, said) {
      for (const { guard, action } of said) verdicts.with({ guard, stage, action }).add();
    },
    async stop() {
      await Promise.all([scanner.stop(), external.close()]);
    },
  };
}

function growthRefusal(before: string, message: JsonObject, request: JsonObject): TrustError | undefined {
  if (message === request || JSON.stringify(message).length <= before.length + MOST_GROWTH) return undefined;
  return new TrustError('CONTENT_REFUSED', 'masked, the request is longer than what is held for it', {
    hint: 'Too many short parts of it are to be masked: leave them out.',
  });
}

/** `X-Talos-Guard`: guards that found something, each as `"name";did=mask`. */
export function guardHeaders(verdicts: readonly GuardVerdict[]): Readonly<Record<string, string>> {
  const told = verdicts.filter(({ action, failed }) => action !== 'allow' || failed === true);
  if (told.length === 0) return {};
  const shown = told.map(
    ({ guard, action, failed }) => `"${guard}";did=${failed === true ? 'fail' : action}`,
  );
  return { 'x-talos-guard': [...new Set(shown)].join(', ') };
}
