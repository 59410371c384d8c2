import type { JsonObject } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { CHAT } from './chat.js';
import { compileProvider } from './provider.js';

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
