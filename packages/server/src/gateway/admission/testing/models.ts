import type { Grant, Limit } from '@talosprotocol/contracts';
import {
  createAuthorizer,
  createDidResolver,
  createSigner,
  issueCapability,
  itemsOfModelCall,
  parseAnchors,
  TrustError,
  verifyCapability,
} from '@talosprotocol/protocol';
import { createMetrics } from '../../../platform/metrics/metrics.js';
import { clock, random } from '../../../platform/system.js';
import { createTestLog } from '../../../platform/testing/test-log.js';
import { createHedging, type Hedging } from '../../llm/hedging.js';
import type { CallJournal } from '../../store.js';
import { createTestLedger, createTestSink, crypto } from '../../testing/ports.js';
import type { AdmissionDeps, Call, Dispatched } from '../call.js';
import { decide } from '../decide.js';
import { createDrafts } from '../drafts.js';
import type { Ended } from '../ended.js';
import { createOutcomeQueue } from '../outcomes.js';
import type { Authenticated, DecisionDraft, OutcomeDraft } from '../ports.js';

/** After so many milliseconds a model is late. */
export const LATE = 1_000;
/** What each call holds. */
export const TOKENS = 60;
const GRANTS: Grant[] = [{ scope: 'llm:p', ops: ['write'] }];
const organisation = createSigner(new Uint8Array(32).fill(1), crypto);
const seconds = (): number => Math.floor(clock.now() / 1000);
export const upTo = (tokens: number): Limit[] => [{ per: 'total', tokens }];

async function callerOf({
  kind = 'bearer',
  limits = upTo(1_000_000),
  rid = 'rid_1',
  provenAt,
}: ModelsOptions): Promise<Authenticated> {
  const deps = { crypto, now: seconds, randomBytes: random };
  const named = { sub: organisation.did, aud: [organisation.did], exp: seconds() + 600 };
  const { chain } = issueCapability({ ...named, grants: GRANTS, limits }, organisation, deps);
  const capability = await verifyCapability(chain, {
    now: seconds(),
    audience: organisation.did,
    anchors: parseAnchors([{ iss: organisation.did, tenant: 'default', grants: GRANTS }], crypto),
    isRevoked: () => false,
    resolver: createDidResolver({ now: seconds }),
    crypto,
  });
  const { cth } = capability;
  const credential =
    kind === 'bearer' ? ({ kind, cth } as const) : ({ kind, cth, sid: 'sid_1', seq: 1, rid } as const);
  const proven = provenAt === undefined ? {} : { provenAt };
  return { capability, credential, ...proven, assertLive: () => undefined, onRevoked: () => () => undefined };
}

export const hedgingOf = (metrics = createMetrics()) => ({ metrics, hedging: createHedging(metrics) });
export const ALIAS = { targets: [], choose: 'order', fallback: true, hedgeAfterMs: LATE } as const;

/** Every rid is new to it. */
const NO_JOURNAL: Pick<CallJournal, 'claim' | 'finish' | 'release'> = {
  claim: async () => undefined,
  finish: async () => undefined,
  release: async () => undefined,
};

export interface ModelsOptions {
  readonly kind?: 'bearer' | 'session';
  readonly limits?: Limit[];
  readonly hedging?: Hedging;
  readonly names?: readonly string[];
  readonly journal?: Pick<CallJournal, 'claim' | 'finish' | 'release'>;
  readonly rid?: string;
  /** Of a proof, in Unix seconds. */
  readonly provenAt?: number;
}

/** Models that answer when a test says so. */
function createModels() {
  const asked: string[] = [];
  const readOn: string[] = [];
  const upstream = new Map<string, (dispatched: Dispatched<string>) => void>();
  const done = async (name: string, dispatched: Dispatched<string>) => {
    upstream.get(name)?.(dispatched);
    await settled();
  };
  return {
    asked,
    readOn,
    ask(name: string): Promise<Dispatched<string>> {
      asked.push(name);
      return new Promise((resolve) => upstream.set(name, resolve));
    },
    /** It answers, and what it comes to is known at once. */
    answers: (name: string, more: Partial<Dispatched<string>> = {}) =>
      done(name, { answer: `of ${name}`, ended: Promise.resolve(ended(7)), ...more }),
    /** It has no answer. */
    fails: (name: string, isForAnother = true) =>
      done(name, {
        answer: `failure of ${name}`,
        ended: Promise.resolve(FAILED),
        isFailure: true,
        isForAnother,
      }),
    /** It begins a stream, which ends when it is read on. */
    streams(name: string, tokens: number) {
      let end: (ended: Ended) => void = () => undefined;
      const ending = new Promise<Ended>((resolve) => {
        end = resolve;
      });
      const read = (): void => {
        readOn.push(name);
        end({ ...ended(tokens), status: 'cancelled' });
      };
      return done(name, { answer: `of ${name}`, ended: ending, readOn: read });
    },
  };
}

/** What a test may change on the way. */
function createState() {
  return {
    policy: 'a'.repeat(64),
    hasLeft: false,
    /** Models of which a guard says no. */
    refuses: new Set<string>(),
    /** What a model waits for before it can be asked. */
    preparing: new Map<string, Promise<void>>(),
  };
}

type Models = ReturnType<typeof createModels>;
type State = ReturnType<typeof createState>;

/** The call of the first of these models, and then of the next ones. */
function callOf(
  [name = '', ...rest]: readonly string[],
  hedge: Call<string>['hedge'],
  around: { readonly models: Models; readonly state: State },
): Call<string> {
  const { models, state } = around;
  return {
    action: { method: 'chat/completions', provider: 'p', model: name, op: 'write' },
    op: 'write',
    recordedFirst: false,
    cost: { tokens: TOKENS },
    request: { bytes: new Uint8Array() },
    arguments: {},
    items: () =>
      itemsOfModelCall({ op: 'write', provider: name === 'foreign' ? 'q' : 'p', model: name, features: [] }),
    real: () => undefined,
    async prepare() {
      await state.preparing.get(name);
      if (state.refuses.has(name)) throw new TrustError('CONTENT_REFUSED', 'a guard says no');
      const dispatch = () => models.ask(name);
      return { forwarded: { bytes: new Uint8Array() }, dispatch, release: () => undefined };
    },
    instead: rest.length === 0 ? undefined : () => (state.hasLeft ? undefined : callOf(rest, hedge, around)),
    hedge: rest.length === 0 ? undefined : hedge,
    failure: ({ code }) => code,
    kept: {
      of: (answer, hash) => ({ form: { answer }, hash: hash(answer) }),
      answer: ({ answer }) => `kept: ${String(answer)}`,
    },
    cancelled: undefined,
  };
}

/** A gateway in front of models that answer when a test says so. */
export async function openModels(options: ModelsOptions = {}) {
  const { names = ['a', 'b', 'c'], hedging = hedgingOf().hedging, journal = NO_JOURNAL } = options;
  const [audit, ledger, lines] = [createTestSink(), createTestLedger(), [] as string[]];
  const [models, state, shown] = [createModels(), createState(), [] as (string | undefined)[]];
  const log = createTestLog(lines);
  const outcomes = createOutcomeQueue(() => 100, log);
  const deps = {
    ...{ gateway: organisation.did, authorizer: createAuthorizer(crypto), ledger, sink: audit.sink },
    policy: () => ({ hash: state.policy, rates: [], budgets: [] }),
    journal,
    ...{ outcomes, drafts: createDrafts({ crypto, clock, random }), clock, log },
  } as unknown as AdmissionDeps;
  const caller = await callerOf(options);
  const hedge = hedging.of(ALIAS);
  const begin = (uuid = deps.drafts.uuid()) => {
    const call = callOf(names, hedge, { models, state });
    const watch = {
      decides: ({ action }: { action: { model?: string } }) => void shown.push(action.model),
      follows: <D>(_: unknown, dispatch: Promise<D>) => dispatch,
      closes: <V>(verdict: V) => verdict,
    };
    const { action } = call;
    const base = { uuid, request: 'req_1', surface: 'llm', address: '127.0.0.1', tenant: 'default' } as const;
    const { credential } = caller;
    return decide(deps, caller, call, { ...base, policy: state.policy, action, credential, caller, watch });
  };
  return { ...models, ...recordOf(audit.events), audit, ledger, state, shown, begin, outcomes, lines };
}

/** What the log was told. */
function recordOf(events: ReturnType<typeof createTestSink>['events']) {
  const decisions = () => events.filter((event): event is DecisionDraft => event.type === 'decision');
  return {
    decisions,
    effects: () => decisions().map(({ members }) => [members.action.model, members.effect]),
    /** What became of each call, by its model. */
    ends: () => {
      const models = new Map(decisions().map(({ id, members }) => [id, members.action.model]));
      return events
        .filter((event): event is OutcomeDraft => event.type === 'outcome')
        .map(({ members }) => [models.get(members.decision), members.status, members.usage?.output]);
    },
  };
}

export const ended = (tokens: number): Ended => ({
  status: 'completed',
  spent: { usage: { input: 0, output: tokens } },
});
export const FAILED: Ended = { status: 'failed', spent: { usage: { input: 0, output: 0 } } };

export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
