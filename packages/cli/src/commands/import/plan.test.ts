import type { ModelProvider, PolicyDocument } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import type { Imported } from './litellm.js';
import { planImport, presentOf } from './plan.js';

const provider = (model: string): ModelProvider => ({
  api: 'openai',
  baseUrl: 'https://api.openai.com/v1',
  models: { [model]: {} },
});
const KEY = [{ variable: 'KEY' }];

/** Two providers that differ in their key alone, and an alias of both. */
const IMPORTED: Imported = {
  providers: new Map([
    ['openai', { provider: provider('new'), key: KEY }],
    ['openai-2', { provider: provider('new'), key: [{ value: 'sk-canary' }] }],
  ]),
  aliases: new Map([
    ['m', { models: [{ model: 'openai/new' }, { model: 'openai-2/new', weight: 2 }], choose: 'weight' }],
  ]),
  left: ['x: has no counterpart'],
};
const NOTHING = presentOf({ version: 1, servers: {} }, new Set());

describe('a plan of an import', () => {
  it('takes the names of the file where nothing has them', () => {
    const { providers, aliases, keys, renamed, left } = planImport(IMPORTED, NOTHING);
    expect([...providers]).toEqual([
      ['openai', { ...provider('new'), key: 'openai-key' }],
      ['openai-2', { ...provider('new'), key: 'openai-2-key' }],
    ]);
    expect(aliases).toEqual(IMPORTED.aliases);
    expect(keys.map(({ secret, isPresent }) => [secret, isPresent])).toEqual([
      ['openai-key', false],
      ['openai-2-key', false],
    ]);
    expect([renamed, left]).toEqual([[], IMPORTED.left]);
  });

  it.each<[string, ModelProvider]>([
    ['other models', { ...provider('old'), key: 'openai-key' }],
    ['no key', provider('new')],
    ['more rights', { ...provider('new'), key: 'openai-key', fields: ['store'] }],
  ])('takes other names, also in its aliases, where a provider with %s has one', (_, there) => {
    // What clients mean by the plain name is said: else it would come to mean two.
    const aliases = { new: { models: [{ model: 'openai/new' }] } };
    const secrets = new Set(['openai-key']);
    const present = { ...NOTHING, providers: { openai: there }, aliases, secrets };
    const plan = planImport(IMPORTED, present);
    expect([...plan.providers.keys()]).toEqual(['openai-2', 'openai-3']);
    expect(plan.renamed).toEqual([
      { wanted: 'openai', name: 'openai-2' },
      { wanted: 'openai-2', name: 'openai-3' },
    ]);
    expect(plan.aliases.get('m')?.models).toEqual([
      { model: 'openai-2/new' },
      { model: 'openai-3/new', weight: 2 },
    ]);
  });

  it('takes no secret that is there, whoever set it, and gives none twice', () => {
    const secrets = new Set(['openai-key', 'openai-key-2', 'openai-2-key']);
    const { keys } = planImport(IMPORTED, { ...NOTHING, secrets });
    expect(keys.map(({ secret }) => secret)).toEqual(['openai-key-3', 'openai-2-key-2']);
  });

  it('takes no secret that a provider or a guard waits for: its key would go there', () => {
    const waiting = { ...provider('old'), key: 'openai-key' };
    const guards = { g: { use: 'http', url: 'https://guard.example.com', key: 'openai-2-key' } };
    const policy = { version: 1, servers: {}, providers: { other: waiting }, guards } as unknown;
    const { keys } = planImport(IMPORTED, presentOf(policy as PolicyDocument, new Set()));
    expect(keys.map(({ secret }) => secret)).toEqual(['openai-key-2', 'openai-2-key-2']);
  });

  it('finds what it made before, under whatever name, and the secret that is still missing', () => {
    const taken = { ...NOTHING, providers: { openai: provider('old') } };
    const { providers, aliases } = planImport(IMPORTED, taken);
    const there = { ...taken.providers, ...Object.fromEntries(providers) };
    const policy = {
      version: 1 as const,
      servers: {},
      providers: there,
      aliases: Object.fromEntries(aliases),
    };
    const present = presentOf(policy, new Set(['openai-2-key']));
    const again = planImport(IMPORTED, present);
    expect(again.unchanged).toEqual({ providers: ['openai-2', 'openai-3'], aliases: ['m'] });
    expect(again.keys.map(({ secret, isPresent }) => [secret, isPresent])).toEqual([
      ['openai-2-key', true],
      ['openai-3-key', false],
    ]);
  });

  it('leaves an alias out whose name has another one', () => {
    const aliases = { m: { models: [{ model: 'openai/new' }] } };
    const plan = planImport(IMPORTED, { ...NOTHING, aliases });
    expect(plan.aliases.size).toBe(0);
    expect(plan.left.at(-1)).toContain('the model_name m: an alias of that name is there and stays');
  });

  describe('beside what clients ask by the plain name', () => {
    const beside = (providers: PolicyDocument['providers'], aliases: PolicyDocument['aliases'] = {}) =>
      planImport(
        IMPORTED,
        presentOf({ version: 1, servers: {}, providers, aliases } as PolicyDocument, new Set()),
      );

    it('leaves an alias out that would answer in place of a model', () => {
      const plan = beside({ mine: { ...provider('m'), baseUrl: 'https://mine.example.com' } });
      expect([plan.aliases.size, [...plan.providers.keys()]]).toEqual([0, ['openai', 'openai-2']]);
      expect(plan.left.at(-1)).toContain(
        'the model_name m: clients mean the model of mine by it, which stays',
      );
    });

    it('leaves a model out that would make its name mean two, and what stands for nothing else', () => {
      const plan = beside({ mine: provider('new') });
      expect([plan.aliases.size, plan.providers.size, plan.keys, plan.renamed]).toEqual([0, 0, [], []]);
      expect(plan.left.slice(1)).toEqual([
        expect.stringContaining('the model new of openai: clients mean that of mine by its name'),
        expect.stringContaining('the model new of openai-2: clients mean that of mine by its name'),
        'the model_name m: none of its models is taken over',
      ]);
    });

    it('takes over all else of a provider, and finds it again', () => {
      const [one, other] = [{ ...provider('new'), models: { new: {}, more: {} } }, provider('other')];
      const models = [{ model: 'openai/new', weight: 3 }, { model: 'openai/more' }];
      const file: Imported = {
        providers: new Map([['openai', { provider: one, key: KEY }]]),
        aliases: new Map([['m', { models, choose: 'weight' }]]),
        left: [],
      };
      const mine = { ...other, models: { new: {} } };
      const plan = planImport(file, { ...NOTHING, providers: { mine } });
      expect(plan.providers.get('openai')).toEqual({ ...provider('more'), key: 'openai-key' });
      expect(plan.aliases.get('m')).toEqual({ models: [{ model: 'openai/more' }] });
      const providers = { mine, ...Object.fromEntries(plan.providers) };
      const again = planImport(file, { ...NOTHING, providers, aliases: Object.fromEntries(plan.aliases) });
      expect(again.unchanged).toEqual({ providers: ['openai'], aliases: ['m'] });
      expect(again.left).toEqual(plan.left);
    });

    it('takes nothing from a provider that answers to any name', () => {
      const { models: _, ...any } = provider('x');
      const plan = beside({ any });
      expect([plan.aliases.size, plan.providers.size]).toEqual([0, 0]);
      expect(plan.left).toHaveLength(4);
    });

    it.each<[string, PolicyDocument['providers'], PolicyDocument['aliases']]>([
      ['an alias keeps it', { mine: provider('new') }, { new: { models: [{ model: 'mine/new' }] } }],
      ['it means two already', { mine: provider('new'), yours: provider('new') }, {}],
      ['it is of another protocol', { mine: { ...provider('new'), api: 'anthropic' } }, {}],
    ])('takes a model over where its name loses nothing: %s', (_, providers, aliases) => {
      const plan = beside(providers, aliases);
      expect([plan.aliases.size, plan.providers.size]).toEqual([1, 2]);
    });

    it('gives no provider a name by which clients ask another one for its models', () => {
      expect(beside({ many: provider('openai/gpt-4o') }).renamed).toEqual([
        { wanted: 'openai', name: 'openai-2' },
        { wanted: 'openai-2', name: 'openai-3' },
      ]);
    });
  });
});
