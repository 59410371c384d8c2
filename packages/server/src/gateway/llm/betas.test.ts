import { describe, expect, it } from 'vitest';
import { assertBetas, betasOf } from './betas.js';
import { createBedrockHost } from './hosts/bedrock.js';
import { PLAIN_HOST } from './hosts/plain.js';
import { MESSAGES } from './messages.js';
import { compileProvider } from './provider.js';

const BETA = 'interleaved-thinking-2025-05-14';

// LLM-5, LLM-29
describe('betas of Anthropic', () => {
  it('are read from one header or several, each once', () => {
    expect(betasOf(undefined)).toEqual([]);
    expect(betasOf(` ${BETA},, x , ${BETA}`)).toEqual([BETA, 'x']);
    expect(betasOf([BETA, 'x,y'])).toEqual([BETA, 'x', 'y']);
  });

  it.each<[string, readonly string[]]>([
    ['POLICY_DENIED', [BETA, 'fast-mode-2026-02-01']],
    ['MALFORMED', ['a\r\nb']],
    ['MALFORMED', Array.from({ length: 33 }, () => BETA)],
  ])('are refused as %s if one is not known: %j', (code, betas) => {
    expect(() => assertBetas(betas)).toThrow(expect.objectContaining({ code }));
    expect(() => assertBetas([BETA])).not.toThrow();
  });

  it('are more where the operator says so, but never what is no name', () => {
    const more = ['fast-mode-2026-02-01', 'a\r\nb'];
    expect(() => assertBetas([BETA, 'fast-mode-2026-02-01'], more)).not.toThrow();
    expect(() => assertBetas(['fast-mode-2026-02-02'], more)).toThrow(
      expect.objectContaining({ code: 'POLICY_DENIED' }),
    );
    expect(() => assertBetas(['a\r\nb'], more)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it('are for a provider that speaks their protocol', () => {
    const provider = { baseUrl: 'https://models.example/v1', betas: ['x'] };
    expect(compileProvider('p', { api: 'anthropic', ...provider }).betas).toEqual(['x']);
    expect(() => compileProvider('p', { api: 'openai', ...provider })).toThrow(
      expect.objectContaining({ code: 'MALFORMED', message: expect.stringContaining('providers.p.betas') }),
    );
  });

  it('stand in a header, and at Bedrock in the body', async () => {
    const call = { dialect: MESSAGES, model: 'm', stream: false };
    const shown = { dialect: MESSAGES, key: 'k', url: 'https://x/', body: new Uint8Array(), now: 0 };
    expect(await PLAIN_HOST.headers({ ...shown, betas: [BETA] })).toMatchObject({ 'anthropic-beta': BETA });
    expect(await PLAIN_HOST.headers(shown)).not.toHaveProperty('anthropic-beta');
    const bedrock = createBedrockHost('eu-west-1');
    expect(bedrock.body({ model: 'm' }, { ...call, betas: [BETA] })).toMatchObject({
      anthropic_beta: [BETA],
    });
    expect(bedrock.body({ model: 'm' }, call)).not.toHaveProperty('anthropic_beta');
    expect(await bedrock.headers({ ...shown, betas: [BETA] })).not.toHaveProperty('anthropic-beta');
  });
});
