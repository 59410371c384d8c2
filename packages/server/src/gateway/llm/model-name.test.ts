import type { ModelProvider } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { findModel } from './model-name.js';
import { compileProvider } from './provider.js';

const named = (name: string, more: Partial<ModelProvider> = {}) =>
  [name, compileProvider(name, { api: 'openai', baseUrl: 'https://models.example/v1', ...more })] as const;
const find = (
  providers: readonly ReturnType<typeof named>[],
  asked: string,
  api: 'openai' | 'anthropic' = 'openai',
) => {
  const { provider, model } = findModel(new Map(providers), asked, api);
  return `${provider.name} ${model}`;
};
const unknown = expect.objectContaining({ code: 'UNKNOWN_MODEL' });

// LLM-2
describe('the name of a model', () => {
  it('may say its provider, whose own names may have slashes too', () => {
    const both = [named('a'), named('b')];
    expect(find(both, 'b/m')).toBe('b m');
    expect(find(both, 'a/meta/llama-3')).toBe('a meta/llama-3');
  });

  it('that says a provider is told to no other, but to one for which that whole name is listed', () => {
    const open = named('open');
    const listed = [named('a', { models: { m: {} } }), open];
    for (const asked of ['a/x', 'A/m', 'a/m2', 'a/', 'a/..', 'OPEN/m'])
      expect(() => find(listed, asked), asked).toThrow(unknown);
    expect(find(listed, 'open/a/x')).toBe('open a/x');
    expect(find(listed, 'b/x')).toBe('open b/x');
    expect(find([...listed, named('hub', { models: { 'a/x': {} } })], 'a/x')).toBe('hub a/x');
  });

  it('alone is that of the one provider that can be meant', () => {
    expect(find([named('a')], 'gpt-4o')).toBe('a gpt-4o');
    expect(find([named('a')], 'meta/llama-3')).toBe('a meta/llama-3');
    const listed = [named('a', { models: { x: {} } }), named('b', { models: { y: {} } })];
    expect(find(listed, 'y')).toBe('b y');
  });

  it('alone is first looked for where the protocol of the route is spoken', () => {
    const both = [named('a'), named('b', { api: 'anthropic' })];
    expect(find(both, 'm', 'openai')).toBe('a m');
    expect(find(both, 'm', 'anthropic')).toBe('b m');
  });

  // LLM-30
  it('alone is then looked for where calls are translated', () => {
    const both = [named('a'), named('b', { translate: true })];
    expect(find(both, 'm', 'anthropic')).toBe('b m');
    expect(find([...both, named('c', { api: 'anthropic' })], 'm', 'anthropic')).toBe('c m');
    expect(() => find(both, 'm', 'openai')).toThrow(unknown);
  });

  it.each(['', ' ', 'a b', 'm\n', 'ä', 'x'.repeat(129), 'a/', 'other/m'])('is none: %j', (asked) => {
    const listed = [named('a', { models: { m: {} } })];
    expect(() => find(listed, asked)).toThrow(unknown);
  });

  it('that may be of several is refused rather than guessed', () => {
    expect(() => find([named('a'), named('b')], 'm')).toThrow(unknown);
    expect(() => find([], 'm')).toThrow(unknown);
  });
});

// LLM-5
describe('the address of a provider', () => {
  const of = (baseUrl: string, more: Partial<ModelProvider> = {}) =>
    compileProvider('p', { api: 'openai', baseUrl, ...more }).baseUrl;

  it('is one that nobody reads along', () => {
    expect(of('https://api.openai.com/v1/')).toBe('https://api.openai.com/v1');
    for (const local of ['http://127.0.0.1:11434/v1', 'http://localhost:1/v1', 'http://[::1]:1/v1'])
      expect(of(local)).toBe(local);
    for (const open of ['http://models.example/v1', 'http://10.0.0.1/v1', 'http://127.0.0.1.example/v1'])
      expect(() => of(open), open).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
    expect(of('http://10.0.0.1/v1', { insecure: true })).toBe('http://10.0.0.1/v1');
  });

  it.each([
    'https://a.example/v1?x=1',
    'https://a.example/#x',
    'https://u:p@a.example/',
    'https://',
    'nonsense',
  ])('is no address: %s', (url) => {
    expect(() => of(url)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });
});
