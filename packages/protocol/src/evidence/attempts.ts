import type { DecisionEvent, OutcomeEvent } from '@talosprotocol/contracts';
import { canonicalize } from '../encoding/jcs.js';
import { notProven } from './not-proven.js';

/** Calls of models that go on from one another within one request (AUD-128). */
export interface Attempts {
  /** The `id` of the first of the decisions that one, allowed or denied, goes on from, which has used up already what it is made
   *  with; its own if it goes on from none that was shown.
   *  @throws {TrustError} PROOF_NOT_PROVEN: it goes on from what it cannot */
  lineOf(event: DecisionEvent): string;
  /** Notes how a call ended. @throws {TrustError} PROOF_NOT_PROVEN: it was completed, and yet another one went on from it */
  end(event: OutcomeEvent): void;
}

/** An allowed call of a model. */
interface Attempt {
  readonly event: DecisionEvent;
  /** `id` of the first one. */
  readonly line: string;
  /** Models that were asked up to it. */
  readonly models: readonly string[];
  isCompleted: boolean;
  /** Another one goes on from it. */
  isLeft: boolean;
}

/** So many stand behind one name (LLM-27). */
const MOST_MODELS = 8;

/** Keeps what can be gone on from. `isClosed` says whether what the event at hand names must have been shown. */
export function createAttempts(isClosed: () => boolean): Attempts {
  const known = new Map<string, Attempt>();
  const earlierOf = (event: DecisionEvent, after: string): Attempt | undefined => {
    if (!isForOneDispatch(event)) throw wrong('another, of which it has no need');
    const earlier = known.get(after);
    if (earlier === undefined && isClosed()) throw wrong('one that was never shown as allowed');
    if (earlier === undefined) return undefined;
    checkSame(event, earlier);
    earlier.isLeft = true;
    return earlier;
  };
  return {
    lineOf(event) {
      const earlier = event.after === undefined ? undefined : earlierOf(event, event.after);
      const line = earlier?.line ?? event.id;
      if (event.effect === 'allow' && isForOneDispatch(event)) {
        const models = [...(earlier?.models ?? []), modelOf(event)];
        known.set(event.id, { event, line, models, isCompleted: false, isLeft: false });
      }
      return line;
    },
    end({ decision, status }) {
      const attempt = known.get(decision);
      if (attempt === undefined || status !== 'completed') return;
      attempt.isCompleted = true;
      if (attempt.isLeft) throw wrong('one that was completed');
    },
  };
}

function checkSame(event: DecisionEvent, { event: earlier, models, isCompleted, isLeft }: Attempt): void {
  if (isLeft) throw wrong('one that another went on from');
  if (isCompleted) throw wrong('one that was completed');
  if (models.length >= MOST_MODELS) throw wrong('more models than an alias has');
  if (models.includes(modelOf(event))) throw wrong('one of the same model');
  const isSame = NAMES.every((name) => canonicalize(event[name]) === canonicalize(earlier[name]));
  if (!isSame || event.action.method !== earlier.action.method) throw wrong('one of another request');
}

/** What makes it the same request: with the credential also whose it is. */
const NAMES = ['request', 'surface', 'emitter', 'tenant', 'credential', 'policy'] as const;

/** A key may be shown as often as one likes. */
const isForOneDispatch = ({ surface, credential }: DecisionEvent): boolean =>
  surface === 'llm' && credential.kind !== 'bearer' && credential.cth !== undefined;

const modelOf = ({ action }: DecisionEvent): string => `${action.provider}/${action.model}`;

const wrong = (what: string) => notProven('decision', `a call goes on from ${what}`);
