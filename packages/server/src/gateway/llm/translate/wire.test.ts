import type { ModelProvider } from '@talosprotocol/contracts';
import type { JsonObject } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { CHAT } from '../chat.js';
import type { Dialect } from '../dialect.js';
import { EMBEDDINGS } from '../embeddings.js';
import { COUNT_TOKENS, MESSAGES } from '../messages.js';
import { compileProvider } from '../provider.js';
import { RESPONSES } from '../responses.js';
import { canBeSaid, isServed, wireOf } from './wire.js';

const provider = (more: Partial<ModelProvider> = {}) =>
  compileProvider('p', { api: 'openai', baseUrl: 'https://models.example/v1', translate: true, ...more });
const CALL = { name: 'add', arguments: '{}', parsed_arguments: {} };
const HI = [{ role: 'user', content: 'hi' }];
const wire = (dialect: Dialect, body: object, to: Partial<ModelProvider> = {}, model = 'real') => {
  const whole = { model: 'asked', messages: HI, ...body } as unknown as JsonObject;
  const bytes = Buffer.from(JSON.stringify(whole));
  return wireOf({ dialect, body: whole, bytes }, { provider: provider(to), model }, 1_700_000_000_999);
};

// LLM-30
describe('the way to a provider', () => {
  it('is its own protocol where the client speaks it, and changes nothing', () => {
    const { dialect, body, back } = wire(CHAT, { fancy: 1 }, { fields: ['fancy'] });
    expect([dialect, body, back]).toEqual([CHAT, { model: 'asked', messages: HI, fancy: 1 }, undefined]);
  });

  it.each<[string, Dialect, Partial<ModelProvider>]>([
    ['it is not translated', MESSAGES, { translate: false }],
    ['only chats and messages are: responses', RESPONSES, { api: 'anthropic' }],
    ['only chats and messages are: embeddings', EMBEDDINGS, { api: 'anthropic' }],
    ['only chats and messages are: counts', COUNT_TOKENS, {}],
  ])('is none where %s', (_, dialect, to) => {
    expect(isServed(dialect, provider(to))).toBe(false);
    expect(() => wire(dialect, { max_tokens: 1 }, to)).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_MODEL' }),
    );
  });

  it('is a translation where the operator wants it', () => {
    expect(isServed(MESSAGES, provider())).toBe(true);
    const { dialect, back } = wire(MESSAGES, { max_tokens: 1 });
    expect([dialect, back === undefined]).toEqual([CHAT, false]);
  });
});

// LLM-3
describe('a model that searches unasked', () => {
  it.each<[string, Dialect, object, Partial<ModelProvider>]>([
    ['a chat', CHAT, { messages: HI }, {}],
    ['messages', MESSAGES, { messages: HI, max_tokens: 1 }, { api: 'anthropic' }],
    ['a chat that is translated', CHAT, { messages: HI }, { api: 'anthropic' }],
    ['a response', RESPONSES, { input: 'hi' }, {}],
  ])('does so by whatever name it is asked for: %s', (_, dialect, more, to) => {
    const featuresOf = (model: string, own: object = {}) => {
      const body = { model: 'fast', ...more, ...own } as unknown as JsonObject;
      const said = { dialect, body, bytes: new Uint8Array() };
      return wireOf(said, { provider: provider(to), model }, 0).shape.features;
    };
    expect(featuresOf('perplexity/sonar')).toEqual(['web_search']);
    expect(featuresOf('perplexity/sonar', { model: 'perplexity/sonar' })).toEqual(['web_search']);
    expect(featuresOf('gpt-4o')).toEqual([]);
  });
});

// LLM-31
describe('a request that is translated', () => {
  it('names the real model, and what that brings into play', () => {
    const { body, shape } = wire(MESSAGES, { max_tokens: 7 }, {}, 'gpt-4o-search-preview');
    expect(body['model']).toBe('gpt-4o-search-preview');
    expect(shape).toMatchObject({ maxOutput: 7, features: ['web_search'] });
    expect(wire(CHAT, { model: 'gpt-4o-search-preview' }, { api: 'anthropic' }).shape.features).toEqual([
      'web_search',
    ]);
  });

  it('goes without betas, and without what libraries added, which say nothing in it', () => {
    const said = {
      role: 'assistant',
      content: [{ type: 'text', text: 'x', citations: null, parsed_output: 1 }],
    };
    const body = { model: 'asked', max_tokens: 7, messages: [...HI, said, ...HI] } as unknown as JsonObject;
    const asked = { dialect: MESSAGES, body, bytes: new Uint8Array() };
    const target = { provider: provider(), model: 'real' };
    const { betas, body: sent } = wireOf({ ...asked, betas: ['token-counting-2024-11-01'] }, target, 0);
    expect([betas, sent['messages']]).toEqual([[], [...HI, { role: 'assistant', content: 'x' }, ...HI]]);
    expect(() => wireOf({ ...asked, betas: ['context-1m-2025-08-07'] }, target, 0)).toThrow(
      expect.objectContaining({ code: 'POLICY_DENIED' }),
    );
    const parsed = { role: 'assistant', content: null, parsed: 1, tool_calls: [{ id: 'c', function: CALL }] };
    const { body: told } = wire(CHAT, { messages: [...HI, parsed, ...HI] }, { api: 'anthropic' });
    expect((told['messages'] as JsonObject[])[1]).toEqual({
      role: 'assistant',
      content: [{ type: 'tool_use', id: 'c', name: 'add', input: {} }],
    });
  });

  it('counts as the longer of what is said and what is sent', () => {
    const calls = Array.from({ length: 20 }, (_, id) => ({ type: 'tool_result', tool_use_id: `${id}` }));
    const body = { max_tokens: 7, messages: [...HI, { role: 'user', content: calls }] };
    const said = JSON.stringify({ model: 'asked', ...body }).length;
    const { bytes, body: sent } = wire(MESSAGES, body);
    expect(bytes).toBe(Math.max(said, JSON.stringify(sent).length));
    expect(wire(CHAT, { stop: [] }, { api: 'anthropic', maxOutputTokens: 1 }).bytes).toBeGreaterThanOrEqual(
      JSON.stringify({ model: 'asked', messages: HI, stop: [] }).length,
    );
  });

  it('has no members that the operator lets through for clients of its own', () => {
    const fancy = { fancy: 1, max_tokens: 1 };
    expect(() => wire(MESSAGES, fancy, { fields: ['fancy'] })).toThrow(
      expect.objectContaining({ code: 'POLICY_DENIED' }),
    );
  });

  it('can be said or cannot, which nobody hears of where nothing is translated', () => {
    const target = { provider: provider(), model: 'm' };
    const said = (dialect: Dialect, more: object) => {
      const body = { model: 'm', max_tokens: 1, messages: HI, ...more } as unknown as JsonObject;
      return canBeSaid({ dialect, body, bytes: new Uint8Array() }, target);
    };
    expect([said(MESSAGES, {}), said(MESSAGES, { top_k: 1 }), said(CHAT, { nonsense: 1 })]).toEqual([
      true,
      false,
      true,
    ]);
  });
});
