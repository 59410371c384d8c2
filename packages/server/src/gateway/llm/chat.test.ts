import type { ModelProvider } from '@talosprotocol/contracts';
import type { JsonObject } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { CHAT } from './chat.js';
import { compileProvider } from './provider.js';

// LLM-6
describe('the maximum of a chat', () => {
  const sentTo = (
    provider: Pick<ModelProvider, 'baseUrl' | 'host' | 'apiVersion'>,
    said: JsonObject,
    put?: number,
  ) => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'hi' }], ...said };
    const { maxField } = compileProvider('p', { api: 'openai', ...provider });
    const sent = CHAT.rewrite(body, CHAT.readRequest(body, []), { model: 'm', maxOutput: put, maxField });
    return [sent['max_tokens'], sent['max_completion_tokens']];
  };

  it.each([
    { baseUrl: 'https://api.openai.com/v1' },
    { baseUrl: 'https://eu.api.openai.com/v1' },
    { baseUrl: 'https://mine.openai.azure.com/openai/v1' },
    { baseUrl: 'https://mine.cognitiveservices.azure.com/openai/v1' },
    { baseUrl: 'https://mine.services.ai.azure.com/openai/v1' },
    { baseUrl: 'https://mine.openai.azure.us/openai/v1' },
    { baseUrl: 'https://apim.example.com/openai', host: 'azure', apiVersion: '2024-10-21' } as const,
  ])('goes as it came where what is not heeded is refused: $baseUrl', (provider) => {
    expect(sentTo(provider, { max_completion_tokens: 7 })).toEqual([undefined, 7]);
    expect(sentTo(provider, { max_tokens: 8 })).toEqual([8, undefined]);
    expect(sentTo(provider, {}, 9)).toEqual([undefined, 9]);
  });

  it.each([
    'https://api.openai.com.example.com/v1',
    'https://openai.azure.com.example.com/v1',
    'http://127.0.0.1/v1',
  ])('has its older name elsewhere: %s', (baseUrl) => {
    expect(sentTo({ baseUrl }, { max_completion_tokens: 7 })).toEqual([7, undefined]);
    expect(sentTo({ baseUrl }, {}, 9)).toEqual([9, undefined]);
  });
});

// LLM-8
describe('a chat that is to come bit by bit', () => {
  const optionsSentTo = (baseUrl: string, more: JsonObject = {}) => {
    const body = { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }], ...more };
    const { maxField, countsUnasked } = compileProvider('p', { api: 'openai', baseUrl });
    const change = { model: 'real', maxOutput: undefined, maxField, countsUnasked };
    return CHAT.rewrite(body, CHAT.readRequest(body, []), change)['stream_options'];
  };

  it.each(['https://api.openai.com/v1', 'https://models.example.com/v1', 'https://notmistral.ai/v1'])(
    'asks what it came to: %s',
    (baseUrl) => {
      expect(optionsSentTo(baseUrl)).toEqual({ include_usage: true });
      const own = { include_obfuscation: false, include_usage: false };
      expect(optionsSentTo(baseUrl, { stream_options: own })).toEqual({ ...own, include_usage: true });
      expect(optionsSentTo(baseUrl, { stream: false })).toBeUndefined();
    },
  );

  it.each(['https://api.mistral.ai/v1', 'https://codestral.mistral.ai/v1'])(
    'does not where that is refused, and told unasked: %s',
    (baseUrl) => {
      expect(optionsSentTo(baseUrl)).toBeUndefined();
      expect(optionsSentTo(baseUrl, { stream_options: { include_usage: true } })).toBeUndefined();
      expect(optionsSentTo(baseUrl, { stream_options: { other: 1, include_usage: true } })).toEqual({
        other: 1,
      });
    },
  );
});
