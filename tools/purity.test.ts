import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const PURE = 'packages/protocol/src';
const IMPURE = ['Date', 'fetch', 'process', 'Buffer', 'globalThis', 'crypto', 'setTimeout', 'console'];

let house: string;
beforeAll(() => {
  house = realpathSync(mkdtempSync(join(tmpdir(), 'talos-purity-')));
  const { vcs: _, ...config } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
  writeFileSync(join(house, 'biome.json'), JSON.stringify(config));
});
afterAll(() => rmSync(house, { recursive: true, force: true }));

/** What the lint finds in files planted in an empty house, as `file: message`. */
function lint(files: Readonly<Record<string, string>>): string[] {
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(house, path)), { recursive: true });
    writeFileSync(join(house, path), source);
  }
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'lint', '--reporter=json', '--max-diagnostics=none', '.'];
  const { stdout } = spawnSync(process.execPath, args, { cwd: house, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { category: string; message: string; location: { path: string } }[];
  };
  return diagnostics
    .filter(({ category }) => category === 'lint/style/noRestrictedGlobals')
    .map(({ message, location }) => `${location.path}: ${message}`);
}

describe('protocol', () => {
  it('may use no global that reads the world; its node/ entry may', () => {
    const planted = (folder: string) =>
      IMPURE.map((name) => [`${folder}/uses-${name.toLowerCase()}.ts`, `export const x = ${name};\n`]);
    const pure = Object.fromEntries(planted(PURE));
    const found = lint({ ...pure, ...Object.fromEntries(planted(`${PURE}/node`)) });
    const expected = IMPURE.map(
      (name) => `${PURE}/uses-${name.toLowerCase()}.ts: Do not use the global variable ${name}.`,
    );
    expect(found.sort()).toEqual(expected.sort());
  });

  it('and contracts draw no randomness of their own, which no lint can tell from other arithmetic', () => {
    const sources = ['packages/contracts/src', PURE].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
        .map((name) => join(root, folder, name)),
    );
    expect(sources.length).toBeGreaterThan(80);
    expect(sources.filter((path) => /Math\s*\.\s*random/.test(readFileSync(path, 'utf8')))).toEqual([]);
  });
});

describe('the server', () => {
  it('joins no signals for a call, of which Node keeps each until the last of them is gone', () => {
    const folder = join(root, 'packages/server/src');
    const joining = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .filter((name) => /AbortSignal\.any\(/.test(readFileSync(join(folder, name), 'utf8')));
    expect(joining).toEqual([]);
  });
});
