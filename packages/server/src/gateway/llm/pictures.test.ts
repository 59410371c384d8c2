import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { CHAT } from './chat.js';
import type { Dialect } from './dialect.js';
import { MESSAGES } from './messages.js';
import { RESPONSES } from './responses.js';

const PDF = Buffer.from('%PDF-1.7 a document of some length').toString('base64');
const PNG = Buffer.from('\u0089PNG\r\n\u001a\n and more', 'latin1').toString('base64');

const user = (part: JsonValue): JsonObject => ({ model: 'm', messages: [{ role: 'user', content: [part] }] });
const block = (source: object): JsonObject => ({
  ...user({ type: 'image', source: source as JsonValue }),
  max_tokens: 10,
});
const chat = (url: JsonValue): JsonObject => user({ type: 'image_url', image_url: { url } });
const response = (url: JsonValue): JsonObject => ({
  model: 'm',
  input: [{ type: 'message', role: 'user', content: [{ type: 'input_image', image_url: url }] }],
});
const shot = (url: JsonValue): JsonObject => ({
  model: 'm',
  input: [
    { type: 'computer_call_output', call_id: 'c', output: { type: 'computer_screenshot', image_url: url } },
  ],
});
const inDocument = (source: JsonObject): JsonObject => {
  const content: JsonValue = [{ type: 'image', source }];
  const document: JsonObject = { type: 'document', source: { type: 'content', content } };
  return { ...user(document), max_tokens: 10 };
};

/** Every place of a picture's address, and what is told of it. */
const places = (url: JsonValue): readonly (readonly [Dialect, JsonObject, string])[] => [
  [CHAT, chat(url), 'image_url.url'],
  [RESPONSES, response(url), 'input_image.image_url'],
  [RESPONSES, shot(url), 'computer_screenshot.image_url'],
  [MESSAGES, block({ type: 'url', url }), 'source.url'],
];
const refused = (dialect: Dialect, body: JsonObject, caveat: string) =>
  expect(() => dialect.readRequest(body, []), caveat).toThrow(
    expect.objectContaining({ code: 'POLICY_DENIED', data: expect.objectContaining({ caveat }) }),
  );

// LLM-4, LLM-37
describe('a picture', () => {
  it.each(['png', 'jpeg', 'jpg', 'gif', 'webp'])('passes as strict base64 of %s, or is loaded', (type) => {
    for (const [dialect, body] of places(`data:image/${type};base64,${PNG}`))
      expect(dialect.readRequest(body, [])).toMatchObject({ pictures: 1, features: [] });
    for (const [dialect, body] of places(`https://papers.example/a.${type}?of=b.pdf`))
      expect(dialect.readRequest(body, [])).toMatchObject({ pictures: 1, features: ['fetch'] });
    const source: JsonObject = { type: 'base64', media_type: `image/${type}`, data: PNG };
    for (const body of [block(source), inDocument(source)])
      expect(MESSAGES.readRequest(body, [])).toMatchObject({ pictures: 1, pictureBytes: PNG.length });
  });

  it.each([
    ...['application/pdf', 'application/%70df', 'application/vnd.pdf', 'application/acrobat', 'image/pdf'],
    ...['application/octet-stream', '', '"application/pdf"', 'image/png;type=application/pdf', 'IMAGE/PNG'],
    ...['\u0000application/pdf', '\u200bapplication/pdf', 'application\t/pdf', 'video/mp4', 'audio/mp3'],
    ...['text/plain', 'image/svg+xml', 'image/heic', 'image/png ', ' image/png'],
  ])('is refused if it is of another type: %j', (type) => {
    for (const data of [PDF, PNG])
      for (const [dialect, body, caveat] of places(`data:${type};base64,${data}`))
        refused(dialect, body, caveat);
    const source: JsonObject = { type: 'base64', media_type: type, data: PNG };
    refused(MESSAGES, block(source), 'source.media_type');
    refused(MESSAGES, inDocument(source), 'source.media_type');
  });

  it.each([
    ['at once', ''],
    ['after a head of a picture', '\u0089PNG\r\n\u001a\n'],
    ['after a thousand bytes', 'x'.repeat(1024)],
  ])('is refused if it is a PDF, as its readers take it for one: %s', (_, before) => {
    const data = Buffer.from(`${before}%PDF-1.7 and more`, 'latin1').toString('base64');
    for (const [dialect, body, caveat] of places(`data:image/png;base64,${data}`))
      refused(dialect, body, caveat);
    const source: JsonObject = { type: 'base64', media_type: 'image/png', data };
    refused(MESSAGES, block(source), 'source.data');
    refused(MESSAGES, inDocument(source), 'source.data');
  });

  it.each(['', '=', 'AAA', 'AA-_', ' AAAA', 'AA\nAA', '====', 'words'])(
    'is refused if it is not strictly base64: %j',
    (data) => {
      for (const [dialect, body, caveat] of places(`data:image/png;base64,${data}`))
        refused(dialect, body, caveat);
      refused(MESSAGES, block({ type: 'base64', media_type: 'image/png', data }), 'source.data');
    },
  );

  it.each([
    ...['https://papers.example/a.pdf', 'https://papers.example/a.PDF?x', 'https://papers.example/a%2Epdf#b'],
    ...['HTTPS://papers.example/a.%70df', 'http://papers.example/a.png', 'file:///etc/passwd', 'x', ''],
    ...[
      'https://user:pw@papers.example/a.png',
      'https://user@papers.example/a.png',
      'https://:pw@x.example/',
    ],
    ...[
      'https://169.254.169.254/latest',
      'https://10.0.0.1/a.png',
      'https://[::1]/a.png',
      'https://2130706433/',
    ],
    ...['https://localhost/a.png', 'https://LOCALHOST./a.png', 'https://metadata.google.internal/a.png'],
    ...[
      'https://papers.example\\@10.0.0.1/a.png',
      'https://papers.ex\tample/a.png',
      'https://',
      ' https://x.y/',
    ],
  ])('is refused if it would be loaded from there: %j', (url) => {
    for (const [dialect, body, caveat] of places(url)) refused(dialect, body, caveat);
  });

  it.each<[string, object, string]>([
    ['a file', { type: 'file', file_id: 'f' }, 'POLICY_DENIED'],
    [
      'bytes and a file',
      { type: 'base64', media_type: 'image/png', data: PNG, file_id: 'f' },
      'POLICY_DENIED',
    ],
    [
      'bytes and an address',
      { type: 'base64', media_type: 'image/png', data: PNG, url: 'https://x.example/' },
      'POLICY_DENIED',
    ],
    [
      'an address and bytes',
      { type: 'url', url: 'https://x.example/', data: PDF, media_type: 'application/pdf' },
      'POLICY_DENIED',
    ],
    ['a list of types', { type: 'base64', media_type: ['application/pdf'], data: PDF }, 'MALFORMED'],
    ['no type', { type: 'base64', data: PDF }, 'MALFORMED'],
    ['no data', { type: 'base64', media_type: 'image/png' }, 'MALFORMED'],
    ['a list of data', { type: 'base64', media_type: 'image/png', data: [PDF] }, 'MALFORMED'],
  ])('is refused whose source is %s', (_, source, code) => {
    expect(() => MESSAGES.readRequest(block(source), [])).toThrow(expect.objectContaining({ code }));
  });

  it('goes on without what says nothing in its source', () => {
    const source = { type: 'base64', media_type: 'image/png', data: PNG };
    expect(MESSAGES.meant?.(block({ ...source, file_id: null }))).toEqual(block(source));
  });
});
