import type { Guard } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDetector } from './detect/detector.js';
import { compileGuards, type GuardPolicy } from './guard.js';
import type { Looker } from './looker.js';
import { createMasks } from './masks.js';
import { guardMessage } from './message-guard.js';
import { createStreamGuard } from './stream-guard.js';

/** The real detectors, without their thread. */
const looker: Looker = async ({ look }, _, texts) => {
  if (look.kind !== 'scan') throw new TypeError('only scans are looked for here');
  return createDetector(look.spec)(texts);
};

const guardsOf = (...guards: Guard[]): readonly GuardPolicy[] => compileGuards({ guards });

const PERSONAL: Guard = { name: 'personal', kind: 'personal', action: 'mask' };
const SECRETS: Guard = { name: 'secrets', kind: 'secrets', action: 'block' };
const WORDS: Guard = { name: 'words', kind: 'deny', words: ['project x'], action: 'mask' };

const KEY = `ghp_${'a1B2'.repeat(9)}`;
/** What a text is made of: what is found, what is nearly, and what stands around it. */
const PART = fc.oneof(
  fc.constantFrom(
    'jo@example.com',
    '4111 1111 1111 1111',
    'DE89 3704 0044 0532 0130 00',
    'Project  X',
    '(415) 555-2671',
  ),
  fc.constantFrom('jo@', '4111 1111', 'project', 'x', 'DE89', '"', '\n', '. ', ', so it is said '),
  fc.lorem({ maxCount: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constant('longwordwithoutaspace'.repeat(40)),
);
const TEXT = fc.array(PART, { maxLength: 12 }).map((parts) => parts.join(' '));

/** A text in pieces, cut where it likes between two characters. */
function cut(text: string, places: readonly number[]): string[] {
  const characters = [...text];
  const at = [...new Set(places.map((place) => place % (characters.length + 1)))].sort((a, b) => a - b);
  return [...at, characters.length].map((end, index) => characters.slice(at[index - 1] ?? 0, end).join(''));
}
const CUTS = fc.array(fc.nat(5000), { maxLength: 40 });

const chunk = (content: string, index = 0) => ({
  data: JSON.stringify({
    id: 'c',
    object: 'chat.completion.chunk',
    choices: [{ index, delta: { content } }],
  }),
});
const stop = (index = 0) => ({
  data: JSON.stringify({ choices: [{ index, delta: {}, finish_reason: 'stop' }] }),
});
const DONE = { data: '[DONE]' };

const contentOf = (events: readonly { data: string }[], index = 0): string =>
  events
    .filter(({ data }) => data !== '[DONE]')
    .flatMap(({ data }) => JSON.parse(data).choices as { index: number; delta: { content?: string } }[])
    .filter((choice) => choice.index === index)
    .map(({ delta }) => delta.content ?? '')
    .join('');

async function streamed(
  guards: readonly GuardPolicy[],
  events: readonly { data: string }[],
  masks?: ReturnType<typeof createMasks>,
) {
  const guard = createStreamGuard({ guards, looker, masks });
  const out: { data: string }[] = [];
  for (const event of events) out.push(...(await guard.push(event)));
  out.push(...(await guard.end()));
  return { out, verdicts: guard.verdicts() };
}

async function whole(guards: readonly GuardPolicy[], content: string) {
  const answer = { choices: [{ index: 0, message: { role: 'assistant', content } }] };
  const { message, verdicts } = await guardMessage(answer, {
    guards,
    looker,
    place: 'answer',
    masks: undefined,
  });
  return { content: (message as typeof answer).choices[0]?.message.content, verdicts };
}

test('GRD-5 a stream is masked as the same answer whole, wherever it is cut', async () => {
  const guards = guardsOf(PERSONAL, WORDS);
  await fc.assert(
    fc.asyncProperty(TEXT, CUTS, async (text, cuts) => {
      const events = [...cut(text, cuts).map((piece) => chunk(piece)), stop(), DONE];
      const { out, verdicts } = await streamed(guards, events);
      const expected = await whole(guards, text);
      expect(contentOf(out)).toBe(expected.content);
      expect(verdicts).toEqual(expected.verdicts);
      expect(out).toHaveLength(events.length);
    }),
    { numRuns: 300 },
  );
});

test('GRD-5 several texts that come beside each other are each masked', async () => {
  const guards = guardsOf(PERSONAL);
  await fc.assert(
    fc.asyncProperty(
      TEXT,
      TEXT,
      CUTS,
      CUTS,
      fc.array(fc.boolean(), { maxLength: 90 }),
      async (a, b, x, y, order) => {
        const [first, second] = [
          cut(a, x).map((piece) => chunk(piece, 0)),
          cut(b, y).map((piece) => chunk(piece, 1)),
        ];
        const events: { data: string }[] = [];
        for (const isFirst of order) events.push(...(isFirst ? first : second).splice(0, 1));
        events.push(...first, ...second, stop(0), stop(1), DONE);
        const { out } = await streamed(guards, events);
        expect(contentOf(out, 0)).toBe((await whole(guards, a)).content);
        expect(contentOf(out, 1)).toBe((await whole(guards, b)).content);
      },
    ),
    { numRuns: 100 },
  );
});

/** A key that is known for one by its end alone, in characters of a page: of another width or face, or with what nobody sees between. */
const LONG_KEY = `eyJ${'hbGciOi1J'.repeat(40)}.eyJ${'zdWIiOi12'.repeat(40)}.${'sIg1_-'.repeat(12)}`;
const moved = (by: number, isMoved: RegExp) => (one: string) =>
  isMoved.test(one) ? String.fromCodePoint((one.codePointAt(0) as number) + by) : one;
const FACES: readonly ((one: string) => string)[] = [
  moved(0xfee0, /[!-~]/),
  moved(0x1d41a - 0x61, /[a-z]/),
  moved(0x660 - 0x30, /[0-9]/),
  ...['\u200b', '\ufe0f', '\u{e0041}', '\u034f'].map((unseen) => (one: string) => `${one}${unseen}`),
];

test('GRD-5 of a long key in characters that read as those of keys nothing has gone out', async () => {
  const guards = guardsOf(SECRETS);
  for (const face of FACES) {
    // With what nobody sees it is longer: words are held back up to a length.
    const key = [...(face('a').length > 1 ? LONG_KEY.replaceAll(/(.{9})\1+/g, '$1$1$1$1$1$1$1') : LONG_KEY)]
      .map(face)
      .join('');
    const guard = createStreamGuard({ guards, looker, masks: undefined });
    const out: { data: string }[] = [];
    const run = async (): Promise<void> => {
      for (const piece of `It is ${key}. Done.`.match(/.{1,16}/gu) ?? [])
        out.push(...(await guard.push(chunk(piece))));
      out.push(...(await guard.end()));
    };
    await expect(run(), key.slice(0, 12)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
    expect('It is ').toContain(contentOf(out));
  }
});

test('GRD-5 of what is blocked nothing has gone out, wherever it is cut', async () => {
  const guards = guardsOf(SECRETS);
  await fc.assert(
    fc.asyncProperty(TEXT, TEXT, CUTS, async (before, after, cuts) => {
      const guard = createStreamGuard({ guards, looker, masks: undefined });
      const out: { data: string }[] = [];
      const run = async (): Promise<void> => {
        for (const piece of cut(`${before} ${KEY} ${after}`, cuts))
          out.push(...(await guard.push(chunk(piece))));
        out.push(...(await guard.push(stop())), ...(await guard.end()));
      };
      await expect(run()).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
      expect(contentOf(out)).not.toContain('ghp_');
      expect(guard.verdicts()).toMatchObject([{ guard: 'secrets', action: 'block' }]);
    }),
    { numRuns: 150 },
  );
});

test('GRD-4 what was masked in the request is put back in a stream, wherever it is cut', async () => {
  const masks = createMasks('');
  const mask = masks.maskOf('email', 'jo@example.com');
  await fc.assert(
    fc.asyncProperty(TEXT, TEXT, CUTS, async (before, after, cuts) => {
      const text = `${before} ${mask}, ${after}${mask}`;
      const { out } = await streamed(
        [],
        [...cut(text, cuts).map((piece) => chunk(piece)), stop(), DONE],
        masks,
      );
      expect(contentOf(out)).toBe(text.replaceAll(mask, 'jo@example.com'));
    }),
    { numRuns: 200 },
  );
});

test('GRD-5 what is flagged alone is not held back, and is counted', async () => {
  const guards = guardsOf({ ...PERSONAL, action: 'flag' });
  const guard = createStreamGuard({ guards, looker, masks: undefined });
  for (const piece of ['to jo@exam', 'ple.com and']) {
    const event = chunk(piece);
    expect(await guard.push(event)).toEqual([event]);
  }
  await guard.push(stop());
  expect(await guard.end()).toEqual([]);
  expect(guard.verdicts()).toEqual([{ guard: 'personal', action: 'flag', found: { email: 1 } }]);
});

test('GRD-6 a guard that cannot look cuts the stream, unless the policy says otherwise', async () => {
  const failing: Looker = async () => Promise.reject(new Error('down'));
  for (const onFailure of ['block', 'pass'] as const) {
    const guards = guardsOf({ ...PERSONAL, onFailure });
    const guard = createStreamGuard({ guards, looker: failing, masks: undefined });
    const run = guard.push(chunk('a'.repeat(100))).then(() => guard.end());
    if (onFailure === 'block') await expect(run).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
    else await run;
    expect(guard.verdicts()).toMatchObject([
      { action: onFailure === 'block' ? 'block' : 'allow', failed: true },
    ]);
  }
});

const toolChunk = (args: string) => ({
  data: JSON.stringify({
    choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: args } }] } }],
  }),
});
const escapes = (text: string): string =>
  [...text].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

const argumentsOf = (events: readonly { data: string }[]): string =>
  events
    .filter(({ data }) => data !== DONE.data)
    .map(({ data }) => JSON.parse(data).choices[0].delta.tool_calls[0].function.arguments as string)
    .join('');
/** As servers write JSON that keep to ASCII. */
const unitEscapes = (text: string): string =>
  text.replaceAll(/[^ ]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

test.each([
  ['an account', 'DE89 3704 0044 0532 0130 00', FACES[0]],
  ['a card', '4111 1111 1111 1111', moved(0x1d7ce - 0x30, /[0-9]/)],
  ['an address of mail', 'someone.with.a.long.name@example.com', (one: string) => one],
])('GRD-5 %s in escapes is masked as the same whole, wherever it is cut', async (_, value, face = String) => {
  const [guards, written] = [guardsOf(PERSONAL), unitEscapes([...value].map(face).join(''))];
  const args = `{"c":"${written}"}`;
  for (let at = 0; at <= args.length; at += 7) {
    const { out } = await streamed(guards, [...cut(args, [at]).map(toolChunk), DONE]);
    expect(JSON.parse(argumentsOf(out)).c, `cut at ${at}`).toMatch(/^\[[A-Z]+\]$/);
  }
});

test('GRD-5 of a long key in escapes nothing has gone out', async () => {
  const key = unitEscapes(LONG_KEY);
  const guard = createStreamGuard({ guards: guardsOf(SECRETS), looker, masks: undefined });
  const out: { data: string }[] = [];
  const run = async (): Promise<void> => {
    for (const piece of `{"c":"${key}"}`.match(/.{1,16}/g) ?? [])
      out.push(...(await guard.push(toolChunk(piece))));
    out.push(...(await guard.end()));
  };
  await expect(run()).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  expect(argumentsOf(out).length).toBeLessThanOrEqual(16);
});

test('arguments of backslashes alone take no longer than others', async () => {
  const timeOf = async (piece: string): Promise<number> => {
    const began = performance.now();
    await streamed(guardsOf({ ...SECRETS, kind: 'deny', words: ['x y'] }), Array(500).fill(toolChunk(piece)));
    return performance.now() - began;
  };
  await timeOf('abcdefgh');
  const usual = await timeOf('abcdefgh');
  expect(await timeOf('\\'.repeat(8))).toBeLessThan(usual * 20 + 2_000);
});

test.each([
  ['arguments in escapes', () => cut(`{"c":"${escapes(KEY)}"}`, [9, 40, 100]).map(toolChunk)],
  ['arguments behind a new line', () => cut(JSON.stringify({ c: `x\n${KEY}` }), [9, 20]).map(toolChunk)],
  [
    'an end that is none',
    () => cut(`x ${KEY} y`, [8, 20]).map((content) => withChoice({ delta: { content }, finish_reason: '' })),
  ],
  [
    'an end before the end',
    () =>
      cut(`x ${KEY} y`, [8, 20]).map((content) => withChoice({ delta: { content }, finish_reason: 'stop' })),
  ],
  [
    'thoughts in parts',
    () => cut(KEY, [8]).map((text) => withChoice({ delta: { reasoning_details: [{ index: 0, text }] } })),
  ],
  [
    'the name of a tool',
    () =>
      cut(KEY, [8]).map((name) =>
        withChoice({ delta: { tool_calls: [{ index: 0, custom: { input: name } }] } }),
      ),
  ],
  [
    'an event of two protocols',
    () =>
      cut(KEY, [8]).map((text) => ({
        data: JSON.stringify({ choices: [], type: 'content_block_delta', index: 0, delta: { text } }),
      })),
  ],
  [
    'an event of no protocol',
    () => cut(KEY, [8]).map((text) => ({ data: JSON.stringify({ type: 'whatever', delta: { text } }) })),
  ],
  [
    'a block that ends and goes on',
    () =>
      cut(KEY, [8]).flatMap((text) => [
        {
          data: JSON.stringify({
            type: 'content_block_delta',
            index: 0,
            delta: { type: 'text_delta', text },
          }),
        },
        { data: JSON.stringify({ type: 'content_block_stop', index: 0 }) },
      ]),
  ],
])('GRD-5 a secret is found in pieces: %s', async (_, events) => {
  await expect(streamed(guardsOf(SECRETS), [...events(), DONE])).rejects.toMatchObject({
    code: 'CONTENT_REFUSED',
  });
});

const withChoice = (choice: object) => ({ data: JSON.stringify({ choices: [{ index: 0, ...choice }] }) });

test('GRD-5 what servers send that is no strict JSON is told as it is', async () => {
  const halves = [
    { data: '{"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}' },
    { data: '{"choices":[{"index":0,"delta":{"content":"\\ude00"}}],"created":12345678901234567890}' },
  ];
  const { out } = await streamed(guardsOf(SECRETS), [...halves, stop(), DONE]);
  expect(contentOf(out)).toBe('\ud83d\ude00');
});

test('GRD-5 a key with headers is masked as a whole', async () => {
  const lines = Array.from({ length: 20 }, (_, line) => `MIIEowIBA${line}`.padEnd(64, 'x'));
  const pem = `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n${lines.join('\n')}\n-----END RSA PRIVATE KEY-----`;
  const text = `here: ${pem} done`;
  const places = Array.from({ length: 200 }, (_, index) => index * 7);
  const guards = guardsOf({ ...SECRETS, action: 'mask' });
  const { out } = await streamed(guards, [...cut(text, places).map((piece) => chunk(piece)), stop(), DONE]);
  expect(contentOf(out)).toBe('here: [SECRET] done');
});

test('GRD-4 probabilities of tokens do not say again what was masked', async () => {
  const tokens = { content: [{ token: 'jo@example.com' }] };
  const events = [
    withChoice({ delta: {}, logprobs: tokens }),
    withChoice({ delta: { content: 'jo@example.com' }, logprobs: tokens }),
  ];
  const { out } = await streamed(guardsOf(PERSONAL), [...events, DONE]);
  expect(JSON.stringify(out)).not.toContain('jo@');
});

test('GRD-5 a service elsewhere is asked each two thousand characters, and at the end', async () => {
  let asked = 0;
  const counting: Looker = async (_, __, texts) => {
    asked += 1;
    return texts.map(() => []);
  };
  const guards = guardsOf({ name: 'mine', kind: 'external', url: 'http://127.0.0.1:1/', action: 'block' });
  const guard = createStreamGuard({ guards, looker: counting, masks: undefined });
  for (let piece = 0; piece < 1000; piece += 1) await guard.push(chunk('word '));
  await guard.push(DONE);
  await guard.end();
  expect(asked).toBe(3);
});

test('GRD-5 what nobody sees does not let the beginning of a word go', async () => {
  const guards = guardsOf({ ...WORDS, action: 'block' });
  const guard = createStreamGuard({ guards, looker, masks: undefined });
  const out: { data: string }[] = [];
  const run = async (): Promise<void> => {
    for (const piece of [`so proj${'\u200b'.repeat(400)}`, 'ect x', ' and more'.repeat(40)])
      out.push(...(await guard.push(chunk(piece))));
    out.push(...(await guard.push(DONE)));
  };
  await expect(run()).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  expect(contentOf(out)).not.toContain('proj');
});
