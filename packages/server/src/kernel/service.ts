import type { WellKnown } from '@talosprotocol/contracts';
import type { CryptoProvider, DidDirectory, SignatureVerifier, Signer } from '@talosprotocol/protocol';
import type { Deps } from '../platform/deps.js';
import { createOutbox } from '../platform/outbox.js';
import type { Route } from '../platform/routes.js';
import { createSqlListener, type SqlListener } from '../platform/sql-listener.js';
import { startTasks } from '../platform/tasks.js';
import type { Webhook } from '../platform/webhook.js';
import { createBudgetAlarm } from './budget-alarm.js';
import { createGateCheck } from './canary.js';
import { createAnchorEnds } from './capability/anchor-ends.js';
import { createAuthorizing } from './capability/authorizing.js';
import { createAuthzen } from './capability/authzen.js';
import { createAuthzenRoutes } from './capability/authzen-routes.js';
import { createBearers } from './capability/bearers.js';
import { createIssuing } from './capability/issuing.js';
import { createKnownChains } from './capability/known-chains.js';
import { createVerification } from './capability/verification.js';
import { createEvents } from './events.js';
import { IDENTITY_CHANNEL } from './identity/change-store.js';
import { createEndings } from './identity/endings.js';
import { createIdentities } from './identity/identities.js';
import { createRotations, type Rotations } from './identity/rotations.js';
import { createIdentityAdminRoutes, createIdentityPublicRoutes } from './identity/routes.js';
import { createStanding, endedIn, type Standing } from './identity/standing.js';
import { observeKernel } from './kernel-metrics.js';
import { type CounterList, createCounterList } from './ledger/counter-list.js';
import { createLedger, type Ledger } from './ledger/ledger.js';
import { createLedgerStore } from './ledger/ledger-store.js';
import { OUTBOX_TABLE } from './outbox-table.js';
import type {
  AuditSink,
  Authenticated,
  Authorize,
  DecisionLookup,
  ExaminedProof,
  KernelDraft,
  KernelPolicy,
  PresentedProof,
  ProvenRequest,
  RateLimiter,
  SignedRequest,
} from './ports.js';
import { createFeed } from './revocation/feed.js';
import { createRevocations, type Revocations } from './revocation/revocations.js';
import { createRevoking } from './revocation/revoking.js';
import { createRevocationRoutes } from './revocation/routes.js';
import { createAdminRoutes, createPublicRoutes } from './routes.js';
import { createProofs } from './session/proofs.js';
import { createSessionRoutes } from './session/session-routes.js';
import { createSessions } from './session/sessions.js';
import { createKernelStore, type KernelStore } from './store.js';

/** What the kernel is built from. Its migrations (`kernelMigrations`) must have run. */
export interface KernelDeps extends Pick<Deps, 'sql' | 'clock' | 'random' | 'log' | 'metrics'> {
  readonly crypto: CryptoProvider;
  /** Verifies the signatures of chains on other threads; by default this one does. */
  readonly signatures?: SignatureVerifier;
  readonly resolver: DidDirectory;
  /** Signs root links. */
  readonly organisation: Signer;
  /** Signs answers to openings; its DID is the audience of every chain. */
  readonly gateway: Signer;
  readonly policy: () => KernelPolicy;
  readonly audit: AuditSink;
  readonly decisions: DecisionLookup;
  readonly limiter: RateLimiter;
  /** Told when a budget is used up to a mark. */
  readonly webhook: Webhook | undefined;
  /** Checks a caller of a route that is open to others as well. @throws {TrustError} UNAUTHENTICATED | FORBIDDEN */
  readonly authorize: Authorize;
  readonly wellKnown: WellKnown;
  /** Most memory for open sessions, in bytes. */
  readonly sessionMemory: number;
  /** Number of this node, and which of its starts this is; 32 bits each, together never used before. */
  readonly node: number;
  readonly boot: number;
}

/** The kernel: who may act here, and how it proves it. */
export interface Kernel {
  /** For the kernel's listener only; the listener checks the administrator. */
  readonly adminRoutes: readonly Route[];
  /** For the kernel's listener and the gateway's. */
  readonly sessionRoutes: readonly Route[];
  /** For the kernel's listener and the gateway's. */
  readonly publicRoutes: readonly Route[];
  /** The gateway's port `CredentialAuthority`. */
  readonly credentials: {
    peekSession(authorization: string): void;
    authenticateSession(authorization: string, request: SignedRequest): Authenticated;
    authenticateBearer(key: string): Promise<Authenticated>;
    examineProof(presented: PresentedProof, request: ProvenRequest): Promise<ExaminedProof>;
  };
  /** The gateway's port `CallLedger`. */
  readonly ledger: Pick<Ledger, 'hold'>;
  /** The gateway's port `BudgetCounters`. */
  readonly counters: CounterList;
  /** Health checks by name, for readiness. */
  readonly checks: Readonly<Record<string, () => void | Promise<void>>>;
  /** Tells that another policy came into force: what hangs on an anchor that is gone or was changed ends at once, sessions
   *  and running calls too. */
  policyChanged(): void;
  /** Reads what other processes revoked, and beats if this node leads the feed; also done now and then. */
  poll(): Promise<void>;
  /** Ends the tasks and gives unused leases back. Call it once no call runs any more, before the database closes. */
  close(): Promise<void>;
}

/** Builds the kernel and reads all revocations: nothing is served before. */
export async function createKernel(deps: KernelDeps): Promise<Kernel> {
  const store = createKernelStore(deps.sql);
  const revocations = createRevocations({ log: deps.log, isFresh: (op) => feed.isFresh(op) });
  const feed = createFeed({ ...deps, store, revocations });
  await feed.start();
  const gateway = deps.gateway.did;
  const { standing, rotations, endings } = await openStanding(deps, store, revocations);
  const verification = createVerification({ ...deps, gateway, revocations, standing });
  const record = (draft: KernelDraft) => deps.audit.record(draft);
  const outbox = createOutbox<KernelDraft>({ ...deps, table: OUTBOX_TABLE, record });
  const events = createEvents({ ...deps, outbox });
  const knownChains = createKnownChains({ verification, revocations });
  const shared = { ...deps, store, revocations, verification, events, knownChains, standing };
  const sessions = createSessions(shared);
  observeKernel(deps.metrics, { sessions, feed });
  const bearers = createBearers(shared);
  const proofs = createProofs({ ...shared, gateway, consumeNonce: sessions.consumeNonce });
  const revoking = createRevoking({ ...shared, feed, issuer: deps.organisation.did });
  const alarm = createBudgetAlarm(deps, events);
  const ledger = createLedger({ ...deps, onMarks: alarm.onMarks, store: createLedgerStore(deps.sql) });
  const authorizing = createAuthorizing(shared);
  const routes = {
    ...shared,
    identities: createIdentities({ ...shared, gateway, consumeNonce: sessions.consumeNonce }),
    endings: createEndings({ ...shared, gateway, rotations }),
    issuing: createIssuing({ ...shared, gateway }),
    authorizing,
    revoking,
  };
  const tasks = startTasks(deps, 'kernel', [
    { name: 'revocation feed', everyMs: 1_000, run: feed.beat },
    { name: 'revocations', everyMs: 5_000, run: feed.poll },
    { name: 'expired revocations', everyMs: 3_600_000, run: revoking.tidy },
    { name: 'old feed entries', everyMs: 3_600_000, run: feed.tidy },
    { name: 'ended identities', everyMs: 1_000, run: standing.poll },
    { name: 'outbox', everyMs: 5_000, run: outbox.drain },
    { name: 'alarms', everyMs: 5_000, run: alarm.drain },
    { name: 'ledger', everyMs: 60_000, run: ledger.tidy },
    { name: 'sessions', everyMs: 1_000, run: async () => sessions.sweep() },
  ]);
  return {
    adminRoutes: [
      ...createAdminRoutes(routes),
      ...createIdentityAdminRoutes(routes),
      ...createAuthzenRoutes(createAuthzen({ authorizing })),
    ],
    publicRoutes: [
      ...createPublicRoutes(routes),
      ...createIdentityPublicRoutes(routes),
      ...createRevocationRoutes({ ...shared, feed }),
    ],
    sessionRoutes: createSessionRoutes({ ...shared, sessions }),
    credentials: {
      peekSession: sessions.peek,
      authenticateSession: sessions.authenticate,
      authenticateBearer: bearers.authenticate,
      examineProof: proofs.examine,
    },
    ledger: { hold: ledger.hold },
    counters: createCounterList({ ...deps, ledger }),
    checks: {
      revocations: () => verification.assertFresh('write'),
      canary: createGateCheck({ ...shared, gateway }),
    },
    policyChanged: createAnchorEnds({ ...shared, policy: deps.policy }),
    poll: async () => {
      await feed.beat();
      await feed.poll();
      await standing.poll();
    },
    close: async () => {
      await tasks.stop();
      await Promise.all([endings.close(), feed.close()]);
      await ledger.close();
    },
  };
}

/** Who has ended or has other keys, and with whom end the chains in use that name it. What happened elsewhere is in force here as soon as it is told; the
 *  poll beside it is for what nobody told. */
async function openStanding(
  { sql, clock, log, resolver }: KernelDeps,
  store: KernelStore,
  revocations: Revocations,
): Promise<{ readonly standing: Standing; readonly rotations: Rotations; readonly endings: SqlListener }> {
  const standing = createStanding(store, clock);
  standing.onEnded((did) =>
    revocations.enforceWhere((index, links) => endedIn(index, links, (one) => one === did) !== undefined),
  );
  await standing.load();
  const rotations = createRotations({ resolver, revocations, log });
  // What was rotated before is not in use here under its former keys.
  standing.onRotated((did, number) => void rotations.follow(did, number));
  const hear = oneAtATime(() =>
    standing.poll().catch((err: unknown) => log.debug('ended identities are read later', { err })),
  );
  const channel = IDENTITY_CHANNEL;
  const endings = createSqlListener({ sql, channel, log, onNotification: hear, onConnect: hear });
  return { standing, rotations, endings };
}

/** However often it is called, the work runs once at a time, and once more if it was called meanwhile. */
function oneAtATime(work: () => Promise<void>): () => void {
  let [isRunning, isWanted] = [false, false];
  const run = (): void => {
    isWanted = isRunning;
    if (isRunning) return;
    isRunning = true;
    void work().finally(() => {
      isRunning = false;
      if (isWanted) run();
    });
  };
  return run;
}
