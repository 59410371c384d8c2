import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Io } from '../../packages/cli/src/io.js';
import { run } from '../../packages/cli/src/run.js';
import { writeServerRecord } from '../../packages/cli/src/server-record.js';
import { parseTalosYaml } from '../../packages/cli/src/talos-yaml.js';
import {
  type FakeProvider,
  openFakeProvider,
  sendJson,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { openTerminal } from '../support/terminal.js';
import { openWorld, type World } from '../support/world.js';

const KEY = 'sk-canary-of-litellm';
let world: World;
let first: FakeProvider;
let second: FakeProvider;
let config: string;

beforeAll(async () => {
  world = await openWorld();
  [first, second] = [await openFakeProvider(), await openFakeProvider()];
  await writeServerRecord(world.ready.data, { pid: process.pid, ...world.ready });
  config = join(world.files.root, 'config.yaml');
  const deployment = (name: string, { url }: FakeProvider, key: string) => `
  - model_name: ${name}
    litellm_params:
      model: openai/small
      api_base: ${url}/v1
      api_key: ${key}
      input_cost_per_token: 0.000001
      output_cost_per_token: 0.00001`;
  await writeFile(
    config,
    `model_list:${deployment('main', first, KEY)}${deployment('spare', second, 'os.environ/SPARE_KEY')}
router_settings: { fallbacks: [{ main: [spare] }] }
general_settings: { master_key: sk-canary-master }
`,
  );
});
afterAll(async () => {
  await world?.close();
  await Promise.all([first?.close(), second?.close()]);
});

async function talos(argv: readonly string[], env: Record<string, string> = {}, own: Partial<Io> = {}) {
  const all = { TALOS_DATA: world.ready.data, ...env };
  const terminal = openTerminal({ env: all, cwd: world.files.root, ...own });
  const code = await run(argv, terminal.io);
  return { code, out: terminal.out(), text: terminal.out() + terminal.err() };
}

const parse = (text: string) => parseTalosYaml(text, 'talos.yaml').policy;

/** A file of one deployment of its own. */
async function fileOf(name: string, params: object, rest: object = {}): Promise<string> {
  const path = join(world.files.root, `${name}.yaml`);
  const litellm_params = { model: 'openai/small', api_key: 'sk-canary-other', ...params };
  // JSON is YAML.
  await writeFile(path, JSON.stringify({ model_list: [{ model_name: name, litellm_params }], ...rest }));
  return path;
}

/** All that an import may change, but the values of secrets. */
async function state() {
  const { out } = await talos(['secrets', 'list', '--json']);
  return { secrets: JSON.parse(out).secrets, config: await readFile(world.ready.config, 'utf8') };
}

async function ask(model: string, max_tokens = 10, file = join(world.files.root, 'key.txt')): Promise<void> {
  const key = (await readFile(file, 'utf8')).trim();
  const client = new OpenAI({ apiKey: key, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
  await client.chat.completions.create({ model, max_tokens, messages: [{ role: 'user', content: 'hi' }] });
}

/** Calls still go with the key that they went with. */
async function assertOldKey(): Promise<void> {
  const { length } = first.asked;
  await ask('openai/small');
  expect(first.asked).toHaveLength(length + 1);
  expect(first.asked.at(-1)?.headers.authorization).toBe(`Bearer ${KEY}`);
}

/** A network in which these requests are answered with a failure. */
const failing =
  (...failed: readonly string[]): Io['fetch'] =>
  async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const method = input instanceof Request ? input.method : (init?.method ?? 'GET');
    if (!failed.some((one) => `${method} ${url.pathname}`.startsWith(one))) return fetch(input, init);
    return new Response('{}', { status: 503 });
  };

describe('talos import litellm', () => {
  it('says what a file comes to and what is missing, and changes nothing', async () => {
    const before = await readFile(world.ready.config, 'utf8');
    const { code, out, text } = await talos(['import', 'litellm', config, '--dry-run', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      in_force: false,
      providers: { openai: { key: 'openai-key' }, 'openai-2': { key: 'openai-2-key' } },
      aliases: { main: { models: [{ model: 'openai/small' }, { model: 'openai-2/small' }] } },
      missing_keys: [{ secret: 'openai-2-key', variable: 'SPARE_KEY' }],
      left_out: [expect.stringContaining('general_settings')],
    });
    expect(text).not.toContain('canary');
    expect(await readFile(world.ready.config, 'utf8')).toBe(before);
  });

  it('puts it in force: a client asks by the old names, and fallbacks go on', async () => {
    const env = { SPARE_KEY: 'sk-canary-spare' };
    const { code, text } = await talos(['import', 'litellm', config], env);
    expect([code, text.includes('canary')]).toEqual([0, false]);
    const next = /give a key for it: talos (.*)/.exec(text)?.[1] ?? '';
    expect(await readFile(world.ready.config, 'utf8')).not.toContain('canary');
    const issued = await talos([...next.trim().split(' '), '--json']);
    expect([issued.code, issued.text]).toEqual([0, expect.any(String)]);
    await ask('main');
    expect(first.asked.at(-1)?.headers.authorization).toBe(`Bearer ${KEY}`);
    const { answer } = first;
    first.answer = (response) => sendJson(response, 503, {});
    await ask('main');
    expect(second.asked.at(-1)?.headers.authorization).toBe('Bearer sk-canary-spare');
    first.answer = answer;
  });

  it('leaves what is there as it is where it comes to the same', async () => {
    const before = await state();
    const { code, out } = await talos(['import', 'litellm', config, '--json'], {
      SPARE_KEY: 'sk-canary-new',
    });
    expect([code, JSON.parse(out)]).toEqual([
      0,
      expect.objectContaining({
        unchanged: { providers: ['openai', 'openai-2'], aliases: ['main', 'spare'] },
        kept_keys: ['openai-key', 'openai-2-key'],
        renamed: [],
      }),
    ]);
    expect(await state()).toEqual(before);
    const shown = await talos(['import', 'litellm', config]);
    expect(shown.text).toContain('openai stays with its key openai-key, whatever the file has');
    await assertOldKey();
  });

  it('replaces no provider, no alias and no secret: what it brings has names of its own', async () => {
    await talos(['secrets', 'set', 'openai-3-key', '--file', '-'], {}, { readStdin: async () => 'other' });
    const before = await state();
    const file = await fileOf('main', { model: 'openai/large', api_base: `${second.url}/v1` });
    const dry = await talos(['import', 'litellm', file, '--dry-run', '--json']);
    expect(await state()).toEqual(before);
    const { code, text } = await talos(['import', 'litellm', file]);
    expect([code, text]).toEqual([
      0,
      expect.stringContaining('openai is taken by another provider, which stays: this one is openai-3'),
    ]);
    expect(text).toContain('the model_name main: an alias of that name is there and stays');
    expect(JSON.parse(dry.out)).toMatchObject({
      providers: { 'openai-3': { key: 'openai-3-key-2', models: { large: {} } } },
      aliases: {},
      renamed: [{ wanted: 'openai', name: 'openai-3' }],
      left_out: [expect.stringContaining('the model_name main')],
    });
    const after = await state();
    const added = after.secrets.filter(({ name }: { name: string }) => name === 'openai-3-key-2');
    expect(added).toHaveLength(1);
    expect(after.secrets).toEqual(expect.arrayContaining(before.secrets));
    const { providers, aliases } = parse(after.config);
    expect(providers).toMatchObject(parse(before.config).providers ?? {});
    expect([Object.keys(providers ?? {}).length, aliases]).toEqual([3, parse(before.config).aliases]);
    await assertOldKey();
  });

  it('lets its aliases name the provider as it is called in the end', async () => {
    const file = await fileOf('new', { model: 'openai/huge', api_base: `${second.url}/v1` });
    expect((await talos(['import', 'litellm', file])).code).toBe(0);
    expect(parse((await state()).config).aliases?.['new']).toEqual({ models: [{ model: 'openai-4/huge' }] });
  });

  it('changes nothing where the platform would refuse it, and a dry run says so', async () => {
    const before = await state();
    const file = await fileOf('bad', { api_base: 'https://169.254.169.254/v1' });
    for (const more of [[], ['--dry-run']]) {
      const { code, text } = await talos(['import', 'litellm', file, ...more]);
      expect([code, text]).toEqual([1, expect.stringContaining('baseUrl leads to an address that nothing')]);
      expect(text).not.toContain('canary');
    }
    const alone = await talos(['import', 'litellm', file, '--dry-run'], { TALOS_DATA: '/nowhere' });
    expect([alone.code, alone.text]).toEqual([1, expect.stringContaining('a platform would refuse it')]);
    expect(await state()).toEqual(before);
    await assertOldKey();
  });

  it('removes its secrets again where it could not be put in force, and says which ones it could not', async () => {
    const before = await state();
    const file = await fileOf('late', { model: 'openai/late' });
    const reload = 'POST /talos/v1/policy/reload';
    const refused = await talos(['import', 'litellm', file], {}, { fetch: failing(reload) });
    expect(refused.code).not.toBe(0);
    expect(await state()).toEqual(before);
    await assertOldKey();
    const net = { fetch: failing(reload, 'DELETE /talos/v1/secrets/') };
    const stuck = await talos(['import', 'litellm', file], {}, net);
    expect(stuck.code).not.toBe(0);
    const [, name = ''] = /could not be removed again: talos secrets remove (\S+)/.exec(stuck.text) ?? [];
    expect(name).toMatch(/^openai-5-key$/);
    expect((await talos(['secrets', 'remove', name])).code).toBe(0);
    expect(await state()).toEqual(before);
    const kept = { fetch: failing('PUT /talos/v1/secrets/') };
    expect((await talos(['import', 'litellm', file], {}, kept)).code).not.toBe(0);
    expect(await state()).toEqual(before);
  });

  it('takes no plain name of a model from whom clients mean by it, and says so', async () => {
    const add = ['llm', 'add', 'mine', '--base-url', `${first.url}/v1`, '--no-key', '--model', 'gpt-4o'];
    expect((await talos([...add, '--price', '1.00/10.00USD'])).code).toBe(0);
    const issue = ['cap', 'issue', '--bearer', '--grant', 'llm:mine:write'];
    const own = join(world.files.root, 'mine.txt');
    expect((await talos([...issue, '--out', own])).code).toBe(0);
    for (const [model, reason] of [
      ['other-model', 'the model_name gpt-4o: clients mean the model of mine by it, which stays'],
      ['gpt-4o', 'clients mean that of mine by its name, which would mean two'],
    ] as const) {
      const file = await fileOf('gpt-4o', { model: `openai/${model}`, api_base: `${second.url}/v1` });
      for (const more of [['--dry-run'], []]) {
        const { code, text } = await talos(['import', 'litellm', file, ...more]);
        expect([code, text]).toEqual([0, expect.stringContaining(reason)]);
      }
      const [{ length }, others] = [first.asked, second.asked.length];
      await ask('gpt-4o', 10, own);
      expect([first.asked.length, second.asked.length]).toEqual([length + 1, others]);
    }
  });

  it('says without a platform what a file comes to', async () => {
    const { code, text } = await talos(['import', 'litellm', config, '--dry-run'], {
      TALOS_DATA: '/nowhere',
    });
    expect([code, text]).toEqual([0, expect.stringContaining('No platform runs here')]);
    expect(text).not.toContain('canary');
  });

  it('leaves everything as it is where the file is none', async () => {
    const before = await readFile(world.ready.config, 'utf8');
    await writeFile(config, 'servers: {}');
    expect((await talos(['import', 'litellm', config])).code).toBe(1);
    expect((await talos(['import', 'litellm', 'nowhere.yaml'])).code).toBe(1);
    expect(await readFile(world.ready.config, 'utf8')).toBe(before);
  });
});
