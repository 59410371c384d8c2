import type { PolicyDocument, ToolServer } from '@talosprotocol/contracts';
import { parseManifest } from '@talosprotocol/protocol';
import type { Policy, ServerLimits, ServerPolicy, ToolPolicy } from './admission/ports.js';
import { compileBudgets } from './budgets/budget.js';
import { compileGuards } from './guard/guard.js';
import { compileRates } from './limits/rules.js';
import { compileAlias } from './llm/alias.js';
import { compileProvider } from './llm/provider.js';

/** A checked policy document as the gateway reads it.
 *  @throws {TrustError} MALFORMED: a manifest outside its grammar, an unsafe address of a provider, an alias of what nobody
 *    serves */
export function compilePolicy(loaded: {
  readonly hash: string;
  readonly document: PolicyDocument;
  readonly defaultTenant: string;
}): Policy {
  const { hash, document, defaultTenant } = loaded;
  const limits = compileLimits(document.limits);
  const providers = new Map(
    Object.entries(document.providers ?? {}).map(([name, provider]) => [
      name,
      compileProvider(name, provider),
    ]),
  );
  const aliases = new Map(
    Object.entries(document.aliases ?? {}).map(([name, alias]) => [
      name,
      compileAlias(name, alias, providers),
    ]),
  );
  const rates = compileRates(document.rates ?? []);
  return {
    hash,
    defaultTenant,
    servers: compileServers(document),
    providers,
    aliases,
    limits,
    rates,
    budgets: compileBudgets(document),
    declaredBudgets: document,
    guards: compileGuards(document),
  };
}

/** The tool servers, ready to be decided with. */
export function compileServers({
  servers,
  limits,
}: Pick<PolicyDocument, 'servers' | 'limits'>): Policy['servers'] {
  const answer = limits?.answerBytes;
  const bound = answer === undefined ? {} : { maxMessageBytes: answer };
  return new Map(Object.entries(servers).map(([name, server]) => [name, compileServer(name, server, bound)]));
}

/** The limits, with their defaults. */
export function compileLimits(limits: PolicyDocument['limits']): Policy['limits'] {
  return {
    bodyBytes: limits?.bodyBytes ?? 1_048_576,
    modelBodyBytes: limits?.modelBodyBytes ?? limits?.bodyBytes ?? 16_777_216,
    answerBytes: limits?.answerBytes ?? 16_777_216,
    bodyMs: (limits?.bodySeconds ?? 30) * 1000,
    perAddressPerMinute: limits?.perAddressPerMinute ?? 6000,
    maxConcurrentCalls: limits?.maxConcurrentCalls ?? 512,
  };
}

function compileServer(name: string, server: ToolServer, bound: ServerLimits): ServerPolicy {
  const { command, args = [], env = {}, cwd, tools = {} } = server;
  return {
    name,
    run: { command, args, env, ...(cwd === undefined ? {} : { cwd }) },
    limits: { ...bound, ...limitsOf(server) },
    tools: new Map(
      Object.entries(tools).map(([tool, { pin, ...manifest }]) => [tool, pinned(manifest, pin)]),
    ),
  };
}

function pinned(manifest: object, pin: string): ToolPolicy {
  return { manifest: parseManifest(manifest), pin };
}

function limitsOf(server: ToolServer): ServerLimits {
  const { idleSeconds, lifetimeSeconds, callTimeoutSeconds, maxConcurrent } = server;
  return {
    ...(idleSeconds === undefined ? {} : { idleMs: idleSeconds * 1000 }),
    ...(lifetimeSeconds === undefined ? {} : { lifetimeMs: lifetimeSeconds * 1000 }),
    ...(callTimeoutSeconds === undefined ? {} : { callTimeoutMs: callTimeoutSeconds * 1000 }),
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
  };
}
