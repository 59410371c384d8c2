import { isTrustError, type JsonObject } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cacheOf, inputBound, readBound, windowWith } from './bound.js';
import { CHAT } from './chat.js';
import type { Dialect } from './dialect.js';
import { MESSAGES } from './messages.js';
import { RESPONSES } from './responses.js';

const word = fc.string({ maxLength: 12 });
const base64 = fc.uint8Array({ maxLength: 90 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const type = fc.constantFrom(
  'image/png',
  'image/jpeg',
  'image/svg+xml',
  'text/plain',
  'image/png;x',
  'IMAGE/PNG',
);
/** What is a picture, and all that may pass for one. */
const data = fc.oneof(
  base64,
  word,
  base64.map((one) => `${one} `),
  base64.map((one) => `=${one}`),
);

/** A piece of a request, and what of it a provider may read as text. */
interface Piece {
  readonly block: JsonObject;
  readonly read: string;
  readonly pictures: number;
  /** True of what is no picture, though it stands as one: it is refused, and nothing is held. */
  readonly isWrong?: boolean;
}

const IS_PICTURE = /^image\/(?:png|jpeg)$/;
const isBase64 = (text: string): boolean =>
  text !== '' && Buffer.from(text, 'base64').toString('base64') === text;

const text = word.map((said): Piece => ({ block: { type: 'text', text: said }, read: said, pictures: 0 }));
const link = fc.tuple(type, data).map(([of, bytes]): Piece => {
  const url = `data:${of};base64,${bytes}`;
  const isPicture = IS_PICTURE.test(of) && isBase64(bytes);
  return {
    block: { type: 'image_url', image_url: { url } },
    read: isPicture ? '' : url,
    pictures: 1,
    isWrong: !isPicture,
  };
});
const source = fc.tuple(type, data).map(([of, bytes]): Piece => {
  const isPicture = IS_PICTURE.test(of) && isBase64(bytes);
  const block = { type: 'image', source: { type: 'base64', media_type: of, data: bytes } };
  return { block, read: isPicture ? '' : bytes, pictures: 1, isWrong: !isPicture };
});
/** A tool's input is read as text, whatever it looks like. */
const disguised = source.map(({ block }): Piece => {
  const input = { picture: block };
  return { block: { type: 'tool_use', id: 't', name: 'n', input }, read: JSON.stringify(input), pictures: 0 };
});
const result = fc.array(source, { maxLength: 2 }).map((own): Piece => {
  const block = { type: 'tool_result', tool_use_id: 't', content: own.map((one) => one.block) };
  const isWrong = own.some((one) => one.isWrong);
  return { block, read: own.map((one) => one.read).join(''), pictures: own.length, isWrong };
});

const chat = fc.tuple(fc.constantFrom('user', 'tool'), fc.array(fc.oneof(text, link), { maxLength: 5 }));
const turns = fc.array(fc.oneof(text, source, disguised, result), { maxLength: 5 });
const shownPicture = fc.tuple(type, data).map(([of, bytes]): Piece => {
  const url = `data:${of};base64,${bytes}`;
  const isPicture = IS_PICTURE.test(of) && isBase64(bytes);
  return {
    block: { type: 'input_image', image_url: url },
    read: isPicture ? '' : url,
    pictures: 1,
    isWrong: !isPicture,
  };
});
const said = word.map(
  (words): Piece => ({ block: { type: 'input_text', text: words }, read: words, pictures: 0 }),
);
const items = fc.tuple(
  fc.constantFrom('user', 'assistant', 'output'),
  fc.array(fc.oneof(said, shownPicture), { maxLength: 5 }),
);
const isRefused = (pieces: readonly Piece[]): boolean => pieces.some(({ isWrong }) => isWrong);
const blocksOf = (pieces: readonly Piece[]) => pieces.map(({ block }) => block);

/** Tokens that are held for it; of what is refused as many as there are. */
function heldOrRefused(dialect: Dialect, body: JsonObject, escapes: boolean, pieces: readonly Piece[]) {
  try {
    const tokens = held(dialect, body, escapes);
    expect(isRefused(pieces)).toBe(false);
    return tokens;
  } catch (error) {
    if (!isTrustError(error)) throw error;
    expect([error.code, isRefused(pieces)]).toEqual(['POLICY_DENIED', true]);
    return Number.POSITIVE_INFINITY;
  }
}

/** Tokens that are held for it. A writer may escape what it likes. */
function held({ readRequest }: Dialect, body: JsonObject, escapes: boolean): number {
  const written = JSON.stringify(body);
  const bytes = escapes ? written.replaceAll('A', '\\u0041') : written;
  const { pictures, pictureBytes } = readRequest(JSON.parse(bytes), []);
  return inputBound(Buffer.byteLength(bytes), pictures, pictureBytes);
}

const FOR_A_PICTURE = 50_000;
const most = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { read, pictures }) => sum + Buffer.byteLength(read) + pictures * FOR_A_PICTURE, 0);

// LLM-6
describe('what is held for what is read', () => {
  it('is never less than a token for each byte that may be read as text, and the most of each picture', () => {
    fc.assert(
      fc.property(chat, fc.boolean(), ([role, pieces], escapes) => {
        // Who is no user has no pictures, and may be read whole.
        const all =
          role === 'user' ? pieces : pieces.map((one) => ({ ...one, read: JSON.stringify(one.block) }));
        const body = { model: 'm', messages: [{ role, content: blocksOf(pieces) }] };
        expect(heldOrRefused(CHAT, body, escapes, pieces)).toBeGreaterThanOrEqual(most(all));
      }),
    );
    fc.assert(
      fc.property(turns, fc.boolean(), (pieces, escapes) => {
        const body = { model: 'm', max_tokens: 1, messages: [{ role: 'user', content: blocksOf(pieces) }] };
        expect(heldOrRefused(MESSAGES, body, escapes, pieces)).toBeGreaterThanOrEqual(most(pieces));
      }),
    );
    fc.assert(
      fc.property(items, fc.boolean(), ([of, pieces], escapes) => {
        const all =
          of === 'user' ? pieces : pieces.map((one) => ({ ...one, read: JSON.stringify(one.block) }));
        const item =
          of === 'output'
            ? { type: 'function_call_output', call_id: 'c', output: blocksOf(pieces) }
            : { role: of, content: blocksOf(pieces) };
        const tokens = heldOrRefused(RESPONSES, { model: 'm', input: [item] }, escapes, pieces);
        expect(tokens).toBeGreaterThanOrEqual(most(all));
      }),
    );
  });

  it('does not grow with the bytes of a picture, and what only looks like one is refused', () => {
    const of = (url: string): number =>
      held(
        CHAT,
        { model: 'm', messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] },
        false,
      );
    const png = 'data:image/png;base64,';
    expect(of(`${png}${'AAAA'.repeat(1000)}`)).toBe(of(`${png}AAAA`));
    const denied = expect.objectContaining({ code: 'POLICY_DENIED' });
    for (const head of ['data:image/svg+xml;base64,', 'data:text/plain;base64,', 'data:image/png,', 'data:,'])
      expect(() => of(`${head}${'AAAA'.repeat(1000)}`)).toThrow(denied);
    for (const tail of ['A', '!', ' AAA', 'A=A=', '===='])
      expect(() => of(`${png}${'AAAA'.repeat(1000)}${tail}`)).toThrow(denied);
  });

  it('is never less than nothing', () => {
    expect(inputBound(10, 0, 20)).toBe(1024);
  });
});

const WINDOW = 128_000;
const pdf = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => {
  const shown = Buffer.from(bytes).toString('base64');
  return { type: 'file', file: { file_data: `data:application/pdf;base64,${shown}` } };
});

/** Tokens that are held for a chat of a user, or of somebody else. */
function heldForChat(parts: readonly JsonObject[], role: string, more = 0): number {
  const body = { model: 'm', messages: [{ role, content: parts }] } as unknown as JsonObject;
  const bytes = Buffer.byteLength(JSON.stringify(body)) + more;
  return readBound({ ...CHAT.readRequest(body, []), bytes }, WINDOW);
}

// LLM-37
describe('what is held for documents', () => {
  it('is all that the model takes, and never less than for the rest of the request', () => {
    const roles = fc.constantFrom('user', 'assistant', 'system', 'tool');
    const pictures = link.filter((one) => !isRefused([one]));
    const parts = fc.array(fc.oneof(text, pictures), { maxLength: 4 });
    const files = fc.array(pdf, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(roles, parts, files, fc.nat(300_000), (role, pieces, documents, more) => {
        const without = heldForChat(blocksOf(pieces), role, more);
        const held = heldForChat([...blocksOf(pieces), ...documents], role, more);
        expect(held).toBeGreaterThanOrEqual(Math.max(WINDOW, without));
        // None is cheaper with another one.
        const twice = heldForChat([...blocksOf(pieces), ...documents, ...documents], role, more);
        expect(twice).toBeGreaterThanOrEqual(held);
      }),
    );
  });

  it('does not grow with their bytes, but with those that may be read as text', () => {
    const file = (bytes: number) => ({
      type: 'file',
      file: { file_data: `data:application/pdf;base64,${'AAAA'.repeat(bytes / 4)}` },
    });
    expect(heldForChat([file(4)], 'user')).toBe(WINDOW);
    expect(heldForChat([file(4_000_000)], 'user')).toBe(WINDOW);
    expect(heldForChat([file(4_000_000)], 'assistant')).toBeGreaterThan(4_000_000);
    expect(heldForChat([{ type: 'text', text: 'x'.repeat(200_000) }, file(4)], 'user')).toBeGreaterThan(
      200_000,
    );
    expect(heldForChat([{ type: 'text', text: 'x' }], 'user')).toBeLessThan(2_000);
  });

  it('knows of a window that is opened, and of none that nobody knows', () => {
    expect(windowWith([], 200_000)).toBe(200_000);
    expect(windowWith(['effort-2025-11-24', 'x-context-1m-2025-08-07'], 200_000)).toBe(200_000);
    expect(windowWith(['context-1m-2025-08-07'], 200_000)).toBe(1_000_000);
    expect(windowWith(['context-1m-2025-08-07'], 1_050_000)).toBe(1_050_000);
    expect(windowWith(['context-1m-2025-08-07'], undefined)).toBeUndefined();
  });
});

// LLM-7
describe('a cache that is kept for long', () => {
  const mark = (ttl: string) => ({ cache_control: { type: 'ephemeral', ttl } });

  it("is one wherever it is asked for, and no name in what is the client's own", () => {
    const schema = { type: 'object', properties: { cache_control: { type: 'object', ttl: '1h' } } };
    expect(cacheOf({ system: [{ type: 'text', text: 'x', ...mark('1h') }] })).toBe('long');
    expect(cacheOf({ tools: [{ name: 'f', input_schema: schema, ...mark('1h') }] })).toBe('long');
    expect(cacheOf({ tools: [{ name: 'f', input_schema: schema, ...mark('5m') }] })).toBe('short');
    const used = { type: 'tool_use', id: '1', name: 'f', input: mark('1h') };
    expect(cacheOf({ messages: [{ role: 'assistant', content: [used] }] })).toBe('unmarked');
  });
});
