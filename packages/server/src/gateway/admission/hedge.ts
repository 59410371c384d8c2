import type { Log } from '../../platform/log.js';
import type { Call, Dispatched, Hedge } from './call.js';
import { type CallFacts, type Decided, NOTHING_SPENT } from './dispatch.js';

/** A call that is to be decided, and what is known of it. */
export interface Attempt<A> {
  readonly call: Call<A>;
  readonly facts: CallFacts;
}

/** One that was decided. */
export interface Tried<A> extends Attempt<A> {
  readonly decided: Decided<A>;
}

/** One of which nothing could be decided or recorded. */
interface Failed<A> extends Attempt<A> {
  readonly error: unknown;
}

type Result<A> = Tried<A> | Failed<A>;

export interface HedgeDeps<A> {
  /** Decides a call, and makes it. */
  ask(attempt: Attempt<A>): Promise<Decided<A>>;
  /** The same call of the next target; undefined if none is to be made. */
  next(attempt: Attempt<A>): Attempt<A> | undefined;
  readonly log: Log;
}

/** Makes a call, and if its target is late the same of the next one beside it, once in a request (LLM-35). Gives that of which
 *  the caller gets the answer; the other one is read to its end, so that it is settled by what it came to. If neither has an
 *  answer it gives the one from which a fallback goes on. @throws what `ask` throws of it */
export async function askHedged<A>(first: Attempt<A>, deps: HedgeDeps<A>): Promise<Tried<A>> {
  const { hedge } = first.call;
  // What is for one dispatch may be gone on from where that has no answer, but never gives two.
  if (hedge === undefined || first.facts.credential.kind !== 'bearer')
    return { decided: await deps.ask(first), ...first };
  const { call, isLate, end } = timed(first.call, hedge);
  const one = resultOf(first, deps.ask({ ...first, call }).finally(end));
  const next = (await isLate) ? deps.next(first) : undefined;
  if (next === undefined || !hedge.take()) return triedOf(await one);
  return besides(one, next, hedge, deps);
}

/** What a call comes to while another one is made beside it. */
async function besides<A>(
  one: Promise<Result<A>>,
  next: Attempt<A>,
  hedge: Hedge,
  { ask, log }: HedgeDeps<A>,
): Promise<Tried<A>> {
  let isOver = false;
  const call = dispatching(next.call, async (dispatch) => (isOver ? unneeded(next) : dispatch()));
  const two = resultOf(next, ask({ ...next, call }));
  const answer = await firstAnswer(one, two);
  isOver = true;
  const given = answer ?? (await ofNeither(one, two));
  for (const result of [one, two])
    void result.then((other) => {
      if (other !== given) letGo(other, log);
    });
  hedge.ended(answer === undefined ? 'none' : answer.facts === next.facts ? 'second' : 'first');
  // The request is that of the call whose answer it has.
  given.facts.watch.decides(given.facts, given.call);
  return triedOf(given);
}

/** A call under watch: `isLate` settles as true once its target took too long, and as false if it did not. Only the target's
 *  own time counts: a log or a guard that is slow is slow for the next one too. */
function timed<A>(call: Call<A>, hedge: Hedge) {
  let tell: (isLate: boolean) => void = () => undefined;
  const isLate = new Promise<boolean>((resolve) => {
    tell = resolve;
  });
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearTimeout(timer);
    tell(false);
  };
  const watched = dispatching(call, async (dispatch) => {
    hedge.begins();
    timer = setTimeout(tell, hedge.afterMs, true).unref();
    return dispatch().finally(end);
  });
  return { call: watched, isLate, end };
}

type Dispatch<A> = () => Promise<Dispatched<A>>;

/** The same call, dispatched in another way. */
function dispatching<A>(call: Call<A>, make: (dispatch: Dispatch<A>) => Promise<Dispatched<A>>): Call<A> {
  return {
    ...call,
    prepare: async (signal) => {
      const prepared = await call.prepare(signal);
      return { ...prepared, dispatch: (stop) => make(() => prepared.dispatch(stop)) };
    },
  };
}

/** It was allowed and held, and meanwhile the answer is there: its target is not asked, and nothing is spent. */
function unneeded<A>({ call, facts }: Attempt<A>): Dispatched<A> {
  const failure = { code: 'UNAVAILABLE', hint: 'Another target has answered meanwhile.' } as const;
  return {
    answer: call.failure(failure, `rcp_${facts.uuid}`),
    ended: Promise.resolve({ ...NOTHING_SPENT, status: 'cancelled' }),
    isFailure: true,
  };
}

/** Never rejects. */
function resultOf<A>(attempt: Attempt<A>, decided: Promise<Decided<A>>): Promise<Result<A>> {
  return decided.then(
    (found) => ({ ...attempt, decided: found }),
    (error: unknown) => ({ ...attempt, error }),
  );
}

function triedOf<A>(result: Result<A>): Tried<A> {
  if ('error' in result) throw result.error;
  return result;
}

/** The first that is an answer; undefined if neither is. */
function firstAnswer<A>(one: Promise<Result<A>>, two: Promise<Result<A>>): Promise<Result<A> | undefined> {
  return new Promise((resolve) => {
    let open = 2;
    const settle = (result: Result<A>): void => {
      open -= 1;
      if (isAnswer(result)) resolve(result);
      else if (open === 0) resolve(undefined);
    };
    void one.then(settle);
    void two.then(settle);
  });
}

/** What the one refuses, or fails with, the other may still answer: it is asked already, and paid for. */
function isAnswer<A>(result: Result<A>): boolean {
  return 'decided' in result && result.decided.kind === 'answered' && result.decided.isFailure !== true;
}

function isForAnother<A>(result: Result<A>): boolean {
  return 'decided' in result && result.decided.kind === 'answered' && result.decided.isForAnother === true;
}

/** As without a hedge: where the first leaves it to another, that was the second; one that was denied is as if it had not been. */
async function ofNeither<A>(one: Promise<Result<A>>, two: Promise<Result<A>>): Promise<Result<A>> {
  const [first, second] = [await one, await two];
  const wasAsked = 'decided' in second && second.decided.kind === 'answered';
  return isForAnother(first) && wasAsked ? second : first;
}

/** Nobody gets it. */
function letGo<A>(result: Result<A>, log: Log): void {
  if ('error' in result)
    log.warn('a call that was made beside another could not be recorded', { err: result.error });
  else if (result.decided.kind === 'answered') result.decided.readOn?.();
}
