import {
  type AuthorizeAnswer,
  AuthorizeRequest,
  CHAIN_LIMITS,
  createChecker,
  type Decision,
  type DecisionCode,
  type Op,
  PROBLEMS,
} from '@talosprotocol/contracts';
import {
  type ArgumentsMemo,
  type Authorizer,
  type CheckedItem,
  type CryptoProvider,
  checkToolInReach,
  createAuthorizer,
  isTrustError,
  itemsOfCall,
  type JsonObject,
  parseItems,
  TrustError,
  takesOf,
  type VerifiedCapability,
} from '@talosprotocol/protocol';
import { adviceOn, cut } from '../../platform/advice.js';
import type { KernelPolicy } from '../ports.js';
import type { Revocations } from '../revocation/revocations.js';
import { createKnownChains } from './known-chains.js';
import type { Verification } from './verification.js';

/** Decides for services that ask (DEC-11). */
export interface Authorizing {
  /** As of now, without proof of possession; consumes nothing and does not look at what is left of a limit.
   *  @throws {TrustError} MALFORMED: the request; whatever the chain is, is a decision */
  decide: Decide;
  /** For the questions of one request: each chain is parsed and verified once, also one that does not verify, and what is found out
   *  about arguments that several ask about is kept. */
  together(): Decide;
}

/** With `holder` a chain of another holder is refused. */
type Decide = (request: JsonObject, holder?: string) => Promise<AuthorizeAnswer>;
type CapabilityOf = (chain: string) => Promise<VerifiedCapability>;
type MemoOf = (args: JsonObject) => ArgumentsMemo;

const check = createChecker(AuthorizeRequest);

interface Deps {
  readonly verification: Verification;
  readonly revocations: Pick<Revocations, 'onEnforced'>;
  readonly policy: () => KernelPolicy;
  readonly crypto: CryptoProvider;
}

export function createAuthorizing(deps: Deps): Authorizing {
  const authorizer = createAuthorizer(deps.crypto);
  const capabilityOf = createVerifiedOnce(deps);
  const decideBy = (find: CapabilityOf, memoOf: MemoOf): Decide =>
    decideOn({ ...deps, authorizer }, find, memoOf);
  return {
    decide: decideBy(capabilityOf, () => ({})),
    together: () => decideBy(createAskedOnce(capabilityOf), createMemos()),
  };
}

function decideOn(
  { verification, policy, authorizer }: Deps & { readonly authorizer: Authorizer },
  find: CapabilityOf,
  memoOf: MemoOf,
): Decide {
  return async (request, holder) => {
    const fault = check(request);
    if (fault !== undefined) throw new TrustError('MALFORMED', `a request: ${fault}`);
    const stated = request as unknown as AuthorizeRequest;
    const args = (stated.arguments ?? {}) as JsonObject;
    let items: readonly CheckedItem[] = 'items' in stated ? parseItems(stated.items) : [];
    try {
      const capability = await find(stated.chain);
      checkHolder(capability, holder);
      verification.assertInForce(capability, 'read');
      if ('call' in stated) items = itemsOf(capability, stated.call, args, policy());
      const decision = authorizer.authorize(capability, items, args, memoOf(args));
      // A gateway asks these of what is allowed, and in this order (DEC-4).
      if (decision.effect === 'allow') {
        verification.assertInForce(capability, opOf(stated, items, policy()));
        if ('call' in stated) checkCost(capability, stated.call, policy());
      }
      return answer(decision, items);
    } catch (error) {
      return answer(denialOf(error), items);
    }
  };
}

/** A tool is a write by its manifest, also where all that a call of it names is only read. */
function opOf(stated: AuthorizeRequest, items: readonly CheckedItem[], policy: KernelPolicy): Op {
  const manifest = 'call' in stated ? policy.manifestOf(stated.call.server, stated.call.tool) : undefined;
  const ops = manifest === undefined ? [] : [manifest.source.op, ...manifest.resources.map(({ op }) => op)];
  return [...ops, ...items.map(({ op }) => op)].includes('write') ? 'write' : 'read';
}

/** What came of each chain of a request. Whether it still holds is looked at in every decision all the same. */
function createAskedOnce(capabilityOf: CapabilityOf): CapabilityOf {
  const asked = new Map<string, Promise<VerifiedCapability>>();
  return (chain) => {
    const known = asked.get(chain);
    if (known !== undefined) return known;
    const found = capabilityOf(chain);
    asked.set(chain, found);
    return found;
  };
}

/** By the object itself: a batch that states its arguments once has the same in each question. */
function createMemos(): MemoOf {
  const memos = new Map<JsonObject, ArgumentsMemo>();
  return (args) => {
    const memo = memos.get(args) ?? {};
    memos.set(args, memo);
    return memo;
  };
}

function checkHolder(capability: VerifiedCapability, holder: string | undefined): void {
  if (holder === undefined || capability.holder === holder) return;
  throw new TrustError('NO_CAPABILITY', 'the subject is not the holder of the chain', {
    hint: 'The subject must be the DID that the last link of the chain names.',
  });
}

/** The signatures of a chain are verified once; whether it still holds is looked at in every use. The chains are apart
 *  from those of callers that proved possession: a service that asks about many takes no place of theirs. */
function createVerifiedOnce(deps: {
  readonly verification: Verification;
  readonly revocations: Pick<Revocations, 'onEnforced'>;
  readonly crypto: CryptoProvider;
}): CapabilityOf {
  const known = createKnownChains(deps);
  return async (chain) => {
    const found = chain.length <= CHAIN_LIMITS.bytes ? known.find(deps.crypto.sha256Ascii(chain)) : undefined;
    // The hash is of text that need not be ASCII yet.
    if (found?.chain === chain) return found;
    const capability = await deps.verification.verify(chain);
    known.keep(capability);
    return capability;
  };
}

/** As a gateway asks: scope before existence, so that both give the same code and link (DEC-8). */
function itemsOf(
  capability: VerifiedCapability,
  { server, tool }: { readonly server: string; readonly tool: string },
  args: JsonObject,
  policy: KernelPolicy,
): readonly CheckedItem[] {
  checkToolInReach(capability, { server, tool });
  const manifest = policy.manifestOf(server, tool);
  if (manifest !== undefined) return itemsOfCall({ server, tool, manifest, arguments: args });
  throw new TrustError('UNKNOWN_TOOL', 'the policy has no manifest for this tool', {
    hint: 'Add the tool with its manifest and pin to talos.yaml.',
  });
}

/** CAP-3: a limit that cannot be enforced refuses the call; what is left of it is not looked at. */
function checkCost(
  capability: VerifiedCapability,
  { server, tool }: { readonly server: string; readonly tool: string },
  policy: KernelPolicy,
): void {
  const cost = policy.manifestOf(server, tool)?.source.cost;
  if (cost !== undefined) takesOf(capability, { cost });
}

function answer(decision: Decision, items: readonly CheckedItem[]): AuthorizeAnswer {
  return { decision, items: items.map(({ scope, op }) => ({ scope, op })) };
}

/** Bytes, as in the schema of a decision. */
const MAX_HINT = 1024;

/** @throws what is no decision: a fault of ours must not look like one */
function denialOf(error: unknown): Decision {
  if (!isTrustError(error) || !PROBLEMS[error.code].decision) throw error;
  const code = error.code as DecisionCode;
  const { link, item, caveat, reason, hint = adviceOn(code, reason) } = error.data;
  const where = {
    ...(link === undefined ? {} : { link }),
    ...(item === undefined ? {} : { item }),
    ...(caveat === undefined ? {} : { caveat }),
  };
  return { effect: 'deny', code, ...where, hint: cut(hint, MAX_HINT) };
}
