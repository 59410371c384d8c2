import type { ActionRecord } from '@talosprotocol/contracts';
import { isTrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Clock } from '../../platform/system.js';
import { parseTraceparent, type TraceParent } from '../../platform/telemetry/traceparent.js';
import type { Span, Tracer } from '../../platform/telemetry/tracer.js';
import type { Ended } from '../admission/ended.js';
import type { SurfaceName } from '../admission/ports.js';
import type {
  DecidedDispatch,
  WatchCall,
  WatchedArrival,
  WatchedCall,
  WatchedDecision,
  WatchedDispatch,
  WatchedVerdict,
} from '../admission/watch.js';
import type { CallMeter } from './call-metrics.js';
import { actionAttributes, dispatchNameOf, requestAttributes, spanNameOf } from './operation.js';
import { spentAttributes } from './spent-attributes.js';

export interface CallWatchDeps {
  /** Absent where nobody wants spans: then none are made. */
  readonly tracer: Tracer | undefined;
  readonly meter: CallMeter;
  readonly clock: Clock;
  readonly log: Log;
}

/** A dispatch under watch. */
interface Following {
  readonly receipt: string;
  readonly followed: Promise<Followed>;
}

/** How a dispatch ended. */
interface Followed {
  readonly end: Ended;
  readonly error: string | undefined;
}

/** A request under watch. */
interface Watching extends CallWatchDeps {
  readonly arrival: WatchedArrival;
  readonly surface: SurfaceName;
  /** When it arrived: in Unix milliseconds, and by the clock that never goes back. */
  readonly at: number;
  readonly began: number;
  readonly dispatches: Following[];
  action: ActionRecord | undefined;
  span: Span | undefined;
  /** Receipt of what the request was answered, once it was. */
  answered: string | undefined;
}

export function createCallWatches(deps: CallWatchDeps): WatchCall {
  const { clock, log } = deps;
  const report = (err: unknown): void => log.error('a call was not watched to its end', { err });
  return (arrival, surface) => {
    const [at, began] = [clock.now(), clock.monotonic()];
    const watching: Watching = {
      arrival,
      surface,
      at,
      began,
      dispatches: [],
      action: undefined,
      span: undefined,
      answered: undefined,
      ...deps,
    };
    return {
      decides: (decision, call) => decides(watching, decision, call),
      follows: (decided, dispatch) => {
        const followed = follow(watching, decided, dispatch);
        followed.catch(report);
        watching.dispatches.push({ receipt: decided.receipt, followed });
        return dispatch;
      },
      closes: (verdict) => {
        const fail = (error: unknown): void =>
          finish(watching, isTrustError(error) ? error.code : 'INTERNAL')();
        verdict.then((found) => close(watching, found), fail).catch(report);
        return verdict;
      },
    };
  };
}

function secondsSince({ clock }: Watching, since: number): number {
  return (clock.monotonic() - since) / 1000;
}

/** Unix milliseconds, as far from the arrival as they are. */
function now(watching: Watching): number {
  return watching.at + secondsSince(watching, watching.began) * 1000;
}

function decides(watching: Watching, decision: WatchedDecision, call: WatchedCall | undefined): void {
  watching.action = decision.action;
  const { tracer, surface, arrival, at, action, span } = watching;
  if (tracer === undefined) return;
  const attributes = {
    ...actionAttributes(action),
    ...(call && requestAttributes(surface, call.arguments)),
    'talos.request': arrival.requestId,
    'talos.policy': decision.policy,
    'talos.lid': decision.caller?.capability.leaf.lid,
  };
  const name = spanNameOf(action, surface);
  span?.set(attributes);
  span?.rename(name);
  watching.span ??= tracer.start(name, { at, attributes, parent: parentOf(arrival, call?.traceparent) });
}

/** What a message says of itself goes before what its request says: one connection may carry the messages of many. */
function parentOf({ rawHeaders }: WatchedArrival, own: string | undefined): TraceParent | undefined {
  const ofMessage = own === undefined ? undefined : parseTraceparent(['traceparent', own]);
  return ofMessage ?? parseTraceparent(rawHeaders);
}

async function follow(
  watching: Watching,
  { receipt, action }: DecidedDispatch,
  dispatch: Promise<WatchedDispatch>,
): Promise<Followed> {
  const { clock, surface, meter, began } = watching;
  const since = clock.monotonic();
  const span = watching.span?.child(dispatchNameOf(action, surface), {
    at: now(watching),
    attributes: { ...actionAttributes(action), 'talos.receipt': receipt },
  });
  const { begun, fault, end: ending } = await dispatch;
  void begun?.then(() => {
    span?.set({ 'gen_ai.response.time_to_first_chunk': secondsSince(watching, since) });
    // Nobody sees the first bit of what was asked beside the answer (LLM-35).
    if ((watching.answered ?? receipt) === receipt) meter.began(action, secondsSince(watching, began));
  });
  const end = await ending;
  const error = fault ?? errorOf(end);
  if (error !== undefined) span?.fail(error);
  span?.set({ 'talos.outcome': end.status, 'gen_ai.response.model': end.responseModel });
  span?.end(now(watching));
  meter.spent(action, end);
  return { end, error };
}

async function close(watching: Watching, { kind, receipt, refusal }: WatchedVerdict): Promise<void> {
  if (kind === 'identified') return;
  const { dispatches } = watching;
  watching.answered = receipt;
  const given = dispatches.find((dispatch) => dispatch.receipt === receipt) ?? dispatches.at(-1);
  const last = await given?.followed;
  // Denials beyond what the log keeps of one caller are no spans either: nobody fills the receiver by being refused.
  if (receipt === undefined && last === undefined) watching.span = undefined;
  const end = finish(watching, refusal?.code ?? last?.error);
  // What was asked beside it may go on; what it comes to is counted too (LLM-35).
  const followed = await Promise.all(dispatches.map((dispatch) => dispatch.followed));
  watching.span?.set({
    ...spentAttributes(followed.map(({ end }) => end)),
    'talos.decision': refusal === undefined ? 'allow' : 'deny',
    'talos.receipt': receipt,
    'talos.outcome': refusal === undefined ? last?.end.status : undefined,
    'gen_ai.response.model': refusal === undefined ? last?.end.responseModel : undefined,
  });
  end();
}

/** The request ends now. Gives what lets its span leave, once nothing is to be added to it. */
function finish(watching: Watching, error: string | undefined): () => void {
  const { action, span, meter, began } = watching;
  const at = now(watching);
  if (action !== undefined) meter.ended({ action, error, seconds: secondsSince(watching, began) });
  if (error !== undefined) span?.fail(error);
  return () => span?.end(at);
}

/** `error.type` of what did not come to its end. */
function errorOf({ status, code }: Ended): string | undefined {
  if (status === 'completed') return undefined;
  if (status === 'cancelled') return 'cancelled';
  if (status === 'revoked_during') return 'REVOKED';
  return code ?? 'UPSTREAM_FAILED';
}
