import { TrustError } from '@talosprotocol/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { createMetrics } from '../../platform/metrics/metrics.js';
import { hedgingOf, LATE, type ModelsOptions, openModels, settled, TOKENS, upTo } from './testing/models.js';

async function wait(ms: number): Promise<void> {
  await settled();
  await vi.advanceTimersByTimeAsync(ms);
  await settled();
}

const counts = (metrics: ReturnType<typeof createMetrics>): string[] =>
  metrics
    .text()
    .split('\n')
    .filter((line) => line.startsWith('talos_llm_hedges_total{'));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('LLM-35 a call whose model', () => {
  it('answers in time is made once', async () => {
    const { begin, answers, asked, effects } = await openModels();
    const call = begin();
    await wait(LATE - 1);
    await answers('a');
    expect(await call).toMatchObject({ kind: 'answered', answer: 'of a' });
    await wait(LATE);
    expect(asked).toEqual(['a']);
    expect(effects()).toEqual([['a', 'allow']]);
  });

  it('is late is made of the next one too, whose answer is given; the first is read on and settled by its count', async () => {
    const { metrics, hedging } = hedgingOf();
    const { begin, answers, streams, asked, effects, ends, readOn, ledger, shown, outcomes } =
      await openModels({
        hedging,
      });
    const call = begin();
    await wait(LATE);
    expect(asked).toEqual(['a', 'b']);
    await answers('b');
    const decided = await call;
    expect(decided).toMatchObject({ kind: 'answered', answer: 'of b' });
    await wait(60_000);
    expect([readOn, outcomes.size]).toEqual([[], 1]);
    await streams('a', 31);
    await settled();
    expect(readOn).toEqual(['a']);
    expect(effects()).toEqual([
      ['a', 'allow'],
      ['b', 'allow'],
    ]);
    expect(ends()).toEqual([
      ['b', 'completed', 7],
      ['a', 'cancelled', 31],
    ]);
    expect(ledger.settled.map(({ tokens }) => tokens)).toEqual([7, 31]);
    expect([shown.at(-1), outcomes.size, counts(metrics)]).toEqual([
      'b',
      0,
      ['talos_llm_hedges_total{result="second"} 1'],
    ]);
  });

  it('is late may still be the one that answers, with its own receipt; then the second is read on', async () => {
    const { metrics, hedging } = hedgingOf();
    const { begin, answers, streams, ends, readOn, shown } = await openModels({ hedging });
    const call = begin('0190a000-0000-7000-8000-000000000001');
    await wait(LATE);
    await answers('a');
    expect(await call).toMatchObject({ answer: 'of a', receipt: 'rcp_0190a000-0000-7000-8000-000000000001' });
    expect(shown).toEqual(['a', 'b', 'a']);
    await streams('b', 9);
    await settled();
    expect(readOn).toEqual(['b']);
    expect(ends()).toContainEqual(['b', 'cancelled', 9]);
    expect(counts(metrics)).toEqual(['talos_llm_hedges_total{result="first"} 1']);
  });

  it('fails at last waits for the other, of which no second call is made', async () => {
    const { begin, answers, fails, asked } = await openModels();
    const call = begin();
    await wait(LATE);
    await fails('a');
    await wait(LATE);
    expect(asked).toEqual(['a', 'b']);
    await answers('b');
    expect(await call).toMatchObject({ answer: 'of b' });
  });

  it.each([
    ['a', 'b'],
    ['b', 'a'],
  ])(
    'fails as the other does (%s, then %s) is made of the third, which is not hedged any more',
    async (...order) => {
      const { metrics, hedging } = hedgingOf();
      const { begin, answers, fails, asked } = await openModels({ hedging, names: ['a', 'b', 'c', 'd'] });
      const call = begin();
      await wait(LATE);
      for (const name of order) await fails(name);
      expect(asked).toEqual(['a', 'b', 'c']);
      await wait(2 * LATE);
      expect(asked).toEqual(['a', 'b', 'c']);
      await answers('c');
      expect(await call).toMatchObject({ answer: 'of c' });
      expect(counts(metrics)).toEqual(['talos_llm_hedges_total{result="none"} 1']);
    },
  );

  it('fails at once leaves it to the next one, which may be late in its place', async () => {
    const { begin, answers, fails, asked } = await openModels();
    const call = begin();
    await settled();
    await fails('a');
    await wait(LATE);
    expect(asked).toEqual(['a', 'b', 'c']);
    await answers('c');
    expect(await call).toMatchObject({ answer: 'of c' });
    await answers('b');
  });

  it('finds fault with the request, or breaks off, leaves it to the other, which is asked already', async () => {
    const { begin, answers, fails } = await openModels();
    const call = begin();
    await wait(LATE);
    await fails('a', false);
    await answers('b');
    expect(await call).toMatchObject({ answer: 'of b' });
  });

  it.each([true, false])(
    'finds fault with the request says so where the other fails too (%s)',
    async (more) => {
      const { begin, fails, asked } = await openModels();
      const call = begin();
      await wait(LATE);
      await fails('a', false);
      await fails('b', more);
      expect(await call).toMatchObject({ answer: 'failure of a' });
      expect(asked).toEqual(['a', 'b']);
    },
  );
});

describe('LLM-35 a second call', () => {
  it('that fails, or finds fault with the request, takes nothing from the first', async () => {
    for (const isForAnother of [true, false]) {
      const { begin, answers, fails } = await openModels();
      const call = begin();
      await wait(LATE);
      await fails('b', isForAnother);
      await answers('a');
      expect(await call).toMatchObject({ answer: 'of a' });
    }
  });

  it('that finds fault is what the client is told where the first has no answer, as in a fallback', async () => {
    const { begin, fails, asked } = await openModels();
    const call = begin();
    await wait(LATE);
    await fails('b', false);
    await fails('a');
    expect(await call).toMatchObject({ answer: 'failure of b' });
    expect(asked).toEqual(['a', 'b']);
  });

  it.each<[string, ModelsOptions, string?]>([
    ['does not fit into the limit', { limits: upTo(TOKENS + 1) }],
    ['is out of reach', { names: ['a', 'foreign'] }],
    ['is refused by a guard', {}, 'b'],
  ])('that is denied because it %s changes nothing for the first', async (_, options, refused = '') => {
    const { begin, answers, asked, effects, ends, state } = await openModels(options);
    state.refuses.add(refused);
    const call = begin();
    await wait(LATE);
    expect(asked).toEqual(['a']);
    await answers('a');
    expect(await call).toMatchObject({ kind: 'answered', answer: 'of a' });
    await settled();
    expect(
      effects()
        .map(([, effect]) => effect)
        .toSorted(),
    ).toEqual(['allow', 'deny']);
    expect(ends()).toEqual([['a', 'completed', 7]]);
  });

  it('that was denied is asked for again where the first has no answer', async () => {
    const { begin, answers, fails, asked, state } = await openModels();
    state.refuses.add('b');
    const call = begin();
    await wait(LATE);
    state.refuses.clear();
    await fails('a');
    await answers('b');
    expect(await call).toMatchObject({ answer: 'of b' });
    expect(asked).toEqual(['a', 'b']);
  });

  it('that cannot be recorded changes nothing for the first, nor the other way round', async () => {
    for (const [broken, well] of [
      ['b', 'a'],
      ['a', 'b'],
    ] as const) {
      const { begin, answers, audit, lines } = await openModels();
      const { record } = audit.sink;
      audit.sink.record = async (draft) => {
        if (draft.type === 'decision' && draft.members.action.model === broken)
          throw new TrustError('UNAVAILABLE', 'the sink is down');
        return record(draft);
      };
      const call = begin();
      await wait(LATE);
      await answers(broken);
      await answers(well);
      expect(await call).toMatchObject({ answer: `of ${well}` });
      expect(lines.join('')).toContain('beside another');
    }
  });

  it('that is still on its way when the first answers is not sent, and costs nothing', async () => {
    const { begin, answers, asked, ends, state, ledger } = await openModels();
    let go: () => void = () => undefined;
    state.preparing.set(
      'b',
      new Promise((resolve) => {
        go = resolve;
      }),
    );
    const call = begin();
    await wait(LATE);
    await answers('a');
    expect(await call).toMatchObject({ answer: 'of a' });
    go();
    await settled();
    await settled();
    expect(asked).toEqual(['a']);
    expect(ends()).toContainEqual(['b', 'cancelled', 0]);
    expect(ledger.settled.map(({ tokens }) => tokens)).toEqual([7, 0]);
  });
});

describe('LLM-35 no second call is made', () => {
  it.each<[string, (state: { policy: string; hasLeft: boolean }) => void]>([
    ['under another policy', (state) => void Object.assign(state, { policy: 'b'.repeat(64) })],
    ['for a client that has left', (state) => void Object.assign(state, { hasLeft: true })],
  ])('%s', async (_, change) => {
    const { begin, answers, asked, state } = await openModels();
    const call = begin();
    await settled();
    change(state);
    await wait(2 * LATE);
    await answers('a');
    expect(await call).toMatchObject({ answer: 'of a' });
    expect(asked).toEqual(['a']);
  });

  it('with a credential that is for one dispatch', async () => {
    const { begin, asked, answers } = await openModels({ kind: 'session' });
    const call = begin();
    await wait(2 * LATE);
    await answers('a');
    expect(await call).toMatchObject({ answer: 'of a' });
    expect(asked).toEqual(['a']);
  });

  it('because the log is slow, while the model is not', async () => {
    const { begin, answers, asked, audit } = await openModels();
    let go: () => void = () => undefined;
    audit.state.gate = new Promise((resolve) => {
      go = resolve;
    });
    const call = begin();
    await settled();
    await answers('a');
    await wait(10 * LATE);
    go();
    expect(await call).toMatchObject({ answer: 'of a' });
    expect(asked).toEqual(['a']);
  });

  it('beyond ten at once and one in ten of all calls', async () => {
    const { metrics, hedging } = hedgingOf();
    const slow = async (): Promise<number> => {
      const { begin, answers, asked } = await openModels({ hedging, names: ['a', 'b'] });
      const call = begin();
      await wait(LATE);
      for (const name of asked) await answers(name);
      await call;
      return asked.length - 1;
    };
    const quick = async (): Promise<void> => {
      const { begin, answers } = await openModels({ hedging, names: ['a', 'b'] });
      const call = begin();
      await settled();
      await answers('a');
      await call;
    };
    let hedges = 0;
    for (let call = 0; call < 111; call += 1) hedges += await slow();
    // Ten at once; the calls meanwhile, which earn the others, are 111.
    expect(hedges).toBe(21);
    expect(counts(metrics)).toContain('talos_llm_hedges_total{result="withheld"} 90');
    for (let call = 0; call < 200; call += 1) await quick();
    hedges = 0;
    for (let call = 0; call < 12; call += 1) hedges += await slow();
    expect(hedges).toBe(11);
  });
});
