import type { Grant, ModelAlias, ModelProvider } from '@talosprotocol/contracts';
import {
  createSigner,
  issueCapability,
  parseAnchors,
  type VerifiedCapability,
  verifyCapabilityAsOf,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { compileAlias } from './alias.js';
import { compileProvider, type ProviderPolicy } from './provider.js';
import { createRouting } from './routing.js';

const crypto = createNodeCrypto();
const ASKS = { by: { api: 'openai', method: 'chat/completions' }, canBeAsked: () => true } as const;
const served = (name: string, more: Partial<ModelProvider> = {}) =>
  [name, compileProvider(name, { api: 'openai', baseUrl: 'https://models.example/v1', ...more })] as const;
const providers = new Map([
  served('a'),
  served('b'),
  served('c'),
  served('few', { models: { m: {} } }),
  served('claude', { api: 'anthropic' }),
]);
const aliasOf = (
  models: readonly (string | [string, number])[],
  more: Partial<ModelAlias> = {},
  of: ReadonlyMap<string, ProviderPolicy> = providers,
) =>
  compileAlias(
    'smart',
    {
      models: models.map((one) =>
        typeof one === 'string' ? { model: one } : { model: one[0], weight: one[1] },
      ),
      ...more,
    },
    of,
  );

function capability(...scopes: string[]): VerifiedCapability {
  const seconds = 1_700_000_000;
  const grants: Grant[] = scopes.map((scope) => ({ scope, ops: ['write'] }));
  const signer = createSigner(random(32), crypto);
  const deps = { crypto, now: () => seconds, randomBytes: random };
  const options = { sub: signer.did, aud: [signer.did], grants, exp: seconds + 1000 };
  const { chain } = issueCapability(options, signer, deps);
  const anchors = parseAnchors(
    [{ iss: signer.did, tenant: 'acme', grants: [{ scope: 'llm:*', ops: ['write'] }] }],
    crypto,
  );
  return verifyCapabilityAsOf(chain, { time: seconds, anchors, crypto });
}

/** Numbers that a test chooses in place of chance, each in [0, 1). */
function routingOf(chance: readonly number[] = [0]) {
  const state = { now: 0, drawn: 0, broken: new Set<string>(), providers };
  const routing = createRouting({
    random: (length) => {
      const bytes = new Uint8Array(length);
      const share = chance[state.drawn++ % chance.length] ?? 0;
      new DataView(bytes.buffer).setUint32(0, Math.floor(share * 2 ** 32));
      return bytes;
    },
    monotonic: () => state.now,
    isLeftAlone: ({ name }: ProviderPolicy) => state.broken.has(name),
    providers: () => state.providers,
  });
  const ask = (alias: ReturnType<typeof aliasOf>, held = capability('llm:*')): string[] =>
    routing
      .candidates(alias, { ...ASKS, op: 'write', capability: held })
      .map(({ provider, model }) => `${provider.name}/${model}`);
  return { state, routing, ask };
}

// LLM-27
describe('an alias', () => {
  it('asks the models in the order they are named, those of the protocol that the caller reaches', () => {
    const { ask } = routingOf();
    const alias = aliasOf(['b/x', 'claude/y', 'a/x']);
    expect(ask(alias)).toEqual(['b/x', 'a/x']);
    expect(ask(alias, capability('llm:a', 'llm:claude'))).toEqual(['a/x']);
    expect(ask(aliasOf(['a/x', 'b/x'], { fallback: false }))).toEqual(['a/x']);
  });

  it('names one for the refusal of a caller who reaches none, and none of another protocol', () => {
    const { ask } = routingOf();
    expect(ask(aliasOf(['b/x', 'a/x']), capability('llm:c'))).toEqual(['b/x']);
    expect(ask(aliasOf(['claude/y']))).toEqual([]);
  });

  it('draws by weight: each has its share, and every one its turn', () => {
    const alias = aliasOf(
      [
        ['a/x', 3],
        ['b/x', 1],
      ],
      { choose: 'weight' },
    );
    expect(routingOf([0]).ask(alias)).toEqual(['a/x', 'b/x']);
    expect(routingOf([0.7499]).ask(alias)).toEqual(['a/x', 'b/x']);
    expect(routingOf([0.75]).ask(alias)).toEqual(['b/x', 'a/x']);
    expect(routingOf([0.9999999]).ask(alias)).toEqual(['b/x', 'a/x']);
    const real = createRouting({
      random,
      monotonic: () => 0,
      isLeftAlone: () => false,
      providers: () => providers,
    });
    const held = capability('llm:*');
    const firsts = Array.from(
      { length: 2_000 },
      () => real.candidates(alias, { ...ASKS, op: 'write', capability: held })[0]?.provider.name,
    );
    const share = firsts.filter((name) => name === 'a').length / firsts.length;
    expect(share).toBeGreaterThan(0.68);
    expect(share).toBeLessThan(0.82);
  });

  it('asks first who was quickest lately, and looks at the others once a minute', () => {
    const { ask, routing, state } = routingOf();
    const alias = aliasOf(['a/x', 'b/x', 'c/x'], { choose: 'latency' });
    const tell = (name: string, ms: number): void => {
      const target = alias.targets.find(({ provider }) => provider.name === name);
      if (target !== undefined) routing.observe(target, ms);
    };
    const firsts = ['a', 'b', 'c'].map(() => ask(alias)[0]);
    expect(firsts).toEqual(['a/x', 'b/x', 'c/x']);
    tell('a', 300);
    tell('b', 100);
    tell('c', 200);
    expect(ask(alias)).toEqual(['b/x', 'c/x', 'a/x']);
    for (let call = 0; call < 20; call += 1) tell('b', 1_000);
    expect(ask(alias)).toEqual(['c/x', 'a/x', 'b/x']);
    state.now = 60_000;
    expect([ask(alias)[0], ask(alias)[0], ask(alias)[0], ask(alias)[0]]).toEqual([
      'a/x',
      'b/x',
      'c/x',
      'c/x',
    ]);
  });

  it('knows who was quick also once the policy was read again, and nothing of who is elsewhere now', () => {
    const { ask, routing, state } = routingOf();
    const alias = aliasOf(['a/x', 'b/x'], { choose: 'latency' });
    for (const target of alias.targets) {
      ask(alias);
      routing.observe(target, target.provider.name === 'a' ? 300 : 100);
    }
    state.providers = new Map([served('a'), served('b')]);
    expect(ask(aliasOf(['a/x', 'b/x'], { choose: 'latency' }, state.providers))).toEqual(['b/x', 'a/x']);
    state.providers = new Map([served('a', { baseUrl: 'https://other.example/v1' }), served('b')]);
    expect(ask(aliasOf(['a/x', 'b/x'], { choose: 'latency' }, state.providers))).toEqual(['a/x', 'b/x']);
  });

  it('asks those last that are left alone', () => {
    const { ask, state } = routingOf();
    const alias = aliasOf(['a/x', 'b/x', 'c/x']);
    state.broken.add('a');
    expect(ask(alias)).toEqual(['b/x', 'c/x', 'a/x']);
    state.broken.add('b').add('c');
    expect(ask(alias)).toEqual(['a/x', 'b/x', 'c/x']);
  });

  // LLM-35
  it('is hedged only where another model may be asked', () => {
    expect(aliasOf(['a/x', 'b/x']).hedgeAfterMs).toBeUndefined();
    expect(aliasOf(['a/x', 'b/x'], { hedgeAfterMs: 500 }).hedgeAfterMs).toBe(500);
    const fault = expect.objectContaining({
      code: 'MALFORMED',
      message: expect.stringContaining('hedgeAfterMs'),
    });
    expect(() => aliasOf(['a/x'], { hedgeAfterMs: 500 })).toThrow(fault);
    expect(() => aliasOf(['a/x', 'b/x'], { hedgeAfterMs: 500, fallback: false })).toThrow(fault);
  });

  it('names no model twice by two names: of one request a verifier accepts none twice (AUD-128)', () => {
    const of = new Map([served('open', { models: { 'few/x': {} } }), served('few', { models: { m: {} } })]);
    expect(() => aliasOf(['few/x', 'open/few/x'], {}, of)).toThrow(
      expect.objectContaining({ code: 'MALFORMED', message: expect.stringContaining('twice') }),
    );
  });

  it.each([
    [['a/x', 'a/x'], 'twice'],
    [['nobody/x'], 'not in providers'],
    [['few/other'], 'does not serve'],
  ])('is refused in the policy: %j', (models, what) => {
    expect(() => aliasOf(models)).toThrow(
      expect.objectContaining({ code: 'MALFORMED', message: expect.stringContaining(what) }),
    );
  });
});
