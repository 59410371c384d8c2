import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { CHAT } from './chat.js';
import type { Dialect } from './dialect.js';
import { MESSAGES } from './messages.js';
import { RESPONSES } from './responses.js';
import { toolFeatures } from './responses-tools.js';

const turn = (role: string, part: object): JsonObject => ({
  model: 'm',
  messages: [{ role, content: [part as JsonValue] }],
});
const chat = (part: object): JsonObject => turn('user', part);
const said = (more: object): JsonObject => ({
  model: 'm',
  messages: [{ role: 'assistant', content: 'x', ...more } as JsonObject],
});
const message = (block: object): JsonObject => ({ ...turn('user', block), max_tokens: 10 });
const item = (one: object): JsonObject => ({ model: 'm', input: [one as JsonObject] });
const part = (one: object): JsonObject =>
  item({ type: 'message', role: 'user', content: [one as JsonValue] });

const KEY = 'ZQCanary91';
/** Bytes that say they are a picture: a guard does not look into those. */
const BYTES = { type: 'base64', media_type: 'image/png', data: 'QUJD' };
const SOURCE = BYTES;
const text = (more: object) => message({ type: 'text', text: 'x', ...more });
const answer = (more: object) =>
  item({ role: 'assistant', content: [{ type: 'output_text', text: 'x', ...more }] as JsonValue });
const search = (more: object) =>
  message({ type: 'web_search_tool_result', content: [{ type: 'web_search_result', url: 'x', ...more }] });
const cite = (more: object) => ({ type: 'char_location', cited_text: 'x', document_index: 0, ...more });
const note = (more: object) => ({ url: 'https://x.example/', title: 't', ...more });
const PDF = 'data:application/pdf;base64,JVBERi0x';
const PNG = 'data:image/png;base64,AAAA';

// LLM-4
describe('what is inside a request', () => {
  it.each<[string, Dialect, JsonObject]>([
    ['text of a chat', CHAT, chat({ type: 'text', text: BYTES })],
    ['refusal of a chat', CHAT, chat({ type: 'refusal', refusal: BYTES })],
    ['name', CHAT, said({ name: BYTES })],
    ['role', CHAT, said({ role: BYTES })],
    ['refusal', CHAT, said({ refusal: BYTES })],
    ['thought', CHAT, said({ reasoning: BYTES })],
    ['other thought', CHAT, said({ reasoning_content: [BYTES] })],
    ['id of a call', CHAT, said({ tool_call_id: BYTES })],
    ['arguments', CHAT, said({ tool_calls: [{ id: 'c', function: { name: 'n', arguments: BYTES } }] })],
    ['input', CHAT, said({ tool_calls: [{ id: 'c', custom: { name: 'n', input: BYTES } }] })],
    ['old arguments', CHAT, said({ function_call: { name: 'n', arguments: BYTES } })],
    ['mark of a chat', CHAT, chat({ type: 'text', text: 'x', cache_control: 'ephemeral' })],
    ['detail of a chat', CHAT, chat({ type: 'image_url', image_url: { url: PNG, detail: KEY } })],
    ['notes of a chat', CHAT, said({ annotations: { type: 'url_citation' } })],
    [
      'title of a note',
      CHAT,
      said({ annotations: [{ type: 'url_citation', url_citation: { title: BYTES } }] }),
    ],
    ['text', MESSAGES, message({ type: 'text', text: BYTES })],
    ['thought', MESSAGES, message({ type: 'thinking', thinking: BYTES, signature: 's' })],
    ['unseen thought', MESSAGES, message({ type: 'redacted_thinking', data: BYTES })],
    ['name of a call', MESSAGES, message({ type: 'tool_use', id: 't', name: BYTES, input: {} })],
    ['id of a result', MESSAGES, message({ type: 'tool_result', tool_use_id: BYTES })],
    ['error', MESSAGES, message({ type: 'tool_result', tool_use_id: 't', is_error: BYTES })],
    ['source of a search', MESSAGES, message({ type: 'search_result', source: BYTES, content: [] })],
    ['cited', MESSAGES, text({ citations: [cite({ cited_text: BYTES })] })],
    ['page of a search', MESSAGES, search({ page_age: BYTES })],
    ['time of a mark', MESSAGES, text({ cache_control: { type: 'ephemeral', ttl: KEY } })],
    ['cited perhaps', MESSAGES, message({ type: 'document', source: SOURCE, citations: { enabled: KEY } })],
    ['text of a response', RESPONSES, part({ type: 'input_text', text: BYTES })],
    ['chances', RESPONSES, answer({ logprobs: [{ token: BYTES }] })],
    ['arguments', RESPONSES, item({ type: 'function_call', call_id: 'c', name: 'n', arguments: BYTES })],
    [
      'search',
      RESPONSES,
      item({ type: 'web_search_call', id: 'w', action: { type: 'search', query: BYTES } }),
    ],
    ['command', RESPONSES, item({ type: 'local_shell_call', action: { type: 'exec', command: [BYTES] } })],
    ['detail of a file', RESPONSES, part({ type: 'input_file', file_data: PDF, detail: KEY.repeat(4) })],
    ['detail of a picture', RESPONSES, part({ type: 'input_image', image_url: PNG, detail: KEY })],
    ['original of a file', RESPONSES, part({ type: 'input_file', file_data: PDF, detail: 'original' })],
    ['title of a note', RESPONSES, answer({ annotations: [{ type: 'url_citation', title: BYTES }] })],
  ])('is refused if it is of another kind than its protocol says: %s', (_, dialect, body) => {
    expect(() => dialect.readRequest(body, [])).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it.each<[string, Dialect, JsonObject, string]>([
    [
      'a file as a note',
      CHAT,
      said({ annotations: [{ type: 'file', file: { file_data: PDF } }] }),
      'an annotation of type file',
    ],
    [
      'a file in a note',
      CHAT,
      said({ annotations: [{ type: 'url_citation', url_citation: note({ file_id: 'f' }) }] }),
      'messages.annotations.url_citation.file_id',
    ],
    [
      'a mark of a chat',
      CHAT,
      chat({ type: 'text', text: 'x', cache_control: { type: 'ephemeral', file_id: 'f' } }),
      'text.cache_control.file_id',
    ],
    ['a mark', MESSAGES, text({ cache_control: { file_id: 'f' } }), 'text.cache_control.file_id'],
    ['what is cited', MESSAGES, text({ citations: [cite({ file_id: 'f' })] }), 'text.citations.file_id'],
    [
      'how it is cited',
      MESSAGES,
      message({ type: 'document', source: SOURCE, citations: { enabled: true, source: BYTES } }),
      'document.citations.source',
    ],
    [
      'changes of a picture',
      MESSAGES,
      message({ type: 'image', source: BYTES, transformations: { url: 'https://x.example/' } }),
      'image.transformations.url',
    ],
    ['what a search found', MESSAGES, search({ source: BYTES }), 'web_search_result.source'],
    [
      'why a search found nothing',
      MESSAGES,
      message({
        type: 'web_search_tool_result',
        content: { type: 'web_search_tool_result_error', file_id: 'f' },
      }),
      'web_search_tool_result_error.file_id',
    ],
    [
      'who calls',
      MESSAGES,
      message({ type: 'tool_use', id: 't', name: 'n', input: {}, caller: { file_id: 'f' } }),
      'tool_use.caller.file_id',
    ],
    [
      'a note of a response',
      RESPONSES,
      answer({ annotations: [{ type: 'url_citation', file_id: 'f' }] }),
      'annotations.file_id',
    ],
    [
      'what is done',
      RESPONSES,
      item({ type: 'computer_call', call_id: 'c', action: { type: 'click', file_id: 'f' } }),
      'input.computer_call.action.file_id',
    ],
    [
      'a check',
      RESPONSES,
      item({ type: 'computer_call', call_id: 'c', pending_safety_checks: [{ id: 'i', file_id: 'f' }] }),
      'input.computer_call.pending_safety_checks.file_id',
    ],
  ])('is refused with what nobody listed in it: %s', (_, dialect, body, caveat) => {
    expect(() => dialect.readRequest(body, [])).toThrow(
      expect.objectContaining({ data: expect.objectContaining({ caveat }) }),
    );
  });

  it.each<[string, Dialect, JsonObject]>([
    [
      'notes of a chat',
      CHAT,
      said({ annotations: [{ type: 'url_citation', url_citation: note({ start_index: 0, end_index: 1 }) }] }),
    ],
    ['a mark', CHAT, chat({ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } })],
    [
      'what an answer cites',
      MESSAGES,
      text({
        citations: [
          cite({ document_title: null, file_id: null, start_char_index: 0, end_char_index: 1 }),
          {
            type: 'web_search_result_location',
            cited_text: 'x',
            encrypted_index: 'e',
            title: null,
            url: 'u',
          },
          { type: 'page_location', cited_text: 'x', start_page_number: 1, end_page_number: 2 },
          { type: 'search_result_location', source: 's', search_result_index: 0, start_block_index: 0 },
        ],
      }),
    ],
    ['what a search found', MESSAGES, search({ title: 't', encrypted_content: 'e', page_age: null })],
    [
      'a picture that is to be made smaller',
      MESSAGES,
      message({ type: 'image', source: BYTES, transformations: { oversized_image: 'downsize' } }),
    ],
    [
      'who calls',
      MESSAGES,
      message({ type: 'tool_use', id: 't', name: 'n', input: {}, caller: { type: 'direct' } }),
    ],
    [
      'chances and notes of an answer',
      RESPONSES,
      answer({
        annotations: [{ type: 'url_citation', ...note({ start_index: 0, end_index: 1 }) }],
        logprobs: [{ token: 'x', logprob: -1, bytes: [1], top_logprobs: [] }],
      }),
    ],
    [
      'what was searched',
      RESPONSES,
      item({
        ...{ type: 'web_search_call', id: 'w', status: 'completed' },
        action: { type: 'search', query: 'x', queries: ['x'], sources: [{ type: 'url', url: 'u' }] },
      }),
    ],
    [
      'a drag',
      RESPONSES,
      item({
        ...{ type: 'computer_call', id: 'i', call_id: 'c', status: 'completed', pending_safety_checks: [] },
        action: { type: 'drag', path: [{ x: 1, y: 2 }], keys: null },
      }),
    ],
    [
      'a command',
      RESPONSES,
      item({
        ...{ type: 'local_shell_call', id: 'i', call_id: 'c', status: 'completed' },
        action: { type: 'exec', command: ['ls'], env: { A: 'b' }, timeout_ms: null, user: null },
      }),
    ],
    ['the original', RESPONSES, part({ type: 'input_image', image_url: PNG, detail: 'original' })],
  ])('passes as libraries send it: %s', (_, dialect, body) => {
    expect(dialect.readRequest(body, []).documents).toBe(0);
  });

  it.each<[string, Dialect, JsonObject]>([
    ['a member of a part', CHAT, chat({ type: 'text', text: 'x', [KEY]: 1 })],
    ['a member of a request', CHAT, { ...chat({ type: 'text', text: 'x' }), [KEY]: 1 }],
    ['a type of a part', CHAT, chat({ type: KEY })],
    ['a type of a block', MESSAGES, message({ type: KEY })],
    ['a type of a source', MESSAGES, message({ type: 'document', source: { type: KEY } })],
    ['a type of a picture', MESSAGES, message({ type: 'image', source: { type: KEY } })],
    [
      'a type of what was found',
      MESSAGES,
      message({ type: 'web_search_tool_result', content: { type: KEY } }),
    ],
    ['a member of a source', MESSAGES, message({ type: 'document', source: { type: 'url', [KEY]: 1 } })],
    ['a type of an item', RESPONSES, item({ type: KEY })],
    ['a member of an item', RESPONSES, item({ role: 'user', content: 'x', [KEY]: 1 })],
    ['a type of a note', RESPONSES, answer({ annotations: [{ type: KEY }] })],
    ['what is included', RESPONSES, { ...item({ role: 'user', content: 'x' }), include: [KEY] }],
    ['a tool', RESPONSES, { ...item({ role: 'user', content: 'x' }), tools: [{ type: KEY, [KEY]: 1 }] }],
  ])('is not told on record as its sender wrote it: %s', (_, dialect, body) => {
    expect(() => dialect.readRequest(body, [])).toThrow(
      expect.objectContaining({
        code: 'POLICY_DENIED',
        data: expect.objectContaining({ caveat: expect.not.stringContaining(KEY) }),
      }),
    );
    expect(() => toolFeatures({ tools: [{ type: KEY, [KEY]: 1 }] })).toThrow();
  });
});
