import type { JsonValue } from '@talosprotocol/protocol';
import { modelCost } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anthropicUsage,
  embeddingsUsage,
  joinUsage,
  openAiUsage,
  possible,
  responsesUsage,
} from './usage.js';

const RATES = { input: 3_000_000, output: 15_000_000, cache_read: 300_000, cache_write: 3_750_000 };

describe('what a provider counted', () => {
  it('is read as OpenAI says it', () => {
    const usage = { prompt_tokens: 100, completion_tokens: 20, prompt_tokens_details: { cached_tokens: 64 } };
    expect(openAiUsage(usage, 1)).toEqual({ input: 100, output: 20, cache_read: 64 });
    expect(openAiUsage({ prompt_tokens: 0, completion_tokens: 0 }, 1)).toEqual({ input: 0, output: 0 });
  });

  it('is all that was not read, where a model that thinks leaves its thoughts out', () => {
    const usage = { prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 };
    expect(openAiUsage(usage, 1)).toEqual({ input: 20, output: 603 });
    expect(openAiUsage({ ...usage, total_tokens: 1 }, 1)).toEqual({ input: 20, output: 198 });
    expect(openAiUsage({ ...usage, total_tokens: 'x' }, 1)).toEqual({ input: 20, output: 198 });
    expect(openAiUsage({ prompt_tokens: 20, total_tokens: 623 }, 1)).toEqual({ input: 20, output: 603 });
    expect(openAiUsage({ ...usage, completion_tokens: null }, 1)).toEqual({ input: 20, output: 603 });
  });

  it.each<[JsonValue]>([
    [{ prompt_tokens: 8, total_tokens: 8 }],
    [{ prompt_tokens: 8, completion_tokens: null, total_tokens: 8 }],
  ])('is nothing if the total says so, where nothing was written: %j', (usage) => {
    expect(openAiUsage(usage, 0)).toEqual({ input: 8, output: 0 });
    expect(openAiUsage(usage, 1)).toBeUndefined();
    expect(openAiUsage({ prompt_tokens: 8 }, 0)).toBeUndefined();
    expect(openAiUsage({ prompt_tokens: 8, total_tokens: 7 }, 0)).toBeUndefined();
  });

  it('is none if nothing was read, or less was written than was seen', () => {
    expect(possible({ input: 1, output: 0 }, 0)).toEqual({ input: 1, output: 0 });
    expect(possible({ input: 1, output: 2 }, 2)).toEqual({ input: 1, output: 2 });
    expect(possible({ input: 0, output: 2 }, 0)).toBeUndefined();
    expect(possible({ input: 1, output: 1 }, 2)).toBeUndefined();
    expect(possible(undefined, 0)).toBeUndefined();
  });

  it('is what was read alone where nothing is written', () => {
    expect(embeddingsUsage({ prompt_tokens: 100, total_tokens: 100 })).toEqual({ input: 100, output: 0 });
    expect(embeddingsUsage({ prompt_tokens: -1 })).toBeUndefined();
    expect(embeddingsUsage(null)).toBeUndefined();
  });

  it('is read as OpenAI says it of responses, and of what was written into a cache', () => {
    const details = { cached_tokens: 64, cache_write_tokens: 16 };
    const responses = { input_tokens: 100, output_tokens: 20, input_tokens_details: details };
    const counted = { input: 100, output: 20, cache_read: 64, cache_write: 16 };
    expect(responsesUsage(responses)).toEqual(counted);
    const chat = { prompt_tokens: 100, completion_tokens: 20, prompt_tokens_details: details };
    expect(openAiUsage(chat, 1)).toEqual(counted);
    expect(responsesUsage({ input_tokens: 100 })).toBeUndefined();
    expect(responsesUsage({ output_tokens: 20 })).toBeUndefined();
    expect(responsesUsage(null)).toBeUndefined();
  });

  it('is read as Anthropic says it, whose input leaves out what went through a cache', () => {
    const usage = {
      input_tokens: 10,
      output_tokens: 5,
      cache_read_input_tokens: 4,
      cache_creation_input_tokens: 2,
    };
    expect(anthropicUsage(usage)).toEqual({ input: 16, output: 5, cache_read: 4, cache_write: 2 });
  });

  it.each<[JsonValue | undefined]>([
    [undefined],
    [null],
    [[]],
    ['12'],
    [{}],
    [{ prompt_tokens: '12' }],
    [{ prompt_tokens: -1 }],
    [{ prompt_tokens: 1.5 }],
    [{ prompt_tokens: 1e12 }],
    [{ prompt_tokens: 12 }],
    [{ prompt_tokens: 12, total_tokens: 12 }],
    [{ prompt_tokens: 12, completion_tokens: null, total_tokens: null }],
    [{ prompt_tokens: 12, completion_tokens: -5, total_tokens: 90 }],
    [{ prompt_tokens: 12, completion_tokens: 5.5, total_tokens: 90 }],
    [{ prompt_tokens: 12, completion_tokens: '50' }],
    [{ prompt_tokens: 12, completion_tokens: 2e9 }],
  ])('is no count if it is not one: %j', (usage) => {
    expect(openAiUsage(usage, 1)).toBeUndefined();
  });

  it.each<[JsonValue | undefined]>([
    [{ output_tokens: 5 }],
    [{ input_tokens: 12 }],
    [{ input_tokens: 12, output_tokens: -1 }],
    [{ input_tokens: 12, output_tokens: 7.5 }],
    [{ input_tokens: 12, output_tokens: 2e9 }],
    [{ input_tokens: 12, output_tokens: 5, cache_read_input_tokens: -10 }],
    [{ input_tokens: 12, output_tokens: 5, cache_creation_input_tokens: 1000.5 }],
  ])('is no count of a message if one of its numbers is none: %j', (usage) => {
    expect(anthropicUsage(usage)).toBeUndefined();
  });

  it('is not believed of a cache where it cannot be', () => {
    const usage = { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 11 } };
    expect(openAiUsage(usage, 1)).toEqual({ input: 10, output: 1 });
  });

  it('of a stream is the later count of each', () => {
    const begun = joinUsage(undefined, { input_tokens: 10, output_tokens: 1, cache_read_input_tokens: null });
    expect(joinUsage(begun, { output_tokens: 7 })).toEqual({ input_tokens: 10, output_tokens: 7 });
    expect(joinUsage(begun, 'x')).toBe(begun);
    expect(anthropicUsage(joinUsage(begun, { output_tokens: '7' }))).toBeUndefined();
  });

  it('of a stream is all that is kept of what a provider puts beside it', () => {
    const more = Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`k${n}`, n]));
    const joined = joinUsage(joinUsage(undefined, { ...more, input_tokens: 10 }), {
      output_tokens: 7,
      x: {},
    });
    expect(joined).toEqual({ input_tokens: 10, output_tokens: 7 });
  });

  it('can be priced, whatever a provider says', () => {
    const count = fc.oneof(fc.integer(), fc.double(), fc.constant(null), fc.string(), fc.maxSafeInteger());
    const said = fc.record({
      prompt_tokens: count,
      completion_tokens: count,
      prompt_tokens_details: fc.record({ cached_tokens: count }),
      input_tokens: count,
      output_tokens: count,
      cache_read_input_tokens: count,
      cache_creation_input_tokens: count,
    });
    fc.assert(
      fc.property(said, (usage) => {
        for (const counted of [openAiUsage(usage as JsonValue, 1), anthropicUsage(usage as JsonValue)]) {
          if (counted !== undefined) expect(modelCost(counted, RATES)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
