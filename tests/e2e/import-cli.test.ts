import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { writeServerRecord } from '../../packages/cli/src/server-record.js';
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

async function talos(argv: readonly string[], env: Record<string, string> = {}) {
  const terminal = openTerminal({ env: { TALOS_DATA: world.ready.data, ...env }, cwd: world.files.root });
  const code = await run(argv, terminal.io);
  return { code, out: terminal.out(), text: terminal.out() + terminal.err() };
}

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
    const key = (await readFile(join(world.files.root, 'key.txt'), 'utf8')).trim();
    const client = new OpenAI({ apiKey: key, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
    const ask = () =>
      client.chat.completions.create({
        model: 'main',
        max_tokens: 10,
        messages: [{ role: 'user', content: 'hi' }],
      });
    await ask();
    expect(first.asked.at(-1)?.headers.authorization).toBe(`Bearer ${KEY}`);
    first.answer = (response) => sendJson(response, 503, {});
    await ask();
    expect(second.asked.at(-1)?.headers.authorization).toBe('Bearer sk-canary-spare');
  });

  it('leaves everything as it is where the file is none', async () => {
    const before = await readFile(world.ready.config, 'utf8');
    await writeFile(config, 'servers: {}');
    expect((await talos(['import', 'litellm', config])).code).toBe(1);
    expect((await talos(['import', 'litellm', 'nowhere.yaml'])).code).toBe(1);
    expect(await readFile(world.ready.config, 'utf8')).toBe(before);
  });
});
