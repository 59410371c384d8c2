import { type CryptoProvider, createAuthorizer } from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import type { Metrics } from '../platform/metrics/metrics.js';
import type { Redis } from '../platform/redis/redis.js';
import { createRequestIds } from '../platform/request-id.js';
import type { Route } from '../platform/routes.js';
import type { Sql } from '../platform/sql.js';
import type { Clock, Random } from '../platform/system.js';
import type { Tracer } from '../platform/telemetry/tracer.js';
import { createAdmission } from './admission/admission.js';
import type { Admission, AdmissionDeps } from './admission/call.js';
import { createDrafts } from './admission/drafts.js';
import { createOutcomeQueue } from './admission/outcomes.js';
import type {
  AuditSink,
  CallLedger,
  CredentialAuthority,
  Policy,
  PolicyView,
  SecretSource,
} from './admission/ports.js';
import { createRateLimiter } from './admission/rate-limiter.js';
import type { BudgetCounters } from './budgets/counters.js';
import { createStatusHandler } from './budgets/status-route.js';
import { createCanary } from './canary.js';
import { createGuards } from './guard/guards.js';
import { createRateGate } from './limits/gate.js';
import { createMemoryLimits } from './limits/memory-limits.js';
import type { RateLimits } from './limits/rate-limits.js';
import { createRedisLimits } from './limits/redis-limits.js';
import { createAnswerCache } from './llm/answer-cache.js';
import { ANTHROPIC_MODELS } from './llm/anthropic.js';
import { createBodyRoom } from './llm/body-room.js';
import { CHAT } from './llm/chat.js';
import { EMBEDDINGS } from './llm/embeddings.js';
import { createModelFront, type ModelFrontDeps } from './llm/front.js';
import { createGivenItems } from './llm/given-items.js';
import { createHedging } from './llm/hedging.js';
import { createKnownSecrets } from './llm/known-secrets.js';
import { COUNT_TOKENS, MESSAGES } from './llm/messages.js';
import { createModelsFront } from './llm/models-front.js';
import { OPENAI_MODELS } from './llm/openai.js';
import { createPrices } from './llm/prices.js';
import { createReach } from './llm/reach.js';
import { RESPONSES } from './llm/responses.js';
import { createRouting } from './llm/routing.js';
import { createUpstreams } from './llm/upstream.js';
import { createLookAtTools } from './mcp/announced-tools.js';
import { createCatalogue } from './mcp/catalogue.js';
import { createMcpFront } from './mcp/front.js';
import { createInFlight } from './mcp/in-flight.js';
import { createPins } from './mcp/pins.js';
import type { ChildDeps } from './mcp/upstream/child.js';
import { createUpstreamPool } from './mcp/upstream/pool.js';
import { measureUpstream } from './mcp/upstream/upstream-metrics.js';
import { gatewayRoutes } from './routes.js';
import { createCallJournal } from './store.js';
import { measureCalls } from './telemetry/call-metrics.js';
import { createCallWatches } from './telemetry/call-watch.js';

/** @public main reads it from the module it loads by name */
export { createRateLimiter } from './admission/rate-limiter.js';
/** @public main reads it from the module it loads by name */
export { tryRedisLimits } from './limits/redis-trial.js';
export { compilePolicy } from './policy.js';

export interface GatewayDeps {
  /** The gateway's DID, the audience of sessions and capabilities. */
  readonly did: string;
  readonly authority: CredentialAuthority;
  readonly ledger: CallLedger;
  /** What the ledger counted. */
  readonly counters: BudgetCounters;
  readonly sink: AuditSink;
  readonly policy: PolicyView;
  /** Keys to model providers. */
  readonly secrets: SecretSource;
  readonly sql: Sql;
  /** Where all processes of the platform count rates; absent: this one counts by itself. */
  readonly redis: Redis | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent where nobody wants spans. */
  readonly tracer: Tracer | undefined;
  /** Where tool servers' allow-listed variables come from. */
  readonly environment: ChildDeps['environment'];
  readonly reaper: ChildDeps['reaper'];
}

/** The gateway. Its tables are `GATEWAY_MIGRATIONS`. */
export interface Gateway {
  readonly routes: readonly Route[];
  start(): void;
  /** Makes calls that must be refused, and checks that they are.
   *  Gives the receipts of the refusals; rejects if a call passed or could not be recorded. */
  canary(): Promise<readonly string[]>;
  /** Waits until every outcome is recorded, at most `limitMs`; true if nothing is left. For after the listener
   *  stopped accepting. */
  drain(limitMs: number): Promise<boolean>;
  /** The database is gone for good: nothing waits for records any more. The next start records what was lost. */
  giveUp(): void;
  /** Ends every tool server. */
  stop(): Promise<void>;
}

const PURGE_EVERY_MS = 3_600_000;

/** Builds the gateway; nothing runs before `start` or the first call. */
export function createGateway(deps: GatewayDeps): Gateway {
  const { clock, sql, policy, crypto } = deps;
  const log = deps.log.child({ room: 'gateway' });
  const pool = createUpstreamPool({ ...deps, log, meter: measureUpstream(deps.metrics) });
  const pins = createPins({ sql, clock, crypto, log });
  const journal = createCallJournal(sql, clock);
  const rates = createRateGate(rateLimitsOf(deps), deps.metrics, log);
  const outcomes = createOutcomeQueue(() => policy().limits.maxConcurrentCalls, log);
  const admissionDeps: AdmissionDeps = {
    gateway: deps.did,
    authority: deps.authority,
    authorizer: createAuthorizer(crypto),
    ledger: deps.ledger,
    sink: deps.sink,
    policy,
    limiter: createRateLimiter(
      () => policy().limits.perAddressPerMinute,
      () => clock.monotonic(),
    ),
    rates,
    journal,
    outcomes,
    drafts: createDrafts(deps),
    watch: createCallWatches({ tracer: deps.tracer, meter: measureCalls(deps.metrics, policy), clock, log }),
    clock,
    log,
  };
  const admission = createAdmission(admissionDeps);
  const catalogue = createCatalogue({ policy, pool, pins, log });
  const { models, close } = openModels(deps, admission, log);
  const mcp = createMcpFront({ admission, policy, catalogue, inFlight: createInFlight() });
  let purging: NodeJS.Timeout | undefined;
  const purge = (): void => {
    journal.purge().catch((error: unknown) => log.warn('the call journal was not purged', { err: error }));
  };
  return {
    routes: gatewayRoutes({
      mcp,
      chat: createModelFront(models, CHAT),
      responses: createModelFront(models, RESPONSES),
      embeddings: createModelFront(models, EMBEDDINGS),
      messages: createModelFront(models, MESSAGES),
      countTokens: createModelFront(models, COUNT_TOKENS),
      openAiModels: createModelsFront(models, OPENAI_MODELS),
      anthropicModels: createModelsFront(models, ANTHROPIC_MODELS),
      budgetStatus: createStatusHandler(deps),
      lookAtTools: createLookAtTools({ policy, pool, pins }),
    }),
    start() {
      purge();
      purging ??= setInterval(purge, PURGE_EVERY_MS).unref();
    },
    canary: createCanary(admission, createRequestIds(deps), deps.sink.assertAccepting),
    drain: (limitMs) => outcomes.drain(limitMs),
    giveUp: () => outcomes.giveUp(),
    async stop() {
      clearInterval(purging);
      rates.stop();
      await Promise.all([pool.stop(), close()]);
    },
  };
}

/** What calls of models are made with, and what ends it. */
function openModels(
  { clock, crypto, random, policy, secrets, metrics }: GatewayDeps,
  admission: Admission,
  log: Log,
): { readonly models: ModelFrontDeps; close(): Promise<void> } {
  const providers = (): Policy['providers'] => policy().providers;
  const { send, isLeftAlone, close } = createReach(
    createUpstreams(() => clock.now()),
    { clock, log, providers },
  );
  const monotonic = (): number => clock.monotonic();
  const secret = createKnownSecrets(secrets, clock);
  const guards = createGuards({ secret, metrics, log });
  const models = {
    admission,
    guards,
    cache: createAnswerCache(monotonic),
    given: createGivenItems(monotonic),
    policy,
    upstreams: { send, close },
    prices: createPrices(crypto),
    secret,
    routing: createRouting({ random, monotonic, isLeftAlone, providers }),
    hedging: createHedging(metrics),
    bodies: createBodyRoom(),
    now: () => clock.now(),
    monotonic,
  };
  return { models, close: async () => void (await Promise.all([close(), guards.stop()])) };
}

function rateLimitsOf({ redis, did, clock }: GatewayDeps): RateLimits {
  if (redis === undefined) return createMemoryLimits(() => clock.monotonic());
  return createRedisLimits({ redis, platform: did });
}
