import { isJsonObject, isTrustError, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHAT } from './chat.js';
import type { Dialect } from './dialect.js';
import { COUNT_TOKENS, MESSAGES } from './messages.js';
import { RESPONSES } from './responses.js';
import { RESPONSE_REFERENCES } from './responses-references.js';

const DATA = Buffer.from('%PDF-1.7 a document of some length').toString('base64');
const URL = `data:application/pdf;base64,${DATA}`;
const SOURCE = { type: 'base64', media_type: 'application/pdf', data: DATA };
const WEB = { type: 'url', url: 'https://papers.example/a.pdf' };
const WEB_PNG = { type: 'url', url: 'https://papers.example/a.png' };
const PNG = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };

const chat = (part: object, role = 'user'): JsonObject =>
  ({ model: 'm', messages: [{ role, content: [part] }] }) as unknown as JsonObject;
const message = (block: object, role = 'user'): JsonObject => ({ ...chat(block, role), max_tokens: 10 });
const system = (block: object): JsonObject => ({
  ...message({ type: 'text', text: 'x' }),
  system: [block as JsonObject],
});
const item = (one: object): JsonObject => ({ model: 'm', input: [one as JsonObject] });
const said = (part: object, role = 'user'): JsonObject => item({ type: 'message', role, content: [part] });
const output = (part: object, type = 'function_call_output'): JsonObject =>
  item({ type, call_id: 'c', output: [part] });

const document = (source: object, more: object = {}) => ({ type: 'document', source, ...more });
const result = (...content: object[]) => ({ type: 'tool_result', tool_use_id: 't', content });
const file = (of: object) => ({ type: 'file', file: of });
const inputFile = (of: object) => ({ type: 'input_file', ...of });

const read = (dialect: Dialect, body: JsonObject) => {
  const { documents, documentBytes, pictures, pictureBytes, features } = dialect.readRequest(
    dialect.meant?.(body) ?? RESPONSE_REFERENCES.settle(body, () => undefined, 0).body,
    [],
  );
  return { documents, documentBytes, pictures, pictureBytes, features };
};
const NONE = { documents: 0, documentBytes: 0, pictures: 0, pictureBytes: 0, features: [] as string[] };
const A_PDF = { ...NONE, documents: 1, documentBytes: DATA.length };
const UNSURE = { ...A_PDF, documentBytes: 0 };
const LOADED = { ...UNSURE, features: ['fetch'] };

// LLM-37
describe('a document', () => {
  it.each<[string, Dialect, JsonObject, object]>([
    ['file of a chat', CHAT, chat(file({ file_data: URL, filename: 'a.pdf' })), A_PDF],
    [
      'file of a chat without a name, and with nulls',
      CHAT,
      chat(file({ file_data: URL, file_id: null })),
      A_PDF,
    ],
    ['file of what others say in a chat', CHAT, chat(file({ file_data: URL }), 'assistant'), UNSURE],
    ['file of what a tool says in a chat', CHAT, chat(file({ file_data: URL }), 'tool'), UNSURE],
    ['file of what a system says in a chat', CHAT, chat(file({ file_data: URL }), 'system'), UNSURE],
    ['block', MESSAGES, message(document(SOURCE)), A_PDF],
    ['block to be counted', COUNT_TOKENS, { ...chat(document(SOURCE)) }, A_PDF],
    [
      'block with all that may be said of it',
      MESSAGES,
      message(
        document(SOURCE, {
          ...{ title: 'A', context: 'of last year', citations: { enabled: true } },
          cache_control: { type: 'ephemeral' },
        }),
      ),
      A_PDF,
    ],
    [
      'block with nulls',
      MESSAGES,
      message(document({ ...SOURCE, file_id: null }, { title: null, x: null })),
      A_PDF,
    ],
    ['block of the assistant', MESSAGES, message(document(SOURCE), 'assistant'), UNSURE],
    ['block of the system', MESSAGES, system(document(SOURCE)), UNSURE],
    ['block in a result of a tool', MESSAGES, message(result(document(SOURCE))), A_PDF],
    [
      'block in what the assistant says a tool said',
      MESSAGES,
      message(result(document(SOURCE)), 'assistant'),
      UNSURE,
    ],
    ['block that is loaded', MESSAGES, message(document(WEB)), LOADED],
    ['block of the system that is loaded', MESSAGES, system(document(WEB)), LOADED],
    [
      'file of a response',
      RESPONSES,
      said(inputFile({ file_data: URL, filename: 'a.pdf', detail: 'high' })),
      A_PDF,
    ],
    [
      'file of a response with nulls',
      RESPONSES,
      said(inputFile({ file_data: URL, file_id: null, file_url: null, x: null })),
      A_PDF,
    ],
    ['file of the system', RESPONSES, said(inputFile({ file_data: URL }), 'system'), UNSURE],
    ['file of the assistant', RESPONSES, said(inputFile({ file_data: URL }), 'assistant'), UNSURE],
    ['file that a function found', RESPONSES, output(inputFile({ file_data: URL })), A_PDF],
    [
      'file that a tool found',
      RESPONSES,
      output(inputFile({ file_data: URL }), 'custom_tool_call_output'),
      A_PDF,
    ],
    [
      'file in place of a screenshot',
      RESPONSES,
      item({ type: 'computer_call_output', call_id: 'c', output: inputFile({ file_data: URL }) }),
      UNSURE,
    ],
    ['file of a response that is loaded', RESPONSES, said(inputFile({ file_url: WEB.url })), LOADED],
    [
      'file that a function found, and is loaded',
      RESPONSES,
      output(inputFile({ file_url: WEB.url })),
      LOADED,
    ],
  ])('is counted as one that nobody reads here: %s', (_, dialect, body, expected) => {
    expect(read(dialect, body)).toEqual(expected);
  });

  it.each<[string, object, object]>([
    ['text', { type: 'text', media_type: 'text/plain', data: 'words' }, NONE],
    ['text that says it is a PDF', { type: 'text', media_type: 'text/plain', data: URL }, NONE],
    ['words', { type: 'content', content: 'words' }, NONE],
    ['blocks', { type: 'content', content: [{ type: 'text', text: 'words', citations: null }] }, NONE],
    ['blocks with a picture', { type: 'content', content: [PNG] }, { ...NONE, pictures: 1, pictureBytes: 4 }],
    [
      'blocks with a picture that is loaded',
      { type: 'content', content: [{ type: 'image', source: WEB_PNG }] },
      { ...NONE, pictures: 1, features: ['fetch'] },
    ],
  ])('of %s is read as any words are', (_, source, expected) => {
    expect(read(MESSAGES, message(document(source)))).toEqual(expected);
    expect(read(MESSAGES, message(result(document(source))))).toEqual(expected);
  });

  it('is counted each time that it is there', () => {
    const two = document({ ...SOURCE });
    const body = { ...message(result(two, two)), system: [two] } as unknown as JsonObject;
    expect(read(MESSAGES, body)).toEqual({ ...A_PDF, documents: 3, documentBytes: 2 * DATA.length });
    const parts = [file({ file_data: URL }), { type: 'text', text: 'x' }, file({ file_data: URL })];
    const also = { model: 'm', messages: [{ role: 'user', content: parts }] } as unknown as JsonObject;
    expect(read(CHAT, also)).toEqual({ ...A_PDF, documents: 2, documentBytes: 2 * DATA.length });
  });

  it('in arguments of a tool is words', () => {
    const use = { type: 'tool_use', id: 't', name: 'n', input: { file: document(SOURCE) } };
    expect(read(MESSAGES, message(use, 'assistant'))).toEqual(NONE);
  });
});

/** Bytes that are no PDF, or not strictly base64. */
const NOT_STRICT: readonly string[] = [
  '',
  '=',
  '====',
  'AAA',
  'AAAAA',
  'AA=A',
  'A===',
  'AAAA====',
  'AAAA\n',
  ' AAAA',
  'AAAA AAA',
  'AA\r\nAA==',
  'AA-_',
  'AAA!',
  'ААAA',
  '%50DF',
  'words of a text that says it is one',
];

// LLM-37
describe('what says it is a document', () => {
  const refusal = (dialect: Dialect, body: JsonObject) => {
    try {
      read(dialect, body);
    } catch (error) {
      return error as { code: string; data: { caveat?: string; hint?: string } };
    }
    throw new Error('it passed');
  };
  const refused = (dialect: Dialect, body: JsonObject, caveat: string) => {
    const { code, data } = refusal(dialect, body);
    expect([code, data.caveat]).toEqual(['POLICY_DENIED', caveat]);
    expect(data.hint).toContain(`${caveat} is not passed on: `);
  };

  it.each(NOT_STRICT)('is refused if its bytes are not strictly base64: %j', (data) => {
    const url = `data:application/pdf;base64,${data}`;
    refused(MESSAGES, message(document({ ...SOURCE, data })), 'document.source.data');
    refused(MESSAGES, message(result(document({ ...SOURCE, data }))), 'document.source.data');
    refused(CHAT, chat(file({ file_data: url })), 'file.file_data');
    refused(RESPONSES, said(inputFile({ file_data: url })), 'input_file.file_data');
    refused(RESPONSES, output(inputFile({ file_data: url })), 'input_file.file_data');
  });

  it.each([
    ...['text/plain', 'text/html', 'image/png', 'application/octet-stream', 'application/x-pdf'],
    ...['application/PDF', ' application/pdf', 'application/pdf;x=1', 'application/pdf ', ''],
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  ])('is refused if it is of another type: %j', (type) => {
    const url = `data:${type};base64,${DATA}`;
    refused(MESSAGES, message(document({ ...SOURCE, media_type: type })), 'document.source.media_type');
    refused(CHAT, chat(file({ file_data: url })), 'file.file_data');
    refused(RESPONSES, said(inputFile({ file_data: url })), 'input_file.file_data');
  });

  it.each([
    DATA,
    `data:application/pdf,${DATA}`,
    `data:application/pdf;charset=utf-8;base64,${DATA}`,
    `data:application/pdf;name=a.pdf;base64,${DATA}`,
    `data:;base64,${DATA}`,
    `DATA:application/pdf;base64,${DATA}`,
    `data:application/pdf;BASE64,${DATA}`,
    ` data:application/pdf;base64,${DATA}`,
    `data: application/pdf;base64,${DATA}`,
    `${URL}#page=1`,
    'https://papers.example/a.pdf',
    'file:///etc/passwd',
    'x',
  ])('is refused if its address is another than that of a PDF: %j', (url) => {
    refused(CHAT, chat(file({ file_data: url })), 'file.file_data');
    refused(RESPONSES, said(inputFile({ file_data: url })), 'input_file.file_data');
  });

  it('is refused with a hint of what to do instead', () => {
    const bare = refusal(RESPONSES, said(inputFile({ file_data: DATA })));
    expect(bare.data.hint).toContain('put data:application/pdf;base64, before');
    expect(refusal(CHAT, chat(file({ file_data: DATA }))).data.hint).toContain('put data:application/pdf');
    const { hint } = refusal(RESPONSES, said(inputFile({ file_url: URL }))).data;
    expect(hint).toContain('where its bytes are said');
    expect(hint).not.toContain('picture');
  });

  it.each([
    ...[
      'https://user:pw@papers.example/a.pdf',
      'HTTPS://user:pw@169.254.169.254/a',
      'https://10.0.0.1/a.pdf',
    ],
    ...['http://papers.example/a.pdf', 'file:///etc/passwd', 'ftp://papers.example/a', '//papers.example/a'],
    ...[URL, 'DATA:,x', 'gs://bucket/a.pdf', ' https://papers.example/a.pdf', 'x', ''],
  ])('is not loaded from another place than https: %j', (url) => {
    for (const one of [document({ type: 'url', url }), result(document({ type: 'url', url }))])
      refused(MESSAGES, message(one), 'document.source.url');
    refused(RESPONSES, said(inputFile({ file_url: url })), 'input_file.file_url');
  });

  it.each<[string, Dialect, JsonObject, string]>([
    ['a file of a chat', CHAT, chat(file({ file_id: 'file-1' })), 'file.file_id'],
    ['beside its bytes', CHAT, chat(file({ file_id: 'file-1', file_data: URL })), 'file.file_id'],
    ['beside it', CHAT, chat({ ...file({ file_data: URL }), file_id: 'file-1' }), 'file.file_id'],
    ['a file of a response', RESPONSES, said(inputFile({ file_id: 'file-1' })), 'input_file.file_id'],
    ['beside it', RESPONSES, said(inputFile({ file_id: 'f', file_data: URL })), 'input_file.file_id'],
    ['a file that a tool found', RESPONSES, output(inputFile({ file_id: 'f' })), 'input_file.file_id'],
    [
      'a document',
      MESSAGES,
      message(document({ type: 'file', file_id: 'file_1' })),
      'a document of a source of type file',
    ],
    [
      'a document that a tool found',
      MESSAGES,
      message(result(document({ type: 'file', file_id: 'file_1' }))),
      'a document of a source of type file',
    ],
    ['in its source', MESSAGES, message(document({ ...SOURCE, file_id: 'f' })), 'document.source.file_id'],
  ])('is refused if it is kept at the provider: %s', (_, dialect, body, caveat) => {
    refused(dialect, body, caveat);
  });

  it.each<[string, Dialect, JsonObject, string]>([
    ['a member of a file', CHAT, chat(file({ file_data: URL, url: WEB.url })), 'file.url'],
    ['a member beside it', CHAT, chat({ ...file({ file_data: URL }), url: WEB.url }), 'file.url'],
    ['a member of a document', MESSAGES, message(document(SOURCE, { url: WEB.url })), 'document.url'],
    ['a member of a source', MESSAGES, message(document({ ...SOURCE, url: WEB.url })), 'document.source.url'],
    ['a member of an address', MESSAGES, message(document({ ...WEB, data: DATA })), 'document.source.data'],
    ['a member of a file', RESPONSES, said(inputFile({ file_data: URL, url: WEB.url })), 'input_file.url'],
    [
      'another source',
      MESSAGES,
      message(document({ type: 's3', url: WEB.url })),
      'a document of a source of another type',
    ],
    [
      'a text of another type',
      MESSAGES,
      message(document({ type: 'text', media_type: 'text/html', data: 'x' })),
      'document.source.media_type',
    ],
    [
      'a text that is a PDF',
      MESSAGES,
      message(document({ ...SOURCE, type: 'text' })),
      'document.source.media_type',
    ],
    [
      'a document in a document',
      MESSAGES,
      message(document({ type: 'content', content: [document(SOURCE)] })),
      'a block of type document',
    ],
    [
      'a result in a document',
      MESSAGES,
      message(document({ type: 'content', content: [result(document(SOURCE))] })),
      'a block of type tool_result',
    ],
    [
      'a picture of a file in a document',
      MESSAGES,
      message(
        document({ type: 'content', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }),
      ),
      'a source of type file',
    ],
    [
      'a picture in a document from elsewhere',
      MESSAGES,
      message(
        document({ type: 'content', content: [{ type: 'image', source: { type: 'url', url: 'http://x' } }] }),
      ),
      'source.url',
    ],
  ])('is refused with what nobody listed: %s', (_, dialect, body, caveat) => {
    refused(dialect, body, caveat);
  });

  it('is refused as a picture, where it would be neither counted nor guarded as what it is', () => {
    for (const url of [URL, `DATA:Application/PDF;base64,${DATA}`, `data: application/x-pdf,${DATA}`]) {
      refused(CHAT, chat({ type: 'image_url', image_url: { url } }), 'image_url.url');
      refused(RESPONSES, said({ type: 'input_image', image_url: url }), 'input_image.image_url');
      refused(MESSAGES, message({ type: 'image', source: { type: 'url', url } }), 'source.url');
    }
    for (const type of ['application/pdf', 'Application/PDF'])
      refused(
        MESSAGES,
        message({ type: 'image', source: { ...SOURCE, media_type: type } }),
        'source.media_type',
      );
  });

  it.each<[string, Dialect, JsonObject]>([
    ['no file', CHAT, chat({ type: 'file' })],
    ['no data', CHAT, chat(file({}))],
    ['data that are a list', CHAT, chat(file({ file_data: [URL] }))],
    ['a name that is none', CHAT, chat(file({ file_data: URL, filename: { a: 1 } }))],
    ['no source', MESSAGES, message({ type: 'document' })],
    ['a source that is a text', MESSAGES, message(document('x' as never))],
    ['a source without a type', MESSAGES, message(document({ media_type: 'application/pdf', data: DATA }))],
    ['no data', MESSAGES, message(document({ type: 'base64', media_type: 'application/pdf' }))],
    [
      'a text without words',
      MESSAGES,
      message(document({ type: 'text', media_type: 'text/plain', data: 7 })),
    ],
    ['content that is one block', MESSAGES, message(document({ type: 'content', content: PNG }))],
    ['a title that is none', MESSAGES, message(document(SOURCE, { title: ['x'] }))],
    ['a context that is none', MESSAGES, message(document(SOURCE, { context: 7 }))],
    ['nothing', RESPONSES, said(inputFile({}))],
    ['an address that is none', RESPONSES, said(inputFile({ file_url: 7 }))],
    ['both', RESPONSES, said(inputFile({ file_url: WEB.url, file_data: URL }))],
    ['a detail that is none', RESPONSES, said(inputFile({ file_data: URL, detail: {} }))],
  ])('is refused if it is not of its protocol: %s', (_, dialect, body) => {
    const { code, data } = refusal(dialect, body);
    expect(code).toBe('MALFORMED');
    expect(data.hint).toMatch(/must be|exclude/);
  });

  it('has no other place in a request', () => {
    const inside: JsonValue = { type: 'file', file: { file_data: URL } };
    expect(() => read(CHAT, { ...chat({ type: 'text', text: 'x' }), files: [inside] })).toThrow('files');
    expect(() => read(RESPONSES, { model: 'm', input: [inputFile({ file_data: URL })] })).toThrow(
      'input_file',
    );
    expect(() => read(MESSAGES, { ...message(PNG), documents: [document(SOURCE)] } as JsonObject)).toThrow(
      'documents',
    );
  });
});

/** Every member of an object that is somewhere in a value, with what leads to it. */
function placesIn(value: JsonValue): (readonly [JsonObject, string])[] {
  if (Array.isArray(value)) return value.flatMap(placesIn);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, one]) => [[value, name] as const, ...placesIn(one)]);
}

function spoilt<T extends JsonValue>(value: T, at: readonly [JsonObject, string], more: JsonValue): T {
  if (Array.isArray(value)) return value.map((one) => spoilt(one, at, more)) as unknown as T;
  if (!isJsonObject(value)) return value;
  const inner = Object.entries(value).map(([name, one]) => [
    name,
    (value as JsonObject) === at[0] && name === at[1] ? more : spoilt(one, at, more),
  ]);
  return Object.fromEntries(inner) as T;
}

// LLM-37
it('a document that is nonsense somewhere is refused in a typed way, or is counted, and nothing else happens', () => {
  const bodies: readonly (readonly [Dialect, JsonObject])[] = [
    [CHAT, chat(file({ file_data: URL, filename: 'a.pdf' }))],
    [MESSAGES, message(result(document(SOURCE, { title: 'a', context: 'b', citations: { enabled: true } })))],
    [MESSAGES, message(document({ type: 'content', content: [PNG, { type: 'text', text: 'x' }] }))],
    [MESSAGES, message(document(WEB))],
    [RESPONSES, said(inputFile({ file_data: URL, filename: 'a.pdf', detail: 'low' }))],
    [RESPONSES, output(inputFile({ file_url: WEB.url }))],
  ];
  const words = ['', 'file', 'document', 'base64', 'text', 'url', 'content', '__proto__', URL, DATA, WEB.url];
  const hostile = fc.oneof(fc.jsonValue(), fc.constantFrom(...words, 1e21, -1, null));
  fc.assert(
    fc.property(fc.constantFrom(...bodies), fc.nat(), hostile, ([dialect, body], at, more) => {
      const places = placesIn(body);
      const wrong = spoilt(body, places[at % places.length]!, more as JsonValue);
      try {
        const { documents, documentBytes } = read(dialect, wrong);
        expect(documentBytes).toBeLessThanOrEqual(documents * URL.length);
        expect(JSON.stringify(wrong).length).toBeGreaterThanOrEqual(documentBytes ?? 0);
      } catch (error) {
        if (!isTrustError(error)) throw error;
        expect(['MALFORMED', 'POLICY_DENIED']).toContain(error.code);
      }
    }),
    { numRuns: 2000 },
  );
});
