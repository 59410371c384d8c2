import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { CHAT } from './chat.js';
import { MESSAGES } from './messages.js';
import { RESPONSES } from './responses.js';

const chat = (content: JsonValue): JsonObject => ({ model: 'm', messages: [{ role: 'user', content }] });
const message = (content: JsonValue): JsonObject => ({ ...chat(content), max_tokens: 10 });
const item = (one: JsonObject): JsonObject => ({ model: 'm', input: [one] });
const file = { type: 'file', file_id: 'file_1' };
const inside = { type: 'url', url: 'http://169.254.169.254/' };

// LLM-4, LLM-25
describe('what stands inside a request', () => {
  it.each<[string, typeof CHAT, JsonObject]>([
    [
      'a chat whose content is one part',
      CHAT,
      chat({ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }),
    ],
    ['a chat whose content is a number', CHAT, chat(7)],
    ['a part with another member', CHAT, chat([{ type: 'text', text: 'x', file_id: 'file_1' }])],
    [
      'a picture with another member',
      CHAT,
      chat([{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', file_id: 'f' } }]),
    ],
    ['a message whose content is one block', MESSAGES, message({ type: 'image', source: inside })],
    ['a system that is one block', MESSAGES, { ...message('x'), system: { type: 'image', source: inside } }],
    [
      'a result of a tool that is one block',
      MESSAGES,
      message([{ type: 'tool_result', content: { type: 'image', source: inside } }]),
    ],
    [
      'a result of a search with a file',
      MESSAGES,
      message([{ type: 'search_result', content: [{ type: 'document', source: file }] }]),
    ],
    [
      'a result of a search that is loaded',
      MESSAGES,
      message([{ type: 'search_result', content: [{ type: 'image', source: inside }] }]),
    ],
    [
      'what the web search found, with a file',
      MESSAGES,
      message([{ type: 'web_search_tool_result', content: [{ type: 'document', source: file }] }]),
    ],
    [
      'a response whose content is one part',
      RESPONSES,
      item({ type: 'message', role: 'user', content: { type: 'input_file', file_id: 'f' } }),
    ],
    [
      'an output that is one part',
      RESPONSES,
      item({ type: 'function_call_output', call_id: 'c', output: { type: 'input_file', file_id: 'f' } }),
    ],
    [
      'a thought with a file',
      RESPONSES,
      item({ type: 'reasoning', encrypted_content: 'x', content: [{ type: 'input_file', file_id: 'f' }] }),
    ],
    [
      'a sum of thoughts with a file',
      RESPONSES,
      item({ type: 'reasoning', encrypted_content: 'x', summary: [{ type: 'input_file', file_id: 'f' }] }),
    ],
  ])('is refused if it could reach beyond it: %s', (_, dialect, body) => {
    expect(() => dialect.readRequest(body, [])).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(?:MALFORMED|POLICY_DENIED)$/) }),
    );
  });

  it.each<[string, typeof CHAT, JsonObject]>([
    ['text', CHAT, chat('x')],
    ['nothing', CHAT, chat(null)],
    [
      'parts',
      CHAT,
      chat([
        { type: 'text', text: 'x' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
      ]),
    ],
    [
      'blocks of a tool',
      MESSAGES,
      message([{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'x' }] }]),
    ],
    ['text of a tool', MESSAGES, message([{ type: 'tool_result', tool_use_id: 't', content: 'x' }])],
    [
      'what a search found',
      MESSAGES,
      message([
        { type: 'search_result', source: 'https://x', title: 't', content: [{ type: 'text', text: 'x' }] },
      ]),
    ],
    [
      'what the web search found',
      MESSAGES,
      message([
        { type: 'web_search_tool_result', content: [{ type: 'web_search_result', url: 'https://x' }] },
      ]),
    ],
    [
      'why it found nothing',
      MESSAGES,
      message([
        {
          type: 'web_search_tool_result',
          content: { type: 'web_search_tool_result_error', error_code: 'x' },
        },
      ]),
    ],
    [
      'thoughts',
      RESPONSES,
      item({
        type: 'reasoning',
        encrypted_content: 'x',
        content: [{ type: 'reasoning_text', text: 'x' }],
        summary: [{ type: 'summary_text', text: 'x' }],
      }),
    ],
    [
      'the output of a function',
      RESPONSES,
      item({ type: 'function_call_output', call_id: 'c', output: 'x' }),
    ],
  ])('passes if it stands for itself: %s', (_, dialect, body) => {
    expect(dialect.readRequest(body, []).features).toEqual([]);
  });

  it('is seen to stay in a cache for long, and a model to search by itself', () => {
    const mark = (ttl: string) =>
      chat([{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl } }]);
    expect([CHAT.readRequest(mark('5m'), []).cache, CHAT.readRequest(mark('1h'), []).cache]).toEqual([
      'short',
      'long',
    ]);
    const schema = { type: 'object', properties: { cache_control: { type: 'object', ttl: '1h' } } };
    const tool = (ttl: string) => ({
      ...chat('x'),
      tools: [
        {
          type: 'function',
          function: { name: 'f', parameters: schema },
          cache_control: { type: 'ephemeral', ttl },
        },
      ],
    });
    expect([CHAT.readRequest(tool('5m'), []).cache, CHAT.readRequest(tool('1h'), []).cache]).toEqual([
      'short',
      'long',
    ]);
    for (const model of [
      'gpt-4o-mini-search-preview',
      'openai/gpt-4o-search-preview-2025-03-11',
      'perplexity/sonar-pro',
      'perplexity/llama-3.1-sonar-large-128k-online',
      'openai/gpt-4o:online',
      'openai/o4-mini-deep-research',
      'groq/compound',
      'compound-beta-mini',
    ])
      expect(CHAT.readRequest({ ...chat('x'), model }, []).features).toEqual(['web_search']);
    for (const model of ['gpt-4o-research', 'openai/gpt-4o:nitro', 'my/compounds', 'onliner'])
      expect(CHAT.readRequest({ ...chat('x'), model }, []).features).toEqual([]);
  });
});
