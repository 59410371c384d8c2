import { describe, expect, it } from 'vitest';
import { translateLiteLlm } from './litellm.js';

const CONFIG = `
model_list:
  - model_name: gpt-4o
    litellm_params: { model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY }
  - model_name: smart
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://my-endpoint-europe.openai.azure.com/
      api_version: "2024-10-21"
      api_key: os.environ/AZURE_KEY
      rpm: 6
  - model_name: smart
    litellm_params: { model: gpt-4o, api_key: os.environ/OPENAI_API_KEY, weight: 3 }
  - model_name: claude
    litellm_params: { model: anthropic/claude-sonnet-4-5, api_key: sk-ant-literal, timeout: 30 }
  - model_name: local
    litellm_params: { model: ollama/llama3.2, api_key: x }
  - model_name: mine
    litellm_params:
      model: hosted_vllm/meta/llama
      api_base: https://models.example.com/v1/
      api_key: os.environ/MINE
      input_cost_per_token: 0.00000015
      output_cost_per_token: 0.0000006
  - model_name: other
    litellm_params: { model: openai/gpt-4o, api_key: os.environ/SECOND_KEY }
  - model_name: strange
    litellm_params: { model: replicate/some-model }
router_settings:
  routing_strategy: simple-shuffle
  fallbacks: [{ claude: [gpt-4o, smart] }]
  redis_host: redis
general_settings: { master_key: sk-1234 }
`;

describe('a configuration of LiteLLM', () => {
  const { providers, aliases, left } = translateLiteLlm(CONFIG);

  it('comes to one provider for each host, address, version and key, with the models that are named', () => {
    expect([...providers.keys()]).toEqual([
      'openai',
      'azure',
      'anthropic',
      'ollama',
      'hosted-vllm',
      'openai-2',
    ]);
    expect(providers.get('openai')).toEqual({
      provider: { api: 'openai', baseUrl: 'https://api.openai.com/v1', models: { 'gpt-4o': {} } },
      key: { variable: 'OPENAI_API_KEY' },
    });
    expect(providers.get('azure')?.provider).toEqual({
      api: 'openai',
      host: 'azure',
      baseUrl: 'https://my-endpoint-europe.openai.azure.com/openai',
      apiVersion: '2024-10-21',
      models: { 'gpt-4o-eu': {} },
    });
    expect(providers.get('anthropic')).toMatchObject({
      provider: { api: 'anthropic', totalSeconds: 30 },
      key: { value: 'sk-ant-literal' },
    });
    expect(providers.get('ollama')?.key).toBeUndefined();
    expect(providers.get('openai-2')?.key).toEqual({ variable: 'SECOND_KEY' });
  });

  it('keeps prices, as whole micro-dollars for a million tokens', () => {
    expect(providers.get('hosted-vllm')?.provider).toMatchObject({
      baseUrl: 'https://models.example.com/v1',
      models: { 'meta/llama': { rates: { currency: 'USD', input: 150_000, output: 600_000 } } },
    });
  });

  it('has an alias for each name, of all that it stands for', () => {
    expect(aliases.get('gpt-4o')).toEqual({ models: [{ model: 'openai/gpt-4o' }] });
    expect(aliases.get('smart')).toEqual({
      models: [{ model: 'azure/gpt-4o-eu' }, { model: 'openai/gpt-4o', weight: 3 }],
      choose: 'weight',
    });
    expect(aliases.get('claude')?.models.map(({ model }) => model)).toEqual([
      'anthropic/claude-sonnet-4-5',
      'openai/gpt-4o',
      'azure/gpt-4o-eu',
    ]);
    expect(aliases.get('mine')).toEqual({ models: [{ model: 'hosted-vllm/meta/llama' }] });
  });

  it('says what it left out, and why', () => {
    expect(left.join('\n')).toContain('general_settings');
    expect(left.join('\n')).toContain('litellm_params.rpm: has no counterpart');
    expect(left.join('\n')).toContain('models of replicate are not served here');
    expect(left.join('\n')).toContain('router_settings.redis_host');
    expect(left.join('\n')).not.toContain('sk-1234');
  });

  it('chooses by latency where that was wanted', () => {
    const text = CONFIG.replace('simple-shuffle', 'latency-based-routing');
    expect(translateLiteLlm(text).aliases.get('smart')?.choose).toBe('latency');
  });

  it.each(['', 'x', '[]', '{}', 'model_list: 1', 'a: &a [*a]', '{'])('is none: %j', (text) => {
    expect(() => translateLiteLlm(text)).toThrow(/LiteLLM|YAML/);
  });

  it('that names nothing sound comes to nothing', () => {
    const found = translateLiteLlm(
      'model_list: [1, null, {}, { litellm_params: { model: azure/x } }, { litellm_params: { model: openai/* } }]',
    );
    expect([found.providers.size, found.aliases.size]).toEqual([0, 0]);
    expect(found.left).toHaveLength(3);
  });
});
