import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
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

/** A file of these deployments, and what else stands in it. */
function translated(deployments: readonly object[], rest: object = {}) {
  return translateLiteLlm(stringify({ model_list: deployments, ...rest }));
}

const deployment = (model_name: string, params: object, more: object = {}) => ({
  model_name,
  litellm_params: { model: 'openai/gpt-5', api_key: 'os.environ/KEY', ...params },
  ...more,
});

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
      key: [{ variable: 'OPENAI_API_KEY' }],
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
      key: [{ value: 'sk-ant-literal' }],
    });
    expect(providers.get('ollama')?.key).toBeUndefined();
    expect(providers.get('openai-2')?.key).toEqual([{ variable: 'SECOND_KEY' }]);
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
    expect(left).toEqual([
      expect.stringMatching(/^model_list\[1\]\.litellm_params\.rpm: limits/),
      'model_list[4].litellm_params.api_key: has no counterpart',
      'model_list[7]: models of replicate are not served here',
      'router_settings.redis_host: has no counterpart',
      expect.stringMatching(/^general_settings\.master_key: .*talos cap issue/),
    ]);
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
    expect(found.left).toHaveLength(5);
  });
});

describe('a key that the file does not name', () => {
  it.each<[object, object | undefined]>([
    [{}, [{ variable: 'OPENAI_API_KEY' }]],
    [{ model: 'anthropic/claude' }, [{ variable: 'ANTHROPIC_API_KEY' }]],
    [{ api_base: 'https://models.example.com/v1' }, undefined],
    [{ model: 'anthropic/claude', api_base: 'https://models.example.com' }, undefined],
    [
      { model: 'anthropic/claude', api_base: 'https://api.anthropic.com/' },
      [{ variable: 'ANTHROPIC_API_KEY' }],
    ],
  ])('is looked for where LiteLLM does, at the own address of the host alone: %j', (params, key) => {
    const { providers } = translated([deployment('m', { api_key: null, ...params })]);
    expect([...providers.values()].map((one) => one.key)).toEqual([key]);
  });
});

describe('prices', () => {
  const COST = { input_cost_per_token: 2.5e-6, output_cost_per_token: 1e-5 };
  const rates = { currency: 'USD', input: 2_500_000, output: 10_000_000 };
  const modelOf = (found: ReturnType<typeof translated>) =>
    found.providers.get('openai')?.provider.models?.['gpt-5'];

  it('are taken over from model_info too', () => {
    const found = translated([deployment('m', {}, { model_info: COST })]);
    expect([modelOf(found), found.left]).toEqual([{ rates }, []]);
  });

  it('are those of the parameters where both state them, and the other ones are told', () => {
    const other = { input_cost_per_token: 1, output_cost_per_token: 1 };
    const found = translated([deployment('m', COST, { model_info: other })]);
    expect(modelOf(found)).toEqual({ rates });
    expect(found.left).toEqual([
      'model_list[0].model_info.input_cost_per_token: litellm_params states another price',
      'model_list[0].model_info.output_cost_per_token: litellm_params states another price',
    ]);
  });

  it.each([
    [{ input_cost_per_token: 1e-6 }],
    [{ input_cost_per_token: '1e-6', output_cost_per_token: 1 }],
    [{ input_cost_per_token: -1, output_cost_per_token: 1 }],
    [{ input_cost_per_token: 1e300, output_cost_per_token: 1 }],
    [{ input_cost_per_token: Number.NaN, output_cost_per_token: 1 }],
  ])('that are none are left out: %j', (cost) => {
    const found = translated([deployment('m', cost)]);
    expect(modelOf(found)).toEqual({});
    expect(found.left).toHaveLength(Object.keys(cost).length);
  });

  it('stay if another deployment of the same model states none, or another one', () => {
    const found = translated([
      deployment('a', COST),
      deployment('b', {}),
      deployment('c', { ...COST, input_cost_per_token: 1e-6 }),
    ]);
    expect(modelOf(found)).toEqual({ rates });
    expect(found.left).toHaveLength(2);
    expect(found.left[0]).toContain('model_list[2].litellm_params.input_cost_per_token: another deployment');
  });
});

describe('fallbacks', () => {
  const all = [deployment('a', {}), deployment('b', { model: 'openai/gpt-4.1' })];

  it.each(['router_settings', 'litellm_settings'])('of %s are asked after the model', (section) => {
    const found = translated(all, { [section]: { fallbacks: [{ a: ['b'] }] } });
    expect(found.aliases.get('a')).toEqual({
      models: [{ model: 'openai/gpt-5' }, { model: 'openai/gpt-4.1' }],
    });
    expect(found.left).toEqual([]);
  });

  it('of other kinds, and to what is not there, are left out by name', () => {
    const litellm_settings = {
      fallbacks: [{ a: ['b', 'nobody', { model: 'x' }] }, { nobody: ['a'] }],
      default_fallbacks: ['a'],
      context_window_fallbacks: [{ a: ['b'] }],
    };
    const found = translated(all, { litellm_settings });
    expect(found.aliases.get('a')?.models).toHaveLength(2);
    expect(found.left).toEqual([
      'litellm_settings.fallbacks[0].a[1]: names no model that is taken over',
      'litellm_settings.fallbacks[0].a[2]: names no model that is taken over',
      'litellm_settings.fallbacks[1].nobody: no model of this name is taken over',
      expect.stringContaining('litellm_settings.default_fallbacks: name them for each model'),
      expect.stringContaining('litellm_settings.context_window_fallbacks[0].a: the next model is asked only'),
    ]);
  });

  it('come after all deployments of a name, also where the quickest or the heaviest was asked', () => {
    const twice = [deployment('a', { weight: 3 }), deployment('a', { model: 'openai/o3' }), all[1] ?? {}];
    for (const routing_strategy of ['simple-shuffle', 'latency-based-routing']) {
      const found = translated(twice, { router_settings: { routing_strategy, fallbacks: [{ a: ['b'] }] } });
      expect(found.aliases.get('a')).toEqual({
        models: [{ model: 'openai/gpt-5' }, { model: 'openai/o3' }, { model: 'openai/gpt-4.1' }],
      });
      expect(found.left).toEqual([
        expect.stringContaining('model_list[0].litellm_params.weight: '),
        expect.stringContaining('the model_name a: has fallbacks'),
      ]);
    }
  });
});

describe('Bedrock', () => {
  const ACCESS = { aws_access_key_id: 'os.environ/A', aws_secret_access_key: 'os.environ/B' };
  const bedrock = (params: object) =>
    translated([
      {
        model_name: 'm',
        litellm_params: { model: 'bedrock/anthropic.claude-3-v1:0', aws_region_name: 'eu-west-1', ...params },
      },
    ]);

  it('is a provider of its region, with an access key', () => {
    const found = bedrock(ACCESS);
    expect(found.providers.get('bedrock')).toEqual({
      provider: {
        api: 'anthropic',
        host: 'aws',
        baseUrl: 'https://bedrock-runtime.eu-west-1.amazonaws.com',
        models: { 'anthropic.claude-3-v1:0': {} },
      },
      key: [{ variable: 'A' }, { variable: 'B' }],
    });
    expect([found.left, [...found.aliases.keys()]]).toEqual([[], ['m']]);
  });

  it.each<[object, object]>([
    [{ api_key: 'os.environ/K' }, { key: [{ variable: 'K' }] }],
    [
      { ...ACCESS, aws_session_token: 'os.environ/C' },
      { key: [{ variable: 'A' }, { variable: 'B' }, { variable: 'C' }] },
    ],
    [
      { ...ACCESS, model: 'bedrock/converse/us.anthropic.claude' },
      { provider: { models: { 'us.anthropic.claude': {} } } },
    ],
    [
      { ...ACCESS, model: 'bedrock/openai.gpt-oss-120b-1:0' },
      { provider: { api: 'openai', baseUrl: 'https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1' } },
    ],
    [
      { ...ACCESS, aws_bedrock_runtime_endpoint: 'https://vpc.example.com/' },
      { provider: { baseUrl: 'https://vpc.example.com', region: 'eu-west-1' } },
    ],
  ])('is one with %j', (params, wanted) => {
    const found = bedrock(params);
    expect(found.providers.get('bedrock')).toMatchObject(wanted);
    expect(found.left).toEqual([]);
  });

  it.each<[object, string]>([
    [{}, 'has no aws_access_key_id and aws_secret_access_key'],
    [{ ...ACCESS, aws_region_name: null }, 'has no aws_region_name'],
    [{ ...ACCESS, aws_region_name: 'os.environ/R' }, 'its aws_region_name is no region'],
    [{ ...ACCESS, aws_role_name: 'r' }, 'its key comes by aws_role_name'],
    [{ ...ACCESS, aws_session_token: 'os.environ/' }, 'its key names no variable'],
    [{ ...ACCESS, model: 'bedrock/meta.llama3' }, 'of Bedrock only models of Anthropic'],
    [
      { ...ACCESS, aws_bedrock_runtime_endpoint: 'http://vpc.example.com' },
      'its aws_bedrock_runtime_endpoint is http',
    ],
  ])('is left out with %j, and it is said why', (params, why) => {
    const found = bedrock(params);
    expect([found.providers.size, found.left]).toEqual([0, [expect.stringContaining(why)]]);
  });
});

describe('an address', () => {
  it.each([
    ['http://ollama.internal:11434', 'http to another machine'],
    ['https://user:canary@models.example.com/v1', 'has a user, a password'],
    ['https://models.example.com/v1?key=canary', 'a query'],
    ['os.environ/BASE', 'in a variable'],
    ['canary', 'no http or https address'],
  ])('to which nothing may go is left out: %s', (api_base, why) => {
    const found = translated([deployment('m', { api_base })]);
    expect([found.providers.size, found.left]).toEqual([0, [expect.stringContaining(why)]]);
    expect(found.left.join()).not.toContain('canary');
  });

  // As LiteLLM has them: to some it puts where the protocol begins.
  it.each([
    ['ollama/llama3.2', 'http://localhost:11434', 'http://localhost:11434/v1'],
    ['ollama_chat/llama3.2', 'http://127.0.0.1:11434/', 'http://127.0.0.1:11434/v1'],
    ['ollama/llama3.2', 'https://models.example.com/api/generate', 'https://models.example.com/v1'],
    ['ollama_chat/llama3.2', 'https://models.example.com/api/chat', 'https://models.example.com/v1'],
    ['ollama/llama3.2', 'https://models.example.com/v1', 'https://models.example.com/v1'],
    ['anthropic/claude', 'https://models.example.com/of', 'https://models.example.com/of/v1'],
    ['anthropic/claude', 'https://models.example.com/v1/', 'https://models.example.com/v1'],
    ['anthropic/claude', 'https://models.example.com/v1/messages', 'https://models.example.com/v1'],
    ['mistral/large', 'https://models.example.com', 'https://models.example.com/v1'],
    ['openai/gpt-4o', 'https://models.example.com/of/', 'https://models.example.com/of'],
  ])('of %s is the one at which its protocol is spoken: %s', (model, api_base, baseUrl) => {
    const { providers } = translated([deployment('m', { model, api_base })]);
    expect([...providers.values()].map(({ provider }) => provider.baseUrl)).toEqual([baseUrl]);
  });
});

describe('every member of a file', () => {
  const file = () => ({
    model_list: [
      deployment('a', { api_key: 'sk-canary', weight: 2 }, { model_info: { team_id: 'canary' } }),
      deployment('a', { model: 'anthropic/claude', api_key: 'sk-canary' }),
      deployment('b', { model: 'openai/gpt-4.1', api_version: '1' }),
    ],
    litellm_settings: { fallbacks: [{ b: ['a'] }], max_budget: 5, cache_params: { password: 'canary' } },
    router_settings: { routing_strategy: 'simple-shuffle', redis: [{ password: 'canary' }] },
    general_settings: { master_key: 'sk-canary', database_url: 'postgresql://u:canary@h/db' },
    environment_variables: { OPENAI_API_KEY: 'sk-canary' },
  });

  /** Objects of the file, by their path. */
  function holders(value: unknown, path: string): [string, Record<string, unknown>][] {
    if (Array.isArray(value)) return value.flatMap((one, index) => holders(one, `${path}[${index}]`));
    if (typeof value !== 'object' || value === null) return [];
    const inner = Object.entries(value).flatMap(([name, one]) =>
      holders(one, path === '' ? name : `${path}.${name}`),
    );
    return [[path, value as Record<string, unknown>], ...inner];
  }
  const COUNT = holders(file(), '').length;
  const name = fc.stringMatching(/^[a-z_.]{1,12}$/).map((text) => `zz_${text}`);
  const value = fc.constantFrom<unknown>('canary', 1, null, [], {}, ['canary'], [['canary']]);

  it('that is taken over by nobody is named, wherever it stands, and no value is', () => {
    fc.assert(
      fc.property(fc.nat(COUNT - 1), name, value, (index, member, what) => {
        const document = file();
        const [path, holder] = holders(document, '')[index] ?? ['', {}];
        holder[member] = what;
        const { left } = translateLiteLlm(stringify(document));
        const place = path === '' ? member : `${path}.${member}`;
        expect(left.some((one) => one.startsWith(`${place}: `) || one.startsWith(`${place}[`))).toBe(true);
        expect(left.join('\n')).not.toContain('canary');
      }),
    );
  });

  it('is named by itself, with what is there instead', () => {
    const { left } = translateLiteLlm(stringify(file()));
    expect(left).toEqual([
      expect.stringContaining('model_list[0].model_info.team_id: who may use it'),
      'model_list[2].litellm_params.api_version: has no counterpart',
      expect.stringContaining('litellm_settings.max_budget: budgets'),
      'litellm_settings.cache_params.password: say cacheSeconds of a provider in talos.yaml',
      'router_settings.redis[0].password: has no counterpart',
      expect.stringContaining('general_settings.master_key: '),
      'general_settings.database_url: has no counterpart',
      'environment_variables.OPENAI_API_KEY: has no counterpart',
    ]);
  });

  it('is named though it is called like the path of one that is taken over', () => {
    const { left } = translated([deployment('a', {})], { 'model_list[0].litellm_params.model': 1 });
    expect(left).toEqual(['model_list[0].litellm_params.model: has no counterpart']);
  });
});
