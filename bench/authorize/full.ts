import { verify } from 'node:crypto';
import {
  authorize,
  type CryptoProvider,
  isTrustError,
  type ParsedChain,
  parseDidKey,
  verifyCapability,
} from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { Benchmark } from '../benchmark.js';
import { withPeers } from '../peers/open-peers.js';
import type { Result } from '../result.js';
import { type Contender, type Effort, measure } from '../runner.js';
import { expectDecision, itemsOf, type Kind, kindOf, shuffledSessions } from './calls.js';
import { ed25519Key } from './key.js';
import { fastJwt, issueTokens, jose } from './tokens.js';
import { type ChainShape, createWorld, crypto, issueFor, type World } from './world.js';

const WORK = 'chain text parsed, schema, every signature, delegation, times, revocation, grants; items given';
const CHAINS = 256;

/** A decision from the text of a chain, with nothing kept from earlier calls but imported keys. */
export const authorizeFull: Benchmark = {
  name: 'authorize.full',
  async run(effort, quick) {
    const rows = [];
    const fastest = await createFastestCrypto();
    const simple = { links: 1, grants: 1 };
    const sodium = fastest.name === 'sodium' ? [{ shape: simple, provider: fastest }] : [];
    const nodes = (quick ? QUICK_SHAPES : SHAPES).map((shape) => ({ shape, provider: crypto }));
    for (const one of [...nodes, ...sodium]) rows.push(await measureFull(one, effort, quick));
    return rows;
  },
};

interface FullCase {
  readonly shape: Required<ChainShape>;
  readonly provider: CryptoProvider;
}

/** One row. */
async function measureFull({ shape, provider }: FullCase, effort: Effort, quick: boolean): Promise<Result> {
  const world = createWorld();
  const chains = Array.from({ length: CHAINS }, (_, session) => issueFor(world, session, shape));
  const order = shuffledSessions(CHAINS);
  const bare =
    provider === crypto
      ? bareSignatures(world, chains, order)
      : providerSignatures(world, chains, order, provider);
  const tokens = issueTokens(CHAINS);
  const isSimple = shape.links === 1 && shape.grants === 1;
  const peers = isSimple ? [bare, jose(tokens, order), fastJwt(tokens, order, false)] : [bare];
  const remote = isSimple && !quick ? (['aps', 'biscuit', 'ucanto'] as const) : [];
  const measured = await withPeers(remote, (others) =>
    measure(fullContender(world, chains, order, provider), [...peers, ...others], effort),
  );
  const bytes = chains[0]?.chain.length ?? 0;
  const params = { ...shape, provider: provider.name, chain_bytes: bytes, work: WORK };
  return { name: 'authorize.full', params, ...measured };
}

/** A chain holds at most 8 links and 16,384 bytes, a link at most 128 grants. */
const SHAPES: readonly Required<ChainShape>[] = [
  { links: 1, grants: 1 },
  ...[2, 3, 4, 5, 6, 7, 8].map((links) => ({ links, grants: 1 })),
  { links: 1, grants: 10 },
  { links: 1, grants: 100 },
];
const QUICK_SHAPES: readonly Required<ChainShape>[] = [
  { links: 1, grants: 1 },
  { links: 3, grants: 2 },
];

function fullContender(
  world: World,
  chains: readonly ParsedChain[],
  order: Uint32Array,
  provider: CryptoProvider,
): Contender {
  const texts = chains.map(({ chain }) => chain);
  const forged = altered(texts[0] as string);
  let at = 0;

  async function decide(chain: string, session: number, kind: Kind): Promise<string> {
    try {
      const capability = await verifyCapability(chain, { ...world.context(), crypto: provider });
      const decision = authorize(capability, itemsOf(session, kind), {});
      return decision.effect === 'allow' ? 'allow' : decision.code;
    } catch (error) {
      return isTrustError(error) ? error.code : 'INTERNAL';
    }
  }

  return {
    name: 'talos',
    async run(count) {
      for (let i = 0; i < count; i += 1, at += 1) {
        const session = order[at % order.length] as number;
        const kind = kindOf(at);
        const chain = kind === 'forged' ? forged : (texts[session] as string);
        expectDecision((await decide(chain, session, kind)) === EXPECTED[kind], 'talos', kind);
      }
    },
  };
}

/** A chain by itself cannot be replayed: that is what sessions and proofs are for. */
const EXPECTED: Readonly<Record<Kind, string>> = {
  allowed: 'allow',
  replay: 'allow',
  'other-folder': 'SCOPE_MISMATCH',
  write: 'SCOPE_MISMATCH',
  forged: 'SIGNATURE_INVALID',
};

/** One character of the last signature, turned into another. */
function altered(chain: string): string {
  const at = chain.lastIndexOf('.') + 10;
  return `${chain.slice(0, at)}${chain[at] === 'A' ? 'B' : 'A'}${chain.slice(at + 1)}`;
}

/** The floor: `node:crypto` verifies the signatures of the same chains and does nothing else. The keys are imported
 *  and the bytes laid out beforehand. */
function bareSignatures(world: World, chains: readonly ParsedChain[], order: Uint32Array): Contender {
  const jobs = chains.map(({ links }) =>
    links.map(({ claims, signingInput, signature }) => {
      const key = ed25519Key(
        claims.iss === world.organisation.did ? world.organisation.publicKey : parseDidKey(claims.iss),
      );
      return { key, signingInput, signature };
    }),
  );
  let at = 0;
  return {
    name: 'node-crypto',
    run(count) {
      for (let i = 0; i < count; i += 1, at += 1) {
        const job = jobs[order[at % order.length] as number] ?? [];
        const good = job.every(({ key, signingInput, signature }) =>
          verify(null, signingInput, key, signature),
        );
        expectDecision(good, 'node-crypto', 'allowed');
      }
    },
  };
}

/** The same floor for a provider that is not `node:crypto`, with the one Ed25519 rule. */
function providerSignatures(
  world: World,
  chains: readonly ParsedChain[],
  order: Uint32Array,
  provider: CryptoProvider,
): Contender {
  const jobs = chains.map(({ root: { signingInput, signature } }) => ({ signingInput, signature }));
  const { publicKey } = world.organisation;
  let at = 0;
  return {
    name: `${provider.name}-bare`,
    run(count) {
      for (let i = 0; i < count; i += 1, at += 1) {
        const job = jobs[order[at % order.length] as number];
        const good = job !== undefined && provider.ed25519Verify(job.signature, job.signingInput, publicKey);
        expectDecision(good, provider.name, 'allowed');
      }
    },
  };
}
