import {
  type AuthorizeAnswer,
  AuthorizeRequest,
  CHAIN_LIMITS,
  createChecker,
  type Decision,
  PROBLEMS,
} from '@talosprotocol/contracts';
import {
  type CheckedItem,
  type CryptoProvider,
  createAuthorizer,
  isTrustError,
  itemsOfCall,
  type JsonObject,
  parseItems,
  TrustError,
  takesOf,
  type VerifiedCapability,
} from '@talosprotocol/protocol';
import type { KernelPolicy } from '../ports.js';
import type { Revocations } from '../revocation/revocations.js';
import { createKnownChains } from './known-chains.js';
import type { Verification } from './verification.js';

/** Decides for services that ask (DEC-11). */
export interface Authorizing {
  /** As of now, without proof of possession; consumes nothing and does not look at what is left of a limit.
   *  @throws {TrustError} MALFORMED: the request; whatever the chain is, is a decision */
  decide(request: JsonObject): Promise<AuthorizeAnswer>;
}

const check = createChecker(AuthorizeRequest);

export function createAuthorizing(deps: {
  readonly verification: Verification;
  readonly revocations: Pick<Revocations, 'onEnforced'>;
  readonly policy: () => KernelPolicy;
  readonly crypto: CryptoProvider;
}): Authorizing {
  const authorizer = createAuthorizer(deps.crypto);
  const capabilityOf = createVerifiedOnce(deps);
  return {
    decide: async (request) => {
      const fault = check(request);
      if (fault !== undefined) throw new TrustError('MALFORMED', `a request: ${fault}`);
      const stated = request as unknown as AuthorizeRequest;
      const args = (stated.arguments ?? {}) as JsonObject;
      let items: readonly CheckedItem[] = 'items' in stated ? parseItems(stated.items) : [];
      try {
        const capability = await capabilityOf(stated.chain);
        if ('call' in stated) items = itemsOf(stated.call, args, deps.policy());
        deps.verification.assertInForce(
          capability,
          items.some(({ op }) => op === 'write') ? 'write' : 'read',
        );
        if ('call' in stated) checkCost(capability, stated.call, deps.policy());
        return answer(authorizer.authorize(capability, items, args), items);
      } catch (error) {
        return answer(denialOf(error), items);
      }
    },
  };
}

/** The signatures of a chain are verified once; whether it still holds is looked at in every use. The chains are apart
 *  from those of callers that proved possession: a service that asks about many takes no place of theirs. */
function createVerifiedOnce(deps: {
  readonly verification: Verification;
  readonly revocations: Pick<Revocations, 'onEnforced'>;
  readonly crypto: CryptoProvider;
}): (chain: string) => Promise<VerifiedCapability> {
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

function itemsOf(
  { server, tool }: { readonly server: string; readonly tool: string },
  args: JsonObject,
  policy: KernelPolicy,
): readonly CheckedItem[] {
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

/** @throws what is no decision: a fault of ours must not look like one */
function denialOf(error: unknown): Decision {
  if (!isTrustError(error) || !PROBLEMS[error.code].decision) throw error;
  const { link, item, caveat, hint = PROBLEMS[error.code].title } = error.data;
  const where = {
    ...(link === undefined ? {} : { link }),
    ...(item === undefined ? {} : { item }),
    ...(caveat === undefined ? {} : { caveat }),
  };
  return { effect: 'deny', code: error.code, ...where, hint } as Decision;
}
