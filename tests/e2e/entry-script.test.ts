import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../talos', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'talos-entry-'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'packages/one'), { recursive: true });
  copyFileSync(script, join(folder, 'talos'));
  for (const name of [
    'package-lock.json',
    'package.json',
    'packages/package.json',
    'packages/one/package.json',
  ])
    writeFileSync(join(folder, name), '{}');
  program('npm', 'echo no network here; exit 1');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, text: string): void {
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

const run = (version: string) => {
  program('node', `[ "$1" = --version ] && echo ${version}`);
  return spawnSync('sh', [join(folder, 'talos'), 'up'], {
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, TMPDIR: folder },
    encoding: 'utf8',
  });
};

it.each(['v8.17.0', 'v18.20.4', 'v20.9.0', 'v20.18.3'])('says that Node %s is too old', (version) => {
  const { status, stderr, stdout } = run(version);
  expect([status, stdout]).toEqual([4, '']);
  expect(stderr).toContain(`talos: Node ${version} is too old. Install Node >= 20.19`);
});

it.each(['v20.19.0', 'v20.20.2', 'v22.0.0', 'v24.1.0-nightly'])(
  'goes on with Node %s, and says what an install said',
  (version) => {
    const { status, stderr } = run(version);
    expect(status).toBe(4);
    expect(stderr).not.toContain('too old');
    expect(stderr).toContain('no network here');
    expect(stderr).toContain("talos: 'npm ci' failed.");
  },
);
