import type { Guard } from '@talosprotocol/contracts';
import type { JsonObject } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetector } from './detect/detector.js';
import { compileGuards } from './guard.js';
import type { Looker } from './looker.js';
import { createMasks } from './masks.js';
import { guardMessage } from './message-guard.js';

const KEY = `ghp_${'a1B2'.repeat(9)}`;
const DATA = Buffer.from(`%PDF-1.7 ${KEY}`).toString('base64');
const URL = `data:application/pdf;base64,${DATA}`;
const SOURCE = { type: 'base64', media_type: 'application/pdf', data: DATA };
const document = (source: object, more: object = {}) => ({ type: 'document', source, ...more });

/** Answers as a scan does, and keeps what was shown to whom. */
function spy() {
  const shown: string[] = [];
  const looker: Looker = async ({ look }, _, texts) => {
    shown.push(...texts);
    return look.kind === 'scan' ? createDetector(look.spec)(texts) : texts.map(() => []);
  };
  return { shown, looker };
}

async function look(
  content: object | readonly object[],
  guard: Guard,
  place: 'prompt' | 'answer' = 'prompt',
) {
  const { shown, looker } = spy();
  const message = { messages: [{ role: 'user', content: [content].flat() }] } as unknown as JsonObject;
  const masks = place === 'prompt' ? createMasks(JSON.stringify(message)) : undefined;
  const guards = compileGuards({ guards: [guard] });
  const { refusal, verdicts, message: after } = await guardMessage(message, { guards, looker, place, masks });
  return { code: refusal?.code, hint: refusal?.data.hint, verdict: verdicts[0], shown, after, message };
}

const KINDS: readonly Guard[] = [
  { name: 'g', kind: 'secrets', action: 'block' },
  { name: 'g', kind: 'personal', action: 'block' },
  { name: 'g', kind: 'injection', action: 'block' },
  { name: 'g', kind: 'deny', words: ['wizard'], action: 'block' },
  { name: 'g', kind: 'size', most: { prompt: 1000 }, action: 'block' },
  { name: 'g', kind: 'size', most: { 'tool-result': 1000 }, action: 'block' },
  { name: 'g', kind: 'external', url: 'http://127.0.0.1:1/', action: 'block' },
  { name: 'g', kind: 'secrets', at: ['prompt'], action: 'block' },
  { name: 'g', kind: 'secrets', at: ['tool-result'], action: 'block' },
];
const ANSWERS: readonly Guard[] = [
  { name: 'g', kind: 'schema', schema: {}, action: 'block' },
  { name: 'g', kind: 'secrets', at: ['answer'], action: 'block' },
  { name: 'g', kind: 'size', most: { answer: 1000 }, action: 'block' },
];
/** Every way in which a request brings a document that nobody reads. */
const UNREAD: readonly (readonly [string, object])[] = [
  ['a block', document(SOURCE)],
  ['a block that a tool found', { type: 'tool_result', tool_use_id: 't', content: [document(SOURCE)] }],
  ['a block that is loaded', document({ type: 'url', url: 'https://papers.example/a.pdf' })],
  ['a source that stands as something else', { type: 'image', source: SOURCE }],
  ['a file of a chat', { type: 'file', file: { file_data: URL, filename: 'a.pdf' } }],
  ['a file of a response', { type: 'input_file', file_data: URL }],
  [
    'a file that a function found',
    { type: 'function_call_output', output: [{ type: 'input_file', file_data: URL }] },
  ],
  ['bytes that say they are a picture', { type: 'image', source: { ...SOURCE, media_type: 'image/png' } }],
  [
    'an address of a picture with a PDF in it',
    { type: 'image_url', image_url: { url: `data:image/png;base64,${DATA}` } },
  ],
  ['the same of a response', { type: 'input_image', image_url: `data:image/webp;base64,${DATA}` }],
  ['a file that is loaded', { type: 'input_file', file_url: 'https://papers.example/a.pdf' }],
];

// GRD-9
describe('a document that nobody reads', () => {
  it.each(UNREAD)('is something that every guard of requests found: %s', async (_, content) => {
    for (const guard of KINDS) {
      const { code, hint, verdict, shown } = await look(content, guard);
      expect([code, verdict], guard.kind).toEqual([
        'CONTENT_REFUSED',
        { guard: 'g', action: 'block', found: { document: 1 } },
      ]);
      expect(hint).toContain('found document (1)');
      expect(hint).toContain('send what it says as text');
      expect(shown.join('\n')).not.toContain(DATA);
    }
  });

  it.each(UNREAD)('passes where a guard says so, and no guard is shown its bytes: %s', async (_, content) => {
    for (const guard of KINDS) {
      const { code, verdict, shown, after, message } = await look(content, { ...guard, documents: 'pass' });
      expect([code, verdict]).toEqual([undefined, { guard: 'g', action: 'allow' }]);
      expect(shown.join('\n')).not.toContain(DATA);
      expect(after).toBe(message);
    }
  });

  it('is flagged by a guard that flags, and blocked by one that masks, as nothing can stand in its place', async () => {
    const two = [document(SOURCE), document(SOURCE, { title: 'to jo.doe@example.com' })];
    const mails: Guard = { name: 'g', kind: 'personal', types: ['email'], action: 'flag' };
    expect(await look(two, mails)).toMatchObject({
      code: undefined,
      verdict: { action: 'flag', found: { document: 2, email: 1 } },
    });
    const masked = await look(two, { ...mails, action: 'mask' });
    expect(masked).toMatchObject({ code: 'CONTENT_REFUSED', verdict: { action: 'block' } });
    expect(masked.hint).toContain('where it cannot be masked');
    const passed = await look(two, { ...mails, action: 'mask', documents: 'pass' });
    expect(passed).toMatchObject({ code: undefined, verdict: { action: 'mask', found: { email: 1 } } });
    expect(JSON.stringify(passed.after)).toContain('"title":"to [EMAIL_1]"');
    expect(JSON.stringify(passed.after)).toContain(DATA);
  });

  it('is nothing to a guard that looks at answers, and in an answer nothing to any', async () => {
    for (const guard of ANSWERS)
      expect((await look(document(SOURCE), guard)).verdict).toEqual({ guard: 'g', action: 'allow' });
    for (const [, content] of UNREAD) {
      const { verdict } = await look(content, { name: 'g', kind: 'secrets', action: 'block' }, 'answer');
      expect(verdict).toEqual({ guard: 'g', action: 'allow' });
    }
  });

  it('is said of guards that look at requests, and of no others', () => {
    const schema = { name: 'g', kind: 'schema', schema: {}, action: 'block', documents: 'pass' } as const;
    expect(() => compileGuards({ guards: [schema] })).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });
});

const SECRETS: Guard = { name: 'g', kind: 'secrets', documents: 'pass', action: 'block' };
const claims = (type: string, data: string) => ({ ...SOURCE, media_type: type, data });

const picture = (data: string) => claims('image/png', data);

// GRD-9
describe('a text that says it is a document', () => {
  it.each<[string, object]>([
    ['as text', document({ type: 'text', media_type: 'text/plain', data: KEY })],
    ['as a text of the type of a PDF', document({ ...SOURCE, type: 'text', data: KEY })],
    ['as words', document({ type: 'content', content: KEY })],
    ['as blocks', document({ type: 'content', content: [{ type: 'text', text: KEY }] })],
    [
      'as blocks that a tool found',
      { type: 'tool_result', content: [document({ type: 'content', content: KEY })] },
    ],
    ['as what is said of one', document(SOURCE, { title: KEY })],
    ['as its context', document(SOURCE, { context: `see ${KEY}` })],
    ['as its name', { type: 'file', file: { file_data: URL, filename: `${KEY}.pdf` } }],
    ['as the name of a file', { type: 'input_file', file_data: URL, filename: KEY }],
    ['as its address', document({ type: 'url', url: `https://papers.example/${KEY}` })],
    ['as the address of a file', { type: 'input_file', file_url: `https://papers.example/?key=${KEY}` }],
    ['as bytes that are words', document(claims('application/pdf', `see ${KEY}`))],
    ['as bytes of a text', document(claims('text/plain', KEY))],
    [
      'as a file whose bytes are words',
      { type: 'file', file: { file_data: `data:application/pdf;base64,see ${KEY}` } },
    ],
    ['as a file of another type', { type: 'file', file: { file_data: `data:text/plain;base64,${KEY}` } }],
    [
      'as a file with a parameter',
      { type: 'input_file', file_data: `data:application/pdf;name=a;base64,${KEY}` },
    ],
    ['as a file without an address', { type: 'input_file', file_data: KEY }],
    [
      'as an address of a picture',
      { type: 'image_url', image_url: { url: `data:application/pdf;base64,${KEY}` } },
    ],
    [
      'as what an address of a note says',
      { annotations: [{ type: 'url_citation', url: `data:image/png;base64,${KEY}` }] },
    ],
    ['as the address of a picture', { type: 'image_url', image_url: { url: `https://x.example/${KEY}` } }],
    ['as bytes of a picture that are none', { type: 'image', source: picture(KEY) }],
    ['as a type', { type: 'tool_use', caller: { type: KEY } }],
    ['as a role', { role: KEY }],
    ['as how closely it is looked at', { type: 'input_file', file_data: URL, detail: KEY }],
    ['as words', { type: 'text', text: `data:application/pdf;base64,${KEY}` }],
    ['in arguments', { type: 'tool_use', input: document(claims('application/pdf', KEY)) }],
    [
      'in arguments of a file',
      { type: 'tool_use', input: { file_data: `data:application/pdf;base64,${KEY}` } },
    ],
  ])('is read: %s', async (_, content) => {
    expect((await look(content, SECRETS)).verdict).toMatchObject({ action: 'block', found: { secret: 1 } });
  });

  it.each<[string, object]>([
    ['as a text', { type: 'text', text: picture('QUJDREVG') }],
    ['as a source of a search', { type: 'search_result', source: picture('QUJDREVG') }],
    ['as a source of a call', { type: 'tool_use', source: picture('QUJDREVG') }],
    ['in a list of sources', { type: 'image', sources: [picture('QUJDREVG')] }],
    ['as an address of a note', { url_citation: { url: 'data:image/png;base64,QUJDREVG' } }],
  ])('is read where no bytes are meant, also if it is base64: %s', async (_, content) => {
    expect((await look(content, SECRETS)).shown.join('\n')).toContain('QUJDREVG');
  });

  it('is masked as any text is, where documents and tools speak', async () => {
    const mails: Guard = {
      name: 'g',
      kind: 'personal',
      types: ['email'],
      at: ['tool-result'],
      action: 'mask',
    };
    const said = document({ type: 'text', media_type: 'text/plain', data: 'to jo.doe@example.com' });
    const { after, verdict } = await look([said, { type: 'text', text: 'for jo.doe@example.com' }], mails);
    expect(verdict).toEqual({ guard: 'g', action: 'mask', found: { email: 1 } });
    expect(JSON.stringify(after)).toContain('"data":"to [EMAIL_1]"');
    expect(JSON.stringify(after)).toContain('for jo.doe@example.com');
    const { verdict: ofPrompt } = await look(said, { ...mails, at: ['prompt'] });
    expect(ofPrompt).toEqual({ guard: 'g', action: 'allow' });
  });
});

// GRD-4, GRD-9
it.each<[string, object]>([
  ['a document', document({ type: 'url', url: 'https://x.example/jo.doe@example.com' })],
  ['a file', { type: 'input_file', file_url: 'https://x.example/jo.doe@example.com' }],
  ['a picture', { type: 'image_url', image_url: { url: 'https://x.example/jo.doe@example.com' } }],
  ['a picture of a response', { type: 'input_image', image_url: 'https://x.example/jo.doe@example.com' }],
  [
    'a picture of a message',
    { type: 'image', source: { type: 'url', url: 'https://x.example/jo.doe@example.com' } },
  ],
  ['a server of tools', { type: 'mcp', server_url: 'https://x.example/jo.doe@example.com' }],
])('an address that is loaded is blocked and not masked, so that no other is: %s', async (_, content) => {
  const mails: Guard = { name: 'g', kind: 'personal', types: ['email'], action: 'mask', documents: 'pass' };
  const { code, hint } = await look(content, mails);
  expect(code).toBe('CONTENT_REFUSED');
  expect(hint).toContain('where it cannot be masked');
});

// GRD-9
it('bytes of a PDF go by no guard unseen, wherever they are put', async () => {
  const data = fc.constantFrom(DATA, URL, `${URL} `, `data:application/pdf,${DATA}`, `x${DATA}`);
  const names = fc.constantFrom(
    ...['data', 'file_data', 'file_url', 'url', 'image_url', 'text', 'content', 'title', 'filename', 'input'],
    ...['file', 'source', 'arguments', 'metadata', 'detail', 'format', 'media_type', 'name', 'id', 'file_id'],
  );
  const types = fc.constantFrom(
    'base64',
    'document',
    'file',
    'input_file',
    'image',
    'text',
    'tool_use',
    'url',
  );
  const media = fc.constantFrom('application/pdf', 'text/plain', 'Application/PDF', 'application/pdf;x');
  const leaf = fc
    .record({ type: types, media_type: media, name: names, data })
    .map(({ name, data: put, ...one }) => ({
      ...one,
      [name]: put,
    }));
  const { tree } = fc.letrec<{ tree: object }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.tuple(types, names, tie('tree')).map(([type, name, one]) => ({ type, [name]: one })),
      fc
        .tuple(names, fc.array(tie('tree'), { minLength: 1, maxLength: 2 }))
        .map(([name, all]) => ({ [name]: all })),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(tree, async (content) => {
      const { shown, verdict } = await look(content, {
        name: 'g',
        kind: 'deny',
        words: ['wizard'],
        action: 'flag',
      });
      const found = verdict?.found?.['document'] ?? 0;
      const [put, seen] = [JSON.stringify(content), shown.join('\n')].map(
        (text) => text.split(DATA).length - 1,
      );
      expect((seen ?? 0) + found).toBeGreaterThanOrEqual(put ?? 0);
    }),
    { numRuns: 1000 },
  );
});
