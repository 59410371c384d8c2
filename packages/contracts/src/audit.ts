import { type Static, type TProperties, Type } from 'typebox';
import { BUDGET_NAME } from './budget.js';
import { Cost } from './capability.js';
import { ProblemCodeSchema } from './decision.js';
import { DeactivatedBy, IdentityKind, WebvhVersionId } from './identity.js';
import { ModelRates, ModelUsage } from './llm.js';
import { ModelName, ProviderName, ServerName, ToolName } from './policy-name.js';
import {
  ascii,
  Chain,
  CLOSED,
  CompactJws,
  Count,
  Did,
  EventId,
  Hash43,
  HexHash,
  JsonPointer,
  LogOrigin,
  Op,
  Positive,
  RequestId,
  SessionId,
  TenantName,
  Time,
  text,
  Uuidv7,
} from './primitive.js';
import { DECISION_CODES } from './problem-code.js';
import { BelowRole, RevokedBy } from './revocation.js';
import { SecretId, SecretName } from './secret.js';

/** The versions of events that are read here; the last one is written (AUD-91). A new one comes beside the schemas and
 *  the rules of those before it, which stay as long as their logs are verified. */
export const EVENT_VERSIONS = [1] as const;

/** Longest event in bytes of canonical JSON (AUD-11). */
export const MAX_EVENT_BYTES = 65_535;

/** Stands for a private value (AUD-3). */
export const Commitment = Type.Object({ $c: HexHash }, CLOSED);
export type Commitment = Static<typeof Commitment>;

/** Opens a commitment: `pointer` is the place of the member in the event, `value` any JSON (AUD-3). */
export const Disclosure = Type.Object({ pointer: JsonPointer, salt: Hash43, value: Type.Unknown() }, CLOSED);
export type Disclosure = Static<typeof Disclosure>;

/** For whom it was done: the verified subject, the accountable principal, and the subject's own count (AUD-1). */
export const EventPrincipal = Type.Object(
  { sub: Did, prn: Type.Optional(text(256)), pseq: Positive },
  CLOSED,
);
export type EventPrincipal = Static<typeof EventPrincipal>;

/** How a caller showed itself (AUD-5). */
export const CredentialRecord = Type.Object(
  {
    kind: Type.Union([
      Type.Literal('none'),
      Type.Literal('bearer'),
      Type.Literal('session'),
      Type.Literal('proof'),
      Type.Literal('signature'),
    ]),
    cth: Type.Optional(Hash43),
    sid: Type.Optional(SessionId),
    seq: Type.Optional(Positive),
    rid: Type.Optional(Uuidv7),
    /** The agent's own words: that it acted, and not only that the gateway says so (SES-13). */
    proof: Type.Optional(CompactJws),
    /** Of a message signature, which holds the chain and so is too long for an event (SES-15). */
    signature_hash: Type.Optional(HexHash),
    token: Type.Optional(HexHash),
  },
  CLOSED,
);
export type CredentialRecord = Static<typeof CredentialRecord>;

/** What was asked for (AUD-5). */
export const ActionRecord = Type.Object(
  {
    method: ascii('^[!-~]{1,128}$', 128, 'JSON-RPC or route method'),
    server: Type.Optional(ServerName),
    tool: Type.Optional(ToolName),
    provider: Type.Optional(ProviderName),
    model: Type.Optional(ModelName),
    op: Type.Optional(Op),
  },
  CLOSED,
);
export type ActionRecord = Static<typeof ActionRecord>;

/** Who did it on the admin surface; absent where nobody did, or where the log does not know (AUD-4). */
const actor = Type.Optional(Commitment);

/** 16 bytes of a keyed hash of the client's address, in hex (AUD-5). */
export const AddressHash = ascii('^[0-9a-f]{32}$', 32, 'keyed hash of an address');

const nullable = <T extends TProperties[string]>(schema: T) => Type.Union([schema, Type.Null()]);

function event<const T extends string, P extends TProperties>(type: T, members: P) {
  return Type.Object(
    {
      v: Type.Literal(1),
      id: EventId,
      time: Time,
      type: Type.Literal(type),
      origin: LogOrigin,
      tenant: TenantName,
      emitter: Did,
      eseq: Positive,
      prev: nullable(HexHash),
      principal: nullable(EventPrincipal),
      ...members,
    },
    CLOSED,
  );
}

/** What is done to roles, bindings, service accounts and sessions of people (RBAC-15). */
export const RbacChange = Type.Union([
  Type.Literal('bootstrapped'),
  Type.Literal('role.created'),
  Type.Literal('role.changed'),
  Type.Literal('role.removed'),
  Type.Literal('binding.created'),
  Type.Literal('binding.removed'),
  Type.Literal('account.created'),
  Type.Literal('account.disabled'),
  Type.Literal('account.enabled'),
  Type.Literal('key.created'),
  Type.Literal('login.opened'),
  Type.Literal('login.ended'),
]);
export type RbacChange = Static<typeof RbacChange>;

/** How many events of an agent the log holds before a place (AUD-55). */
const AgentCount = Type.Object({ sub: Did, pseq: Count }, CLOSED);

/** How many events before a place end a link (by its `lid`), or what a DID is named in (AUD-55). */
const EndingCount = Type.Object({ target: Type.Union([Hash43, Did]), count: Count }, CLOSED);

/** Event schemas by `type` (AUD-4). */
export const EVENTS = {
  'log.opened': event('log.opened', { boot: Positive, policy: HexHash, size: Count }),
  'identity.registered': event('identity.registered', {
    did: Did,
    kind: IdentityKind,
    name: Commitment,
    actor,
  }),
  'identity.rotated': event('identity.rotated', {
    did: Did,
    successor: nullable(Did),
    version: nullable(WebvhVersionId),
    statement: nullable(CompactJws),
  }),
  'identity.deactivated': event('identity.deactivated', {
    did: Did,
    by: DeactivatedBy,
    statement: nullable(CompactJws),
    actor,
  }),
  chain: event('chain', { cth: Hash43, chain: Chain }),
  'capability.issued': event('capability.issued', { cth: Hash43, lid: Hash43, actor }),
  'session.opened': event('session.opened', { sid: SessionId, cth: Hash43, exp: Time, proof: CompactJws }),
  decision: event('decision', {
    request: RequestId,
    surface: Type.Union([
      Type.Literal('mcp'),
      Type.Literal('llm'),
      Type.Literal('session'),
      Type.Literal('admin'),
    ]),
    effect: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
    code: nullable(Type.Enum([...DECISION_CODES, 'UNAUTHENTICATED', 'FORBIDDEN'] as const)),
    credential: CredentialRecord,
    action: ActionRecord,
    items: nullable(Commitment),
    request_hash: nullable(Commitment),
    forwarded_hash: nullable(Commitment),
    refusal: nullable(Commitment),
    pin: nullable(HexHash),
    /** Of a call that guards looked at: what they said of it (AUD-127). */
    guards: Type.Optional(Commitment),
    /** What the call may cost at most; absent if nothing. Its price is in what `pin` covers (AUD-85), or follows from the rates of
     *  its outcome. */
    held: Type.Optional(Cost),
    /** Of a call of a model: which price table it was held by (AUD-126). */
    prices: Type.Optional(HexHash),
    /** Of a call of a model with a credential for one dispatch: the decision of the same request whose model had no answer (AUD-128). */
    after: Type.Optional(EventId),
    policy: HexHash,
    source: nullable(AddressHash),
    actor,
  }),
  outcome: event('outcome', {
    request: RequestId,
    decision: EventId,
    status: Type.Union([
      Type.Literal('completed'),
      Type.Literal('failed'),
      Type.Literal('cancelled'),
      Type.Literal('revoked_during'),
      Type.Literal('lost'),
    ]),
    response_hash: nullable(Commitment),
    /** What guards said of the answer (AUD-127). */
    guards: Type.Optional(Commitment),
    /** What the call came to; absent if nothing (AUD-85). */
    cost: Type.Optional(Cost),
    /** What a provider says the call came to beyond what was held (AUD-126). */
    excess: Type.Optional(Cost),
    usage: Type.Optional(ModelUsage),
    /** What `cost` follows from, with `usage`. */
    rates: Type.Optional(ModelRates),
  }),
  revocation: event('revocation', {
    lid: Hash43,
    by: RevokedBy,
    revocation: nullable(CompactJws),
    chain_hash: nullable(Hash43),
    actor,
  }),
  'revocation.below': event('revocation.below', {
    below: Did,
    as: BelowRole,
    point: nullable(Hash43),
    by: RevokedBy,
    revocation: nullable(CompactJws),
    chain_hash: nullable(Hash43),
    actor,
  }),
  'log.counted': event('log.counted', {
    size: Count,
    agents: Type.Array(AgentCount, { maxItems: 64 }),
    endings: Type.Array(EndingCount, { maxItems: 512 }),
    actor,
  }),
  'policy.loaded': event('policy.loaded', { policy: HexHash, actor }),
  'disclosures.erased': event('disclosures.erased', {
    of: Type.Union([
      Type.Literal('event'),
      Type.Literal('agent'),
      Type.Literal('administrator'),
      Type.Literal('age'),
    ]),
    event: nullable(EventId),
    agent: nullable(Did),
    from: nullable(Time),
    to: nullable(Time),
    count: Positive,
    actor,
  }),
  'log.pruned': event('log.pruned', {
    of: Type.Union([Type.Literal('request'), Type.Literal('age')]),
    from: Count,
    to: Positive,
    before: Time,
    size: Positive,
    root: HexHash,
    actor,
  }),
  'rbac.changed': event('rbac.changed', {
    change: RbacChange,
    target: ascii('^[a-z]{3,4}_[0-9a-f-]{36}$', 41, 'what was changed'),
    actor: Commitment,
    detail: Commitment,
  }),
  'secret.changed': event('secret.changed', {
    change: Type.Union([Type.Literal('set'), Type.Literal('removed')]),
    secret: SecretId,
    name: SecretName,
    version: Positive,
    actor: Commitment,
  }),
  'budget.reached': event('budget.reached', {
    budget: ascii(BUDGET_NAME, 64, 'name of the budget'),
    subject: Commitment,
    kind: Type.Union([Type.Literal('calls'), Type.Literal('cost'), Type.Literal('tokens')]),
    percent: Type.Integer({ minimum: 1, maximum: 100 }),
    allowed: Positive,
    currency: Type.Union([ascii('^[A-Z]{3}$', 3, 'of a cost'), Type.Null()]),
    period: ascii('^(?:total|day|month)$', 5, 'what it is counted for'),
    ends: Count,
  }),
  denials: event('denials', {
    source: AddressHash,
    code: ProblemCodeSchema,
    minute: ascii('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:00\\.000Z$', 24, 'a whole minute'),
    count: Positive,
  }),
} as const;

/** One audit record, told apart by `type` (AUD-1 to AUD-9). It carries no `event_hash`. */
export const AuditEvent = Type.Union([
  EVENTS['log.opened'],
  EVENTS['identity.registered'],
  EVENTS['identity.rotated'],
  EVENTS['identity.deactivated'],
  EVENTS.chain,
  EVENTS['capability.issued'],
  EVENTS['session.opened'],
  EVENTS.decision,
  EVENTS.outcome,
  EVENTS.revocation,
  EVENTS['revocation.below'],
  EVENTS['log.counted'],
  EVENTS['policy.loaded'],
  EVENTS['disclosures.erased'],
  EVENTS['log.pruned'],
  EVENTS['rbac.changed'],
  EVENTS['secret.changed'],
  EVENTS['budget.reached'],
  EVENTS.denials,
]);
export type AuditEvent = Static<typeof AuditEvent>;

/** Every event type. */
export type EventType = AuditEvent['type'];

/** The event of one type: `EventOf<'revocation'>`. */
export type EventOf<T extends EventType> = Extract<AuditEvent, { type: T }>;
/** What was decided for one call, allowed or denied (AUD-5, AUD-6). */
export type DecisionEvent = EventOf<'decision'>;
/** How an allowed call ended (AUD-7). */
export type OutcomeEvent = EventOf<'outcome'>;

/** What an emitter hands in: the event without what the sequencer adds (`origin`, `eseq`, `prev`, `pseq`). */
export type EventDraftOf<T extends EventType> = T extends EventType
  ? Omit<EventOf<T>, 'origin' | 'eseq' | 'prev' | 'principal'> & {
      principal: Omit<EventPrincipal, 'pseq'> | null;
    }
  : never;
/** The draft of any event. */
export type EventDraft = EventDraftOf<EventType>;

/** A draft and what opens its commitments; the disclosures are stored apart from the event. */
export interface DraftedEvent<T extends EventType = EventType> {
  readonly event: EventDraftOf<T>;
  readonly disclosures: readonly Disclosure[];
}
