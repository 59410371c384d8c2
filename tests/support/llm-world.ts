import { writeFile } from 'node:fs/promises';
import type {
  DecisionEvent,
  Grant,
  Limit,
  ModelProvider,
  OutcomeEvent,
  PolicyDocument,
} from '@talosprotocol/contracts';
import { type Agent, type AgentOptions, createSecretsClient } from '@talosprotocol/sdk';
import {
  type FakeProvider,
  openFakeProvider,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { deps, openWorld, seconds, type World } from './world.js';

/** A platform with one provider of each protocol behind it, whose answers belong to the test. */
export interface LlmWorld extends World {
  readonly openai: FakeProvider;
  readonly anthropic: FakeProvider;
  /** A bearer key of the platform's own organisation. */
  key(grants?: readonly Grant[], limits?: readonly Limit[]): Promise<string>;
  /** An agent of the same, which opens sessions, unless `prove` says otherwise. */
  agent(grants?: readonly Grant[], options?: AgentChanges): Promise<Agent>;
  /** The decision and the outcome behind a receipt, once both are in the log. */
  record(
    receipt: string | null,
  ): Promise<{ readonly decision: DecisionEvent; readonly outcome: OutcomeEvent }>;
  /** Puts other providers, or other settings of the same, in force. */
  configure(change: (document: PolicyDocument) => PolicyDocument): Promise<void>;
}

/** What an agent may spend, and how it proves who it is. */
interface AgentChanges extends Pick<AgentOptions, 'prove'> {
  readonly limits?: readonly Limit[];
}

/** What the providers are sent, and nobody else sees. */
export const PROVIDER_KEYS = { openai: 'sk-canary-openai-1f', anthropic: 'sk-ant-canary-2e' } as const;

/** Micro-dollars for a million tokens, so that sums are easy: a dollar a million read, ten written. */
export const RATES = { currency: 'USD', input: 1_000_000, output: 10_000_000 } as const;

const ALL: readonly Grant[] = [{ scope: 'llm:*', ops: ['read', 'write'] }];
const EMBEDDING = { rates: { currency: 'USD', input: 1_000_000, output: 0 } } as const;

/** `more` are further variables of its environment. */
export async function openLlmWorld(more: Readonly<Record<string, string>> = {}): Promise<LlmWorld> {
  const world = await openWorld(undefined, more);
  const [openai, anthropic] = [await openFakeProvider(), await openFakeProvider()];
  const secrets = createSecretsClient({ url: world.ready.kernel, adminToken: world.adminToken });
  await secrets.set('openai-key', PROVIDER_KEYS.openai);
  await secrets.set('anthropic-key', PROVIDER_KEYS.anthropic);
  const quick = { firstByteSeconds: 2, idleSeconds: 2, totalSeconds: 8, drainSeconds: 2 };
  const providers: Record<string, ModelProvider> = {
    openai: {
      ...quick,
      api: 'openai',
      baseUrl: `${openai.url}/v1`,
      key: 'openai-key',
      models: { 'gpt-4o-mini': { rates: RATES }, 'no-price': {}, 'text-embedding-3-small': EMBEDDING },
    },
    anthropic: {
      ...quick,
      api: 'anthropic',
      baseUrl: `${anthropic.url}/v1`,
      key: 'anthropic-key',
      models: { 'claude-sonnet-4-5': { rates: { ...RATES, cache_read: 100_000, cache_write: 1_250_000 } } },
    },
  };
  let document: PolicyDocument = {
    version: 1,
    anchors: [
      {
        iss: world.ready.organisationDid,
        tenant: 'default',
        grants: [{ scope: 'llm:*', ops: ['read', 'write'] }],
      },
    ],
    servers: {},
    providers,
    limits: { denialsPerMinute: 100_000, perAddressPerMinute: 1_000_000 },
  };
  const configure: LlmWorld['configure'] = async (change) => {
    document = change(document);
    await writeFile(world.ready.config, JSON.stringify(document), { mode: 0o600 });
    await world.gateway.reloadPolicy();
  };
  await configure((same) => same);
  return {
    ...world,
    openai,
    anthropic,
    configure,
    record: (receipt) => recordOf(world, receipt),
    agent: (grants = ALL, changes = {}) => issueAgent(world, grants, changes),
    key: (grants = ALL, limits) => issueKey(world, grants, limits),
    close: async () => {
      await world.close();
      await Promise.all([openai.close(), anthropic.close()]);
    },
  };
}

async function recordOf({ audit }: World, receipt: string | null) {
  const id = receipt?.replace('rcp_', 'evt_') ?? '';
  for (let tries = 0; ; tries += 1) {
    const { events } = await audit.events({ limit: 50 });
    const decision = events.find(({ event }) => event.id === id)?.event;
    const outcome = events.find(({ event }) => event.type === 'outcome' && event.decision === id)?.event;
    if (decision?.type === 'decision' && outcome?.type === 'outcome') return { decision, outcome };
    if (tries > 100) throw new Error(`there is no outcome of ${id}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The platform issues a capability to an agent. */
async function issueAgent(
  { kernel, ready }: World,
  grants: readonly Grant[],
  { limits, ...how }: AgentChanges,
): Promise<Agent> {
  const { createAgent, createIdentity } = await import('@talosprotocol/sdk');
  const identity = createIdentity({ crypto: deps.crypto });
  const { chain } = await kernel.issueCapability({
    sub: identity.did,
    aud: [ready.gatewayDid],
    grants: [...grants],
    ...(limits === undefined ? {} : { limits: [...limits] }),
    exp: seconds() + 3600,
    dlg: 3,
    bearer_below: true,
  });
  return createAgent({ identity, capability: chain, gateway: ready.gateway, crypto: deps.crypto, ...how });
}

/** The agent makes a bearer key of it, all by itself. */
async function issueKey(
  world: World,
  grants: readonly Grant[],
  limits: readonly Limit[] | undefined,
): Promise<string> {
  const agent = await issueAgent(world, grants, limits === undefined ? {} : { limits });
  return agent.attenuateToBearer({
    aud: 'same',
    grants: [...grants],
    exp: seconds() + 1800,
    dlg: 2,
    bearer_below: true,
  });
}
