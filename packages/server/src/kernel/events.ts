import {
  type ActionRecord,
  CHAIN_LIMITS,
  type CredentialRecord,
  type DecisionCode,
  type RevokedBy,
} from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  formatTime,
  SESSION_SECONDS,
  type VerifiedCapability,
} from '@talosprotocol/protocol';
import type { Outbox } from '../platform/outbox.js';
import type { Queries } from '../platform/sql.js';
import type { Clock, Random } from '../platform/system.js';
import type { Actor } from './actor.js';
import { createBoundedSet } from './bounded.js';
import { type Body, createEventDrafts, type EventDrafts } from './event-drafts.js';
import type { NumberedChange } from './identity/change-store.js';
import type { NewIdentity } from './identity/store.js';
import type { BudgetMark } from './ledger/marks.js';
import type { AuditSink, DenialDraft, DraftOf, KernelDraft, KernelPolicy, RecordedEvent } from './ports.js';
import { nameOf, type RevocationTarget } from './revocation/revocation.js';

/** A chain whose signatures verified, as far as events name it. */
type NamedChain = Pick<VerifiedCapability, 'chain' | 'cth' | 'tenant'>;

/** A revocation as its event tells it. */
export interface RevocationFacts {
  readonly target: RevocationTarget;
  readonly by: RevokedBy;
  readonly tenant: string;
  readonly revocation: string | null;
  /** Hash of the chain the revocation names; null if an administrator revoked. */
  readonly chainHash: string | null;
  /** `iat` of the signed revocation. */
  readonly madeAt?: number;
  /** When it was kept, in Unix milliseconds. */
  readonly at: number;
  /** The administrator who revoked. */
  readonly actor?: Actor;
}

/** A session as its event tells it; times in Unix seconds. */
interface OpenedSession {
  readonly sid: string;
  readonly exp: number;
  readonly proof: string;
  /** `iat` of the proof. */
  readonly provenAt: number;
}

/** A refused request. */
interface DenialFacts {
  readonly request: string;
  readonly address: string;
  readonly code: DecisionCode;
  readonly credential: CredentialRecord;
  readonly action: ActionRecord;
  /** What `refusal` discloses (AUD-6). */
  readonly where: { readonly link?: number; readonly caveat?: string };
}

/** The event of a change of the database. */
export interface ChangeEvent {
  /** Keeps it, in the transaction of the change. @throws {TrustError} UNAVAILABLE: too many wait for the log */
  keep(tx: Queries): Promise<void>;
  /** Resolves once it is in the log, whoever handed it in. @throws {TrustError} UNAVAILABLE | DISK_FULL: it will be */
  deliver(): Promise<void>;
}

/** Tells what the kernel does. What is a change of the database goes through the outbox: its event is kept with it, and
 *  its id follows from what is changed, so that it is in the log once, whichever nodes hand it in. The others resolve
 *  when they are durable.
 *  @throws {TrustError} UNAVAILABLE | DISK_FULL */
export interface Events {
  /** Looks whether new things may be recorded now, before they are made. */
  assertAccepting(): void;
  /** So much of a budget of the policy is used. */
  budgetReached(mark: BudgetMark): ChangeEvent;
  identityRegistered(identity: NewIdentity, actor: Actor): ChangeEvent;
  identityRotated(change: NumberedChange): ChangeEvent;
  identityDeactivated(change: NumberedChange & { readonly actor?: Actor }): ChangeEvent;
  /** Logs a chain before the first event that refers to it. */
  chain(chain: NamedChain): Promise<void>;
  capabilityIssued(chain: NamedChain, lid: string, actor: Actor): ChangeEvent;
  sessionOpened(capability: VerifiedCapability, session: OpenedSession): Promise<void>;
  revoked(facts: RevocationFacts): ChangeEvent;
  /** Undefined if the denial was only counted. */
  denied(facts: DenialFacts): Promise<RecordedEvent | undefined>;
}

export interface EventsDeps {
  readonly audit: AuditSink;
  readonly outbox: Pick<Outbox<KernelDraft>, 'put' | 'deliver'>;
  readonly policy: () => KernelPolicy;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
}

/** A signed revocation longer than this is named by its chain hash only (AUD-4: a JWS of at most 16 KiB). */
const MAX_REVOCATION = 16_384;

export function createEvents(deps: EventsDeps): Events {
  const { audit, policy } = deps;
  const drafts = createEventDrafts(deps);
  const { draft, seal, sealActor } = drafts;
  const chainDraft = ({ tenant, cth, chain: text }: NamedChain): DraftOf<'chain'> =>
    draft<'chain'>({ type: 'chain', tenant, members: { cth, chain: text } });
  const chain = createChainLog(async (named) => {
    await audit.record(chainDraft(named));
  });
  const changeEvent = createChangeEvents(deps.outbox);
  return {
    assertAccepting: () => audit.assertAccepting('write'),
    budgetReached: ({ take, percent }) => {
      const { budget, subject, kind, allowed, currency = null, per, ends } = take;
      const named = seal('/subject', subject);
      const members = {
        budget,
        subject: named.commitment,
        kind,
        percent,
        allowed,
        currency,
        period: per,
        ends,
      };
      const body = { tenant: policy().defaultTenant, members, disclosures: named.disclosures };
      return changeEvent(draft<'budget.reached'>({ type: 'budget.reached', ...body }));
    },
    chain,
    ...createIdentityEvents(deps, drafts, changeEvent),
    capabilityIssued: (issued, lid, by) => {
      const { tenant, cth } = issued;
      const { members: actor, disclosures } = sealActor(by);
      const body = { tenant, members: { cth, lid, ...actor }, disclosures };
      return changeEvent(
        chainDraft(issued),
        draft<'capability.issued'>({ type: 'capability.issued', ...body }),
      );
    },
    sessionOpened: async (capability, session) => {
      await chain(capability);
      const { tenant, cth } = capability;
      const { sid, exp, proof } = session;
      const members = { sid, cth, exp: formatTime(exp * 1000), proof };
      const principal = principalOf(capability);
      const body = {
        type: 'session.opened',
        tenant,
        principal,
        members,
        ...timesOfOpening(session),
      } as const;
      await audit.record(draft<'session.opened'>(body));
    },
    revoked: (facts) => {
      const { members: actor, disclosures } = sealActor(facts.actor);
      const id = drafts.idOf(`revocation\n${nameOf(facts.target)}`, facts.at);
      const body = { ...revocationBody(facts, actor), id, disclosures };
      return changeEvent(draft(body) as DraftOf<'revocation'> | DraftOf<'revocation.below'>);
    },
    denied: (facts) => {
      const sealed = Object.keys(facts.where).length === 0 ? undefined : seal('/refusal', facts.where);
      const body = denialBody(facts, policy(), sealed?.commitment ?? null);
      const disclosures = sealed?.disclosures ?? [];
      const denial: DenialDraft = { ...draft<'decision'>({ ...body, disclosures }), address: facts.address };
      return audit.recordDenial(denial, { address: facts.address });
    },
  };
}

function createChangeEvents({ put, deliver }: EventsDeps['outbox']) {
  return (...drafts: readonly [...KernelDraft[], KernelDraft]): ChangeEvent => {
    const { id } = drafts[drafts.length - 1] as KernelDraft;
    return { keep: (tx) => put(tx, drafts), deliver: () => deliver(id) };
  };
}

type IdentityEvents = Pick<Events, 'identityRegistered' | 'identityRotated' | 'identityDeactivated'>;

function createIdentityEvents(
  { policy }: EventsDeps,
  { draft, idOf, seal, sealActor }: EventDrafts,
  changeEvent: (draft: KernelDraft) => ChangeEvent,
): IdentityEvents {
  const idOfChange = ({ number, did, at }: NumberedChange) => idOf(`identity\n${number}\n${did}`, at);
  return {
    identityRegistered: ({ did, kind, name }, by) => {
      const named = seal('/name', name);
      const actor = sealActor(by);
      const members = { did, kind, name: named.commitment, ...actor.members };
      const disclosures = [...named.disclosures, ...actor.disclosures];
      const body = { tenant: policy().defaultTenant, members, disclosures };
      return changeEvent(draft<'identity.registered'>({ type: 'identity.registered', ...body }));
    },
    identityRotated: (change) => {
      const { did, successor = null, version = null, statement = null } = change;
      const members = { did, successor, version, statement };
      const body = { id: idOfChange(change), tenant: policy().defaultTenant, members };
      return changeEvent(draft<'identity.rotated'>({ type: 'identity.rotated', ...body }));
    },
    identityDeactivated: (change) => {
      const { did, by = 'administrator', statement = null, actor: who } = change;
      const actor = sealActor(who);
      const members = { did, by, statement, ...actor.members };
      const { disclosures } = actor;
      const body = { id: idOfChange(change), tenant: policy().defaultTenant, members, disclosures };
      return changeEvent(draft<'identity.deactivated'>({ type: 'identity.deactivated', ...body }));
    },
  };
}

function revocationBody(
  facts: RevocationFacts,
  actor: { readonly actor?: { readonly $c: string } },
): Body<'revocation'> | Body<'revocation.below'> {
  const { target, by, tenant, revocation, chainHash, madeAt } = facts;
  const jws = revocation === null || revocation.length > MAX_REVOCATION ? null : revocation;
  const members = { by, revocation: jws, chain_hash: chainHash, ...actor };
  const times = madeAt === undefined ? {} : { notBefore: (madeAt - CHAIN_LIMITS.skewSeconds) * 1000 };
  return 'lid' in target
    ? { type: 'revocation', tenant, members: { lid: target.lid, ...members }, ...times }
    : { type: 'revocation.below', tenant, members: { ...target.rule, ...members }, ...times };
}

/** How far the record of an opening may be from its proof, and from an hour before its end (AUD-22). */
const PROOF_SECONDS = 120;
const LONGEST_SECONDS = SESSION_SECONDS + 60;

function timesOfOpening({ exp, provenAt }: OpenedSession) {
  const notBefore = Math.max(provenAt - PROOF_SECONDS, exp - LONGEST_SECONDS) * 1000;
  return { notBefore, notAfter: (provenAt + PROOF_SECONDS) * 1000 };
}

function denialBody(
  { request, code, credential, action }: DenialFacts,
  { hash, defaultTenant }: KernelPolicy,
  refusal: { readonly $c: string } | null,
): Body<'decision'> {
  return {
    type: 'decision',
    tenant: defaultTenant,
    members: {
      request,
      surface: 'session',
      effect: 'deny',
      code,
      credential,
      action,
      items: null,
      request_hash: null,
      forwarded_hash: null,
      refusal,
      pin: null,
      policy: hash,
    },
  };
}

/** How events name the holder of a verified capability. */
function principalOf({ holder, principal }: VerifiedCapability): { sub: string; prn?: string } {
  return principal === undefined ? { sub: holder } : { sub: holder, prn: principal };
}

const MAX_KNOWN_CHAINS = 65_536;

/** Hands each chain in once per tenant. The sink keeps one that it has from an earlier start from being logged
 *  again; so does this memory, without asking it. */
function createChainLog(record: (chain: NamedChain) => Promise<void>): (chain: NamedChain) => Promise<void> {
  const known = createBoundedSet(MAX_KNOWN_CHAINS);
  const underWay = new Map<string, Promise<void>>();
  const log = async (chain: NamedChain, name: string): Promise<void> => {
    await record(chain);
    known.add(name);
  };
  return (chain) => {
    const name = `${chain.tenant} ${chain.cth}`;
    if (known.has(name)) return Promise.resolve();
    const pending = underWay.get(name) ?? log(chain, name).finally(() => underWay.delete(name));
    underWay.set(name, pending);
    return pending;
  };
}
