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
    const present = { ...NOTHING, providers: { openai: there }, secrets: new Set(['openai-key']) };
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
});
