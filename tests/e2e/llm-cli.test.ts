import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Io } from '../../packages/cli/src/io.js';
import { run } from '../../packages/cli/src/run.js';
import { writeServerRecord } from '../../packages/cli/src/server-record.js';
import {
  type FakeProvider,
  openFakeProvider,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { openTerminal } from '../support/terminal.js';
import { openWorld, type World } from '../support/world.js';

const PROVIDER_KEY = 'sk-canary-of-the-provider';
let world: World;
let provider: FakeProvider;
let before: string;
beforeAll(async () => {
  world = await openWorld();
  provider = await openFakeProvider();
  await writeServerRecord(world.ready.data, { pid: process.pid, ...world.ready });
  before = await readFile(world.ready.config, 'utf8');
});
afterAll(async () => {
  await world?.close();
  await provider?.close();
});
beforeEach(() => writeFile(world.ready.config, before));

/** One command line on the machine of the platform. */
async function talos(argv: readonly string[], own: Partial<Io> = {}) {
  const env = { TALOS_DATA: world.ready.data };
  const terminal = openTerminal({ env, cwd: world.files.root, ...own });
  const code = await run(argv, terminal.io);
  return { code, text: terminal.out() + terminal.err(), out: terminal.out() };
}

const typed: Partial<Io> = { ask: { confirm: async () => true, secret: async () => PROVIDER_KEY } };
const at = () => ['--base-url', `${provider.url}/v1`];
const yaml = () => readFile(world.ready.config, 'utf8');

describe('talos llm alias', () => {
  const models = ['--model', 'a', '--model', 'b', '--price', '1.00/10USD'];

  it('gives several models one name, that a client asks for at once', async () => {
    const added = await talos(['llm', 'add', 'mine', ...at(), ...models, '--json'], typed);
    const { key_file, url } = JSON.parse(added.out);
    const named = await talos(['llm', 'alias', 'smart', 'mine/a', 'mine/b', '--json']);
    expect([named.code, JSON.parse(named.out)]).toMatchObject([
      0,
      { ok: true, alias: 'smart', models: [{ model: 'mine/a' }, { model: 'mine/b' }] },
    ]);
    const apiKey = (await readFile(key_file, 'utf8')).trim();
    const client = new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 });
    const ask = () =>
      client.chat.completions.create({ model: 'smart', messages: [{ role: 'user', content: 'hi' }] });
    expect((await ask()).model).toBe('a');
    const again = await talos(['llm', 'alias', 'smart', 'mine/b=3', 'mine/a=1', '--no-fallback', '--json']);
    expect(JSON.parse(again.out)).toMatchObject({ choose: 'weight', fallback: false });
    expect(['a', 'b']).toContain((await ask()).model);
    const hedged = ['llm', 'alias', 'smart', 'mine/a', 'mine/b', '--hedge-after', '2000', '--json'];
    expect(JSON.parse((await talos(hedged)).out)).toMatchObject({ hedgeAfterMs: 2000 });
    expect((await ask()).model).toBe('a');
  });

  it('changes nothing where the platform would refuse it', async () => {
    await talos(['llm', 'add', 'mine', ...at(), ...models], typed);
    const as = await yaml();
    for (const argv of [
      ['smart', 'nobody/m'],
      ['smart', 'mine/a', 'mine/a'],
      ['smart', 'mine/other'],
      ['smart', 'plain'],
      ['smart', 'mine/a', '--choose', 'luck'],
      ['smart', 'mine/a=0'],
      ['smart', 'mine/a', 'mine/b', '--hedge-after', '1.5'],
      ['smart', 'mine/a', 'mine/b', '--hedge-after', '49'],
      ['smart', 'mine/a', '--hedge-after', '500'],
      ['with/slash', 'mine/a'],
    ])
      expect((await talos(['llm', 'alias', ...argv])).code, argv.join(' ')).not.toBe(0);
    expect(await yaml()).toBe(as);
  });
});

describe('talos llm add', () => {
  it('takes the key without showing it, and gives one that an OpenAI client uses', async () => {
    const priced = ['--model', 'm', '--price', '1.00/10USD', '--cost', '1.00USD', '--per', 'day'];
    const added = await talos(['llm', 'add', 'mine', ...at(), ...priced, '--json'], typed);
    expect([added.code, added.text.includes('canary')]).toEqual([0, false]);
    const { key_file, url, snippets } = JSON.parse(added.out);
    expect((await stat(key_file)).mode & 0o777).toBe(0o600);
    const apiKey = (await readFile(key_file, 'utf8')).trim();
    expect(added.out).not.toContain(apiKey);
    expect(snippets.TypeScript).toContain(`${url}/v1`);
    // As it is pasted, by whoever begins with it.
    const pasted = promisify(execFile)(process.execPath, ['--input-type=module', '-e', snippets.TypeScript]);
    expect(await pasted).toEqual({ stdout: '', stderr: '' });
    const client = new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 });
    const answer = await client.chat.completions.create({
      model: 'mine/m',
      messages: [{ role: 'user', content: 'hi' }],
    });
    expect(answer.choices[0]?.message.content).toBe('hello');
    expect(provider.asked.at(-1)?.headers.authorization).toBe(`Bearer ${PROVIDER_KEY}`);
    const other = client.chat.completions.create({ model: 'mine/other', messages: [] });
    await expect(other).rejects.toMatchObject({ status: 403, code: 'SCOPE_MISMATCH' });
    expect(await yaml()).not.toContain('canary');
  });

  it('keeps comments and what was there, and may be said again', async () => {
    await writeFile(world.ready.config, `# by hand\n${before}`);
    for (const model of ['a', 'b'])
      expect(
        (await talos(['llm', 'add', 'mine', ...at(), '--model', model, '--price', '0/0USD'], typed)).code,
      ).toBe(0);
    const text = await yaml();
    expect(text.startsWith('# by hand')).toBe(true);
    expect(text.match(/llm:mine/g)).toHaveLength(1);
    expect(text).toMatch(/models"?: \{? *"?b/);
  });

  it('says who serves a provider, and what the platform would refuse is not written', async () => {
    const azure = ['--host', 'azure', '--api-version', '2024-10-21', '--no-key'];
    expect((await talos(['llm', 'add', 'azure', ...at(), ...azure])).code).toBe(0);
    expect(await yaml()).toMatch(/"?apiVersion"?: "?2024-10-21/);
    const aws = ['--api', 'anthropic', '--host', 'aws', '--no-key'];
    const nowhere = await talos(['llm', 'add', 'bedrock', ...at(), ...aws]);
    expect([nowhere.code, nowhere.text]).toEqual([1, expect.stringContaining('region')]);
    expect(await yaml()).not.toContain('bedrock');
    expect((await talos(['llm', 'add', 'bedrock', ...at(), ...aws, '--region', 'us-east-1'])).code).toBe(0);
    expect((await talos(['llm', 'add', 'x', ...at(), '--host', 'gcp', '--no-key'])).code).toBe(1);
  });

  // LLM-30
  it('lets clients of the other protocol use a provider where that is wanted', async () => {
    expect((await talos(['llm', 'add', 'own', ...at(), '--no-key'])).code).toBe(0);
    expect(await yaml()).not.toMatch(/translate"?:/);
    expect((await talos(['llm', 'add', 'both', ...at(), '--no-key', '--translate'])).code).toBe(0);
    expect(await yaml()).toMatch(/"?translate"?: true/);
  });

  it('knows providers by name, and asks for no key where none is wanted', async () => {
    expect((await talos(['llm', 'add', 'ollama'])).code).toBe(0);
    expect(await yaml()).toContain('http://127.0.0.1:11434/v1');
    const anthropic = await talos(['llm', 'add', 'anthropic', '--json'], typed);
    expect(JSON.parse(anthropic.out).snippets.TypeScript).toContain('/anthropic');
    expect((await talos(['llm', 'add', 'nowhere'], typed)).text).toContain('--base-url');
    expect((await talos(['llm', 'add', 'openai'])).text).toContain('nobody to ask');
  });

  it('leaves talos.yaml as it was when the platform refuses it', async () => {
    const refused = await talos(['llm', 'add', 'mine', '--base-url', 'http://models.example/v1'], typed);
    expect([refused.code, refused.text.includes('https')]).toEqual([1, true]);
    expect(await yaml()).toBe(before);
  });

  it.each<[string, readonly string[]]>([
    ['a name of none', ['Mine']],
    ['another protocol', ['mine', '--api', 'soap']],
    ['a price without a model', ['mine', '--price', '1/2USD']],
    ['a window without a model', ['mine', '--window', '9']],
    ['a window that is none', ['mine', '--model', 'm', '--window', '0']],
    ['a price that is none', ['mine', '--model', 'm', '--price', '1USD']],
    ['an amount that is none', ['mine', '--cost', 'much']],
    ['a time that is none', ['mine', '--expires', 'soon']],
  ])('refuses %s before anything is kept', async (_, words) => {
    const refused = await talos(['llm', 'add', ...words, ...at()], typed);
    expect(refused.code).toBe(1);
    expect(await yaml()).toBe(before);
  });
});
