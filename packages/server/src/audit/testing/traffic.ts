import {
  attenuate,
  createSigner,
  encodeBase64url,
  encodeUtf8,
  issueCapability,
  type Signer,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import type { AuditDraft } from '../draft.js';
import { chainDraft, decision, gateway, newUuid, outcome } from './room.js';

const crypto = createNodeCrypto();

/** Numbers from 0 to 1 that are the same at each run with the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The `lid` of a link, and the `cth` of a chain. */
export const hashOf = (text: string): string => encodeBase64url(crypto.sha256(encodeUtf8(text)));

export interface Traffic {
  readonly agents: readonly string[];
  /** Texts of chains. All hold the root; the first of an agent comes from there, the others from one of three managers. */
  readonly chains: readonly string[];
  readonly tools: readonly { readonly server: string; readonly tool: string }[];
  /** The next events, in an order in which the room takes them. */
  next(count: number): AuditDraft[];
}

export interface TrafficOptions {
  readonly seed: number;
  readonly agents: number;
  readonly chainsPerAgent: number;
  readonly tools: number;
  readonly exp: number;
}

const CODES = ['SCOPE_MISMATCH', 'EXPIRED', 'RATE_LIMITED', 'BUDGET_EXCEEDED', 'UNKNOWN_TOOL'] as const;
const STATUS = ['completed', 'completed', 'completed', 'failed', 'cancelled', 'lost'] as const;

/** What a platform sees: calls of agents under chains that share links, denials, outcomes with and without a price,
 *  and now and then something else. A few agents and tools do most of it. */
export function createTraffic(options: TrafficOptions): Traffic {
  const random = seeded(options.seed);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() ** 2 * all.length)] as T;
  const agents = Array.from({ length: options.agents }, (_, i) => signerOf(options.seed, i).did);
  const chains = chainsOf(agents, options);
  const tools = Array.from({ length: options.tools }, (_, i) => ({
    server: `server-${i % 4}`,
    tool: `tool_${i >> 1}`,
  }));
  const logged = new Set<string>();
  const call = (): AuditDraft[] => {
    const agent = Math.floor(random() ** 2 * agents.length);
    const text = chains[
      agent * options.chainsPerAgent + Math.floor(random() * options.chainsPerAgent)
    ] as string;
    const first = logged.has(text) ? [] : [chainDraft(hashOf(text), text)];
    logged.add(text);
    return [
      ...first,
      ...callOf({ sub: agents[agent] as string, cth: hashOf(text), ...pick(tools), random, pick }),
    ];
  };
  return {
    agents,
    chains,
    tools,
    next: (count) => {
      const drafts: AuditDraft[] = [];
      while (drafts.length < count)
        drafts.push(...(random() < 0.02 ? [otherOf(pick(chains), pick)] : call()));
      return drafts;
    },
  };
}

function signerOf(seed: number, number: number): Signer {
  const bytes = new Uint8Array(32).fill(1);
  new DataView(bytes.buffer).setUint32(0, seed);
  new DataView(bytes.buffer).setUint32(4, number);
  return createSigner(bytes, crypto);
}

const grants = [{ scope: 'tool:*', ops: ['read' as const, 'write' as const] }];

function chainsOf(agents: readonly string[], { seed, exp, chainsPerAgent }: TrafficOptions): string[] {
  const deps = { crypto, now: () => exp - 3_600, randomBytes: (n: number) => new Uint8Array(n).fill(3) };
  const [organisation, hub] = [signerOf(seed, 2 ** 31), signerOf(seed, 2 ** 31 + 1)];
  const link = { aud: [gateway.did], grants, exp };
  const root = issueCapability({ ...link, sub: hub.did, dlg: 2 }, organisation, deps);
  const managers = [0, 1, 2].map((i) => signerOf(seed, 2 ** 31 + 2 + i));
  const managed = managers.map((one) => attenuate(root, { ...link, sub: one.did, dlg: 1 }, hub, deps));
  return agents.flatMap((sub, agent) =>
    Array.from({ length: chainsPerAgent }, (_, i) => {
      const by = (agent + i) % 3;
      const [parent, signer] = i === 0 ? [root, hub] : [managed[by] ?? root, managers[by] ?? hub];
      return attenuate(parent, { ...link, sub, exp: exp - agent - 1 }, signer, {
        ...deps,
        randomBytes: (n) => new Uint8Array(n).fill(i),
      }).chain;
    }),
  );
}

interface CallOf {
  readonly sub: string;
  readonly cth: string;
  readonly server: string;
  readonly tool: string;
  readonly random: () => number;
  readonly pick: <T>(all: readonly T[]) => T;
}

function callOf({ sub, cth, server, tool, random, pick }: CallOf): AuditDraft[] {
  const op = random() < 0.3 ? 'write' : 'read';
  const isDenied = random() < 0.15;
  const knows = !isDenied || random() < 0.7;
  const made = decision({
    op,
    effect: isDenied ? 'deny' : 'allow',
    ...(knows ? { sub, cth } : { sub: null }),
  });
  const action = { method: 'tools/call', server, tool, op } as const;
  const members = { ...made.members, action, code: isDenied ? pick(CODES) : null };
  const decided = { ...made, members };
  if (isDenied) return [decided];
  const end = outcome(decided);
  const amount = Math.floor(10 ** (random() * 6)) + 1;
  const usage = tokensOf(amount);
  const cost =
    random() < 0.4
      ? { cost: { amount, currency: random() < 0.8 ? 'EUR' : 'USD' }, ...(usage && { usage }) }
      : {};
  return [decided, { ...end, members: { ...end.members, status: pick(STATUS), ...cost } }];
}

/** What was read and written for so much, as every other call that costs something was one of a model. */
export function tokensOf(amount: number): { readonly input: number; readonly output: number } | undefined {
  return amount % 2 === 0 ? { input: amount, output: amount % 1_000 } : undefined;
}

function otherOf(chain: string, pick: CallOf['pick']): AuditDraft {
  const own = { id: `evt_${newUuid()}`, tenant: 'default', principal: null, disclosures: [] } as const;
  const lid = hashOf(pick(chain.split('~')));
  return pick<AuditDraft>([
    { ...own, type: 'revocation', members: { lid, by: 'administrator', revocation: null, chain_hash: null } },
    { ...own, type: 'policy.loaded', members: { policy: 'ab'.repeat(32) } },
    {
      ...own,
      type: 'denials',
      members: { source: 'ab'.repeat(16), code: pick(CODES), minute: '2026-01-02T03:04:00.000Z', count: 3 },
    },
  ]);
}
