import {
  couldAllow,
  isTrustError,
  type JsonObject,
  TrustError,
  type VerifiedCapability,
} from '@talosprotocol/protocol';
import { sendJson } from '../../platform/json-exchange.js';
import type { RouteHandler } from '../../platform/routes.js';
import { arrivalOf } from '../admission/arrival.js';
import type { Admission, Surface } from '../admission/call.js';
import type { Policy, PolicyView } from '../admission/ports.js';
import type { AliasPolicy } from './alias.js';
import { KEY_HEADERS } from './front.js';
import { findModel, type ModelTarget } from './model-name.js';
import type { ListedModel, ModelsDialect } from './models-dialect.js';
import type { ProviderPolicy } from './provider.js';
import { failureOf, refuse, refuseCaller } from './refusal.js';

export interface ModelsFrontDeps {
  readonly admission: Admission;
  readonly policy: PolicyView;
}

/** Serves what a caller may use of what the policy names: a list of models, or the one that its route names (LLM-22).
 *  No provider is asked. */
export function createModelsFront(
  { admission, policy }: ModelsFrontDeps,
  dialect: ModelsDialect,
): RouteHandler {
  return async (request, response, context) => {
    const told = { dialect, response, context };
    const arrival = arrivalOf(request, context);
    try {
      const verdict = await admission(arrival, SURFACE);
      if (verdict.kind === 'unauthenticated')
        return await refuseCaller(told, verdict.refusal, verdict.receipt);
      if (verdict.kind !== 'identified') throw new TypeError('a list of models is never decided');
      const served = policy();
      const { capability } = verdict.caller;
      const { model } = context.params;
      sendJson(
        response,
        200,
        model === undefined ? all(served, capability, dialect) : one(served, capability, dialect, model),
      );
    } catch (error) {
      await refuse(told, failureOf(error, context), undefined);
    }
  };
}

const EMPTY = new Uint8Array();

/** It has no body, and reaches nothing that there is to decide on. */
const SURFACE: Surface<undefined, never> = {
  name: 'llm',
  action: { method: 'models' },
  keyHeaders: KEY_HEADERS,
  read: () => Promise.resolve({ body: EMPTY, message: undefined }),
  actionOf: () => ({ method: 'models' }),
  callOf: () => undefined,
};

/** What the policy serves. */
type Served = Pick<Policy, 'providers' | 'aliases'>;

function all(
  { providers, aliases }: Served,
  capability: VerifiedCapability,
  dialect: ModelsDialect,
): JsonObject {
  const own = [...providers.values()].filter((provider) => isSpoken(provider, dialect));
  const targets = own.flatMap((provider) =>
    [...(provider.models?.keys() ?? [])].map((model) => ({ provider, model })),
  );
  const shown = targets.filter((target) => isShown(target, capability, dialect));
  const names = [...aliases].flatMap(([name, alias]) => {
    const target = shownOf(alias, capability, dialect);
    return target === undefined ? [] : [listed(target, name)];
  });
  const models = shown.map((target) => listed(target, idOf({ providers, aliases }, target, dialect)));
  return dialect.list([...names, ...models].map(dialect.one));
}

/** The first model behind an alias that the caller may use. */
function shownOf(
  { targets }: AliasPolicy,
  capability: VerifiedCapability,
  dialect: ModelsDialect,
): ModelTarget | undefined {
  return targets.find((target) => isShown(target, capability, dialect, ANY));
}

/** Under the name it was asked for by. @throws {TrustError} UNKNOWN_MODEL, also if the caller may not use it */
function one(
  { providers, aliases }: Served,
  capability: VerifiedCapability,
  dialect: ModelsDialect,
  asked: string,
): JsonObject {
  const alias = aliases.get(asked);
  const target =
    alias === undefined ? findModel(providers, asked, dialect.api) : shownOf(alias, capability, dialect);
  if (target === undefined || (alias === undefined && !isShown(target, capability, dialect)))
    throw new TrustError('UNKNOWN_MODEL', 'no such model is served here');
  return dialect.one(listed(target, asked));
}

/** Named by the policy, served on routes of this protocol, and within reach for calling it or for counting. */
function isShown(
  { provider, model }: ModelTarget,
  capability: VerifiedCapability,
  dialect: ModelsDialect,
  isNamed: (provider: ProviderPolicy, model: string) => boolean = isNamedByPolicy,
): boolean {
  if (!isSpoken(provider, dialect) || !isNamed(provider, model)) return false;
  const named = { provider: provider.name, model };
  // What only counts is not translated.
  const ops = provider.api === dialect.api ? (['write', 'read'] as const) : (['write'] as const);
  return ops.some((op) => couldAllow(capability, { ...named, ops: [op] }));
}

/** Where the operator has calls translated, the models of a provider are there for both protocols. */
function isSpoken(provider: ProviderPolicy, { api }: ModelsDialect): boolean {
  return provider.api === api || provider.translate;
}

const isNamedByPolicy = ({ models }: ProviderPolicy, model: string): boolean => models?.has(model) ?? false;
/** Whoever is behind an alias is named by it. */
const ANY = (): boolean => true;

function listed({ provider: { name } }: ModelTarget, id: string): ListedModel {
  return { id, provider: name };
}

/** The model's own name where it means this one, else with its provider. */
function idOf(
  { providers, aliases }: Served,
  { provider, model }: ModelTarget,
  { api }: ModelsDialect,
): string {
  try {
    if (!aliases.has(model) && findModel(providers, model, api).provider === provider) return model;
  } catch (error) {
    // Several have it.
    if (!isTrustError(error)) throw error;
  }
  return `${provider.name}/${model}`;
}
