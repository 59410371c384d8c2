import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { calcPrice } from '@pydantic/genai-prices';
import type { ModelProvider, ModelRates } from '@talosprotocol/contracts';
import { modelCost } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { createPrices, PRICE_TABLE } from './prices.js';
import { compileProvider } from './provider.js';

const prices = createPrices(createNodeCrypto());
const NOW = Date.UTC(2026, 10, 29);
const provider = (more: Partial<ModelProvider> = {}) =>
  compileProvider('p', { api: 'openai', baseUrl: 'https://api.openai.com/v1', ...more });
const anthropic = provider({ api: 'anthropic', baseUrl: 'https://api.anthropic.com/v1' });

// AUD-126
describe('the price of a model', () => {
  it('is of the release of the table that is named', () => {
    const entry = createRequire(import.meta.url).resolve('@pydantic/genai-prices');
    const manifest = JSON.parse(readFileSync(entry.replace(/dist\/.*$/, 'package.json'), 'utf8'));
    expect(`${manifest.name} ${manifest.version}`).toBe(PRICE_TABLE);
  });

  it('is found by the address of the provider, and by nothing a client says', () => {
    const rates = prices.ratesOf(provider(), 'gpt-4o-mini', 100, NOW);
    expect(rates).toEqual({ currency: 'USD', input: 150_000, output: 600_000, cache_read: 75_000 });
    const other = provider({ baseUrl: 'https://models.example/v1' });
    expect(prices.ratesOf(other, 'gpt-4o-mini', 100, NOW)).toBeUndefined();
    expect(prices.ratesOf({ ...other, prices: 'openai' }, 'gpt-4o-mini', 100, NOW)).toEqual(rates);
    expect(prices.ratesOf(provider(), 'no-such-model', 100, NOW)).toBeUndefined();
  });

  it('is not known of a model of which each request is paid for as well', () => {
    const perplexity = provider({ baseUrl: 'https://api.perplexity.ai', prices: 'perplexity' });
    expect(prices.ratesOf(perplexity, 'sonar', 100, NOW)).toBeUndefined();
  });

  it('is not known of a model that writes pictures at another price than words', () => {
    const google = provider({
      baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
      prices: 'google',
    });
    for (const model of ['gemini-2.5-flash-image', 'gemini-3-pro-image-preview'])
      expect(prices.ratesOf(google, model, 100, NOW), model).toBeUndefined();
    expect(prices.ratesOf(google, 'gemini-2.5-flash', 100, NOW)?.output).toBe(2_500_000);
    const rates: ModelRates = { currency: 'USD', input: 300_000, output: 30_000_000 };
    const own = { ...google, models: new Map([['gemini-2.5-flash-image', { rates }]]) };
    expect(prices.ratesOf(own, 'gemini-2.5-flash-image', 100, NOW)).toEqual(rates);
    // Nor where the table knows of such a model no more than what its words cost.
    const router = provider({ baseUrl: 'https://openrouter.ai/api/v1' });
    for (const model of ['google/gemini-2.5-flash-image', 'openai/gpt-5-image', 'openai/gpt-5-image-mini'])
      expect([model, prices.ratesOf(router, model, 100, NOW)]).toEqual([model, undefined]);
    expect(prices.ratesOf(provider(), 'gpt-5-image', 100, NOW)).toBeUndefined();
    const words = { currency: 'USD', input: 1_250_000, output: 10_000_000, cache_read: 125_000 };
    expect(prices.ratesOf(router, 'openai/gpt-5', 100, NOW)).toEqual(words);
  });

  it('is what the operator says, if that is said', () => {
    const rates: ModelRates = { currency: 'EUR', input: 1, output: 2 };
    const own = provider({ models: { 'gpt-4o-mini': { rates }, 'gpt-4o': {} } });
    expect(prices.ratesOf(own, 'gpt-4o-mini', 100, NOW)).toEqual(rates);
    expect(prices.ratesOf(own, 'gpt-4o', 100, NOW)?.currency).toBe('USD');
  });

  it('names its table: another one has another hash, and prices of the operator too', () => {
    const own = (input: number) =>
      provider({ models: { m: { rates: { currency: 'USD', input, output: 1 } } } });
    const hashes = [provider(), own(1), own(2), provider({ prices: 'azure' })].map(prices.hashOf);
    expect(new Set(hashes).size).toBe(4);
    expect(prices.hashOf(own(1))).toBe(hashes[1]);
  });

  it('takes the step of the table that the tokens of the call are in', () => {
    const google = provider({ baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai' });
    const [low, high] = [200_000, 200_001].map((input) =>
      prices.ratesOf(google, 'gemini-2.5-pro', input, NOW),
    );
    expect(high!.input).toBeGreaterThan(low!.input);
    expect(high!.output).toBeGreaterThan(low!.output);
  });

  it.each<[string, ReturnType<typeof provider>, string]>([
    ['gpt-4o-mini', provider(), 'openai'],
    ['gpt-4o', provider(), 'openai'],
    ['o3', provider(), 'openai'],
    ['claude-sonnet-4-5', anthropic, 'anthropic'],
    ['claude-3-5-haiku-latest', anthropic, 'anthropic'],
  ])('is that of the table to a micro-unit, in whole numbers: %s', (model, from, providerId) => {
    for (const [input, output, read] of [
      [1, 1, 0],
      [1_000, 100, 0],
      [123_457, 7_919, 1_000],
      [199_999, 31_999, 100_000],
    ] as const) {
      const usage = { input, output, cache_read: read };
      const table = calcPrice(
        { input_tokens: input, output_tokens: output, cache_read_tokens: read },
        model,
        { providerId, timestamp: new Date(NOW) },
      );
      const own = modelCost(usage, prices.ratesOf(from, model, input, NOW)!);
      expect(Math.abs(own - table!.total_price * 1e6), model).toBeLessThanOrEqual(1);
    }
  });

  it('is known of a model only together with how much it takes', () => {
    expect(prices.windowOf(provider(), 'gpt-4o-mini', NOW)).toBe(128_000);
    expect(prices.windowOf(provider(), 'no-such-model', NOW)).toBeUndefined();
    const own = provider({
      models: { mine: { window: 32_000 }, 'gpt-4o-mini': { window: 9 }, 'gpt-4o': {} },
    });
    const windows = ['mine', 'gpt-4o-mini', 'gpt-4o'].map((model) => prices.windowOf(own, model, NOW));
    expect(windows).toEqual([32_000, 9, 128_000]);
    // What a call costs is the same.
    const plain = provider({ models: { mine: {}, 'gpt-4o-mini': {}, 'gpt-4o': {} } });
    expect(prices.hashOf(own)).toBe(prices.hashOf(plain));
  });

  // LLM-37
  it('of a document may be in no count of tokens where another service reads it', () => {
    const router = 'https://openrouter.ai/api/v1';
    for (const [more, byPage] of [
      [{}, false],
      [{ baseUrl: router }, true],
      [{ baseUrl: router, prices: 'openai' }, true],
      [{ prices: 'openrouter' }, true],
      [{ baseUrl: 'https://models.example/v1' }, false],
    ] as const)
      expect(prices.paysByPage(provider(more))).toBe(byPage);
  });
});

// LLM-37
describe('what may be read of a document', () => {
  const google = provider({ baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai' });

  it.each<[string, ReturnType<typeof provider>, number]>([
    ['gpt-4.1', provider(), 1_047_576],
    ['gpt-4.1-mini', provider(), 1_047_576],
    ['gpt-4.1-nano', provider(), 1_047_576],
    ['gpt-5.5', provider(), 1_050_000],
    ['gemini-3-flash-preview', google, 1_048_576],
    ['gemini-2.0-flash', google, 1_048_576],
    ['gemini-1.5-pro', google, 2_097_152],
  ])('is no less than %s really takes, which the table rounds down', (model, of, takes) => {
    expect(prices.windowOf(of, model, NOW)).toBeLessThanOrEqual(takes);
    expect(prices.readableOf(of, model, NOW)).toBeGreaterThanOrEqual(takes);
  });

  it('is a tenth more than the table says, what the operator says, or known to nobody', () => {
    expect(prices.windowOf(provider(), 'gpt-4o-mini', NOW)).toBe(128_000);
    expect(prices.readableOf(provider(), 'gpt-4o-mini', NOW)).toBe(140_800);
    const own = provider({ models: { 'gpt-4o-mini': { window: 5_000 } } });
    expect(prices.readableOf(own, 'gpt-4o-mini', NOW)).toBe(5_000);
    expect(prices.readableOf(provider(), 'no-such-model', NOW)).toBeUndefined();
  });
});
