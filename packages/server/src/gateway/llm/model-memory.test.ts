import { describe, expect, it } from 'vitest';
import { createModelMemory } from './model-memory.js';
import { compileProvider } from './provider.js';

const provider = compileProvider('p', { api: 'openai', baseUrl: 'https://models.example/v1' });

// LLM-12
describe('what is remembered of models', () => {
  it('is bounded, however many names a client makes up, and stays that of each that was there before', () => {
    const named = new Map([['p', provider]]);
    const memory = createModelMemory(
      () => named,
      (_, model) => ({ model }),
    );
    const first = memory.of(provider, 'first');
    const all = Array.from({ length: 10_000 }, (_, index) => memory.of(provider, `made-up-${index}`));
    expect(new Set(all).size).toBeLessThanOrEqual(256);
    expect(memory.of(provider, 'first')).toBe(first);
    expect(all.at(-1)).toBe(all.at(-2));
  });
});
