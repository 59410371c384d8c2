import type {
  ActionRecord,
  Commitment,
  Cost,
  CredentialRecord,
  Disclosure,
  GuardVerdict,
} from '@talosprotocol/contracts';
import {
  type CheckedItem,
  type CryptoProvider,
  canonicalBytes,
  commit,
  createUuidv7,
  disclose,
  encodeUtf8,
  type JsonObject,
  modelCost,
} from '@talosprotocol/protocol';
import type { Clock, Random } from '../../platform/system.js';
import type { Ended } from './ended.js';
import type { Refusal } from './hint.js';
import type { Authenticated, DecisionDraft, OutcomeDraft, OutcomeMembers, SurfaceName } from './ports.js';
import { provableTimes } from './provable-times.js';

/** A request as it is hashed: one of JSON-RPC without `_meta`, or the bytes of a body. */
export type HashedRequest =
  | { readonly method: string; readonly params: JsonObject }
  | { readonly bytes: Uint8Array };

/** What is known of a call when it is decided. */
export interface DecisionFacts {
  /** Of the event: also gives the receipt's id. */
  readonly uuid: string;
  readonly request: string;
  readonly surface: SurfaceName;
  readonly address: string;
  readonly tenant: string;
  readonly policy: string;
  readonly action: ActionRecord;
  readonly credential: CredentialRecord;
  /** Absent while nobody was verified. */
  readonly caller?: Authenticated;
  readonly items?: readonly CheckedItem[];
  readonly requestHash?: string;
  readonly forwardedHash?: string;
  readonly pin?: string;
  readonly prices?: string;
  /** UUID of the decision that this one goes on from; only of a credential that is for one dispatch (AUD-128). */
  readonly after?: string | undefined;
  /** What the call may cost at most; recorded if it is allowed. */
  readonly held?: Cost;
  readonly refusal?: Refusal;
  /** What guards said of it; undefined if none looked. */
  readonly guards?: readonly GuardVerdict[] | undefined;
}

/** Builds event drafts; the only place that knows which member is private. */
export interface Drafts {
  uuid(): string;
  /** hex(SHA-256(JCS(value))) */
  hash(value: unknown): string;
  /** hex(SHA-256) of a request (AUD-8) */
  hashRequest(request: HashedRequest): string;
  /** hex(SHA-256(UTF-8(text))) */
  hashText(text: string): string;
  decision(facts: DecisionFacts): DecisionDraft;
  outcome(decision: DecisionDraft, end: Ended, responseHash?: string): OutcomeDraft;
}

const SALT = 32;

export function createDrafts(deps: {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
}): Drafts {
  const { crypto, clock, random } = deps;
  const uuid = (): string => createUuidv7(clock.now(), random(16));
  const vault = () => createVault(crypto, random);
  const hash = (value: unknown): string => crypto.sha256Hex(canonicalBytes(value));
  return {
    uuid,
    hashText: (text) => crypto.sha256Hex(encodeUtf8(text)),
    hash,
    hashRequest: (request) => ('bytes' in request ? crypto.sha256Hex(request.bytes) : hash(request)),
    decision: (facts) => decisionDraft(facts, vault()),
    outcome(decision, { status, spent, guards }, responseHash) {
      const { seal, disclosures } = vault();
      const { tenant, principal, members } = decision;
      const response_hash = seal('/response_hash', responseHash);
      return {
        type: 'outcome',
        id: `evt_${uuid()}`,
        tenant,
        principal,
        disclosures,
        members: {
          request: members.request,
          decision: decision.id,
          status,
          response_hash,
          ...guardMember(seal, guards),
          ...costMembers(members.held, spent),
        },
      };
    },
  };
}

/** A tool costs what it was said to once it is dispatched (DEC-8), a model what its provider counted (AUD-126). What that is
 *  beyond what was held stands apart. */
function costMembers(
  held: Cost | undefined,
  spent: Ended['spent'],
): Pick<OutcomeMembers, 'cost' | 'excess' | 'usage' | 'rates'> {
  if (spent === undefined) return held === undefined ? {} : { cost: held };
  const { usage, rates } = spent;
  if (rates === undefined) return { usage };
  const { currency } = rates;
  const total = modelCost(usage, rates);
  const amount = Math.min(total, held?.amount ?? 0);
  return {
    usage,
    rates,
    ...(amount === 0 ? {} : { cost: { amount, currency } }),
    ...(total === amount ? {} : { excess: { amount: total - amount, currency } }),
  };
}

interface Vault {
  readonly disclosures: Disclosure[];
  /** Commits to a value and keeps what opens it; null for what is not there. */
  seal(pointer: string, value: unknown): Commitment | null;
}

function createVault(crypto: CryptoProvider, random: Random): Vault {
  const disclosures: Disclosure[] = [];
  return {
    disclosures,
    seal(pointer, value) {
      if (value === undefined) return null;
      const salt = random(SALT);
      disclosures.push(disclose(pointer, value, salt));
      return commit(pointer, value, salt, crypto);
    },
  };
}

function decisionDraft(facts: DecisionFacts, { seal, disclosures }: Vault): DecisionDraft {
  const { caller, refusal } = facts;
  const items = facts.items?.map(({ scope, op }) => ({ scope, op }));
  return {
    type: 'decision',
    id: `evt_${facts.uuid}`,
    tenant: facts.tenant,
    principal: caller === undefined ? null : principalOf(caller),
    address: facts.address,
    ...(caller === undefined || refusal !== undefined ? {} : provableTimes(caller)),
    disclosures,
    members: {
      request: facts.request,
      surface: facts.surface,
      effect: refusal === undefined ? 'allow' : 'deny',
      code: refusal?.code ?? null,
      credential: facts.credential,
      action: facts.action,
      items: seal('/items', items),
      request_hash: seal('/request_hash', facts.requestHash),
      forwarded_hash: seal('/forwarded_hash', facts.forwardedHash),
      refusal: seal('/refusal', whereOf(refusal)),
      pin: facts.pin ?? null,
      ...guardMember(seal, facts.guards),
      ...(refusal !== undefined || facts.held === undefined ? {} : { held: facts.held }),
      ...(refusal !== undefined || facts.prices === undefined ? {} : { prices: facts.prices }),
      ...(facts.after === undefined ? {} : { after: `evt_${facts.after}` }),
      policy: facts.policy,
    },
  };
}

/** What was found says what a call was about. */
function guardMember(
  seal: Vault['seal'],
  guards: readonly GuardVerdict[] | undefined,
): { readonly guards?: Commitment } {
  const sealed = guards === undefined || guards.length === 0 ? null : seal('/guards', guards);
  return sealed === null ? {} : { guards: sealed };
}

function principalOf({ capability }: Authenticated): { sub: string; prn?: string } {
  const { holder, principal } = capability;
  return principal === undefined ? { sub: holder } : { sub: holder, prn: principal };
}

/** AUD-6: what `refusal` discloses, the advice as the caller got it; nothing if neither link, item nor caveat is known. */
function whereOf(refusal: Refusal | undefined): object | undefined {
  if (refusal === undefined) return undefined;
  const { link, item, caveat, hint } = refusal;
  const where = {
    ...(link === undefined ? {} : { link }),
    ...(item === undefined ? {} : { item }),
    ...(caveat === undefined ? {} : { caveat }),
  };
  return Object.keys(where).length === 0 ? undefined : { ...where, hint };
}
