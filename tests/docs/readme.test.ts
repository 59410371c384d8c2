import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTrustError } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../packages/server/src/platform/settings.js';
import { castOf, openWorld, type World } from '../support/world.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** Keys, paths, times and counts differ from run to run; the words do not. */
function normalize(line: string): string {
  return line
    .replace(/^\s*(\d+\.)?\s*/, '')
    .replace(/\/[^\s:,]*\/demo\//g, '<data>/demo/')
    .replace(/\(link \S+\)/g, '(link)')
    .replace(/did:key:\w+/g, 'did:key')
    .replace(/ {2}ok$/, '');
}

/** As a start that is refused lists them; two are of our own tests. */
function knownVariables(): string[] {
  try {
    readSettings({ HOME: '/home/a', TALOS_TYPO: '1' }, { platform: 'linux', uid: 1000 });
  } catch (error) {
    const { hint = '' } = isTrustError(error) ? error.data : {};
    const names = hint.match(/TALOS_[A-Z0-9_]+/g) ?? [];
    return names.filter((name) => name !== 'TALOS_CI' && name !== 'TALOS_TEST_REDIS_URL');
  }
  return [];
}

describe('README', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'talos-readme-'));
    // Started by root, the database runs as another user, who must get through to its folder.
    chmodSync(folder, 0o711);
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('shows what the demo really prints', { timeout: 120_000 }, () => {
    const main = join(root, 'packages/cli/bundle/main.js');
    const env = { PATH: process.env['PATH'], HOME: folder, TALOS_DATA: join(folder, 'data') };
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'demo', '--json'], {
      env,
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const report = JSON.parse(stdout) as {
      ok: boolean;
      steps: { title: string; lines: string[] }[];
      bundle: string;
      trust: string;
    };
    expect(report).toMatchObject({ ok: true, decisions: { allowed: 6 } });
    expect(existsSync(report.bundle) && existsSync(report.trust)).toBe(true);
    const printed = new Set(report.steps.flatMap(({ title, lines }) => [title, ...lines]).map(normalize));
    const shown = /<!-- demo-output -->\n```text\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const lines = shown.trimEnd().split('\n').map(normalize);
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.filter((line) => !printed.has(line))).toEqual([]);
    expect(report.steps.filter(({ title }) => title.startsWith('Must be refused'))).toHaveLength(14);
  });

  it('names only files that are there', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('lists the variables that the settings know', () => {
    const [, list = ''] = / and a few variables: ([\s\S]*?)\n\n/.exec(readme) ?? [];
    const named = [...list.matchAll(/`(TALOS_[A-Z0-9_]+)`/g)].map(([, name]) => name);
    expect(named.toSorted()).toEqual(knownVariables().toSorted());
  });

  describe('with a platform', () => {
    let world: World;
    beforeAll(async () => {
      world = await openWorld();
    });
    afterAll(() => world.close());

    it('has a snippet of an agent, which prints why it was refused', async () => {
      const { worker, narrow } = await castOf(world, world.files);
      const story = {
        seed: Buffer.from(worker.exportSeed()).toString('hex'),
        capability: narrow(),
        gateway: world.ready.gateway,
      };
      const snippet = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
      const before = `import { identityFromSeed } from '@talosprotocol/sdk';
const { seed, capability, gateway } = JSON.parse(process.env.STORY);
const identity = identityFromSeed(Buffer.from(seed, 'hex'));
`;
      const path = join(folder, 'agent.mjs');
      writeFileSync(path, `${before}${snippet}\nawait client.close();\n`);
      const child = spawn(process.execPath, [path], {
        env: { PATH: process.env['PATH'], STORY: JSON.stringify(story) },
      });
      let text = '';
      child.stderr.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await new Promise((resolve) => child.once('close', resolve));
      expect(text).toMatch(/^SCOPE_MISMATCH Ask did:key:/);
    });

    it('leads to evidence in five commands', { timeout: 120_000 }, async () => {
      const commands = /```sh evidence\n([\s\S]*?)```/.exec(readme)?.[1]?.trimEnd().split('\n') ?? [];
      expect(commands).toHaveLength(5);
      // As `talos up` leaves it.
      const record = JSON.stringify({ pid: process.pid, ...world.ready });
      writeFileSync(join(world.ready.data, 'platform.json'), record, { mode: 0o600 });
      const outputs: string[] = [];
      for (const command of commands) {
        expect(command).toMatch(/^talos audit /);
        const { code, out } = await runCommand(command);
        expect([command, code, out]).toEqual([command, 0, expect.any(String)]);
        outputs.push(out);
      }
      const [tail, , verified, , fsck] = outputs;
      expect(tail).toMatch(/ decision deny SCOPE_MISMATCH tools\/call /);
      expect(verified).toMatch(/^PROVEN/m);
      expect(fsck).toMatch(/^Nothing is wrong/m);
      expect(readFileSync(join(folder, 'verify.html'), 'utf8')).toMatch(/^<!doctype html>/i);
    });

    /** As in a terminal in which `talos` is a command. */
    async function runCommand(command: string): Promise<{ code: number | null; out: string }> {
      const talos = `talos() { '${process.execPath}' '${join(root, 'packages/cli/bundle/main.js')}' "$@"; }`;
      const env = { PATH: process.env['PATH'], HOME: folder, TALOS_DATA: world.ready.data };
      const child = spawn('bash', ['-euo', 'pipefail', '-c', `${talos}\n${command}`], { cwd: folder, env });
      let out = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => {
          out += chunk.toString();
        });
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { code, out };
    }
  });
});
