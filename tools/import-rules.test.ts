import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkImports, RULES } from './import-rules.js';

const THIRD_PARTY = [
  'typebox',
  '@noble/hashes',
  'pg',
  'hono',
  'ioredis',
  '@modelcontextprotocol/client',
  'commander',
  'left-pad',
];
const PACKAGES = ['contracts', 'protocol', 'sdk', 'server', 'cli'];

/** A house in miniature: every package with one clean file, every third party as an empty package. */
function buildTree(root: string): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const name of THIRD_PARTY) {
    write(
      `node_modules/${name}/package.json`,
      JSON.stringify({ name, version: '1.0.0', exports: './index.js' }),
    );
    write(`node_modules/${name}/index.js`, 'export const x = 1;');
  }
  mkdirSync(join(root, 'node_modules/@talosprotocol'), { recursive: true });
  for (const name of PACKAGES) {
    write(
      `packages/${name}/package.json`,
      JSON.stringify({
        name: `@talosprotocol/${name}`,
        version: '1.0.0',
        type: 'module',
        exports: './dist/index.js',
      }),
    );
    write(`packages/${name}/dist/index.js`, 'export const x = 1;');
    write(`packages/${name}/src/clean.ts`, 'export const x = 1;');
    symlinkSync(join(root, 'packages', name), join(root, 'node_modules/@talosprotocol', name));
  }
  for (const room of ['platform', 'kernel', 'gateway', 'gateway/mcp', 'audit']) {
    write(`packages/server/src/${room}/room.ts`, 'export const x = 1;');
  }
  write(
    'packages/protocol/src/node/entry.ts',
    "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;",
  );
  write('packages/server/src/main.ts', "export const load = () => import('./kernel/room.js');");
  write('packages/contracts/src/case.test.ts', "import 'left-pad';\nexport const x = 1;");
}

/** Every rule, and what breaks it: the file that is planted and what it imports. */
const PLANTED: readonly (readonly [rule: string, file: string, imports: string])[] = [
  ['contracts-imports', 'packages/contracts/src/bad.ts', '@noble/hashes'],
  ['contracts-imports', 'packages/contracts/src/bad.ts', 'node:fs'],
  ['protocol-imports', 'packages/protocol/src/bad.ts', 'typebox'],
  ['protocol-imports', 'packages/protocol/src/bad.ts', 'node:crypto'],
  ['protocol-imports', 'packages/protocol/src/bad.ts', './node/entry.js'],
  ['protocol-imports', 'packages/protocol/src/bad.ts', '@talosprotocol/sdk'],
  ['protocol-node-imports', 'packages/protocol/src/node/bad.ts', 'left-pad'],
  ['sdk-imports', 'packages/sdk/src/bad.ts', '@talosprotocol/server'],
  ['sdk-imports', 'packages/sdk/src/bad.ts', '@modelcontextprotocol/client'],
  ['sdk-imports', 'packages/sdk/src/bad.ts', 'node:fs'],
  ['sdk-keys-imports', 'packages/sdk/src/keys/bad.ts', 'pg'],
  ['verifier-page-imports', 'packages/verifier/src/page/bad.ts', 'node:fs'],
  ['verifier-page-imports', 'packages/verifier/src/page/bad.ts', '@talosprotocol/sdk'],
  ['verifier-imports', 'packages/verifier/src/bad.ts', '@talosprotocol/protocol'],
  ['platform-imports', 'packages/server/src/platform/bad.ts', '../kernel/room.js'],
  ['platform-imports', 'packages/server/src/platform/bad.ts', 'left-pad'],
  ['kernel-imports', 'packages/server/src/kernel/bad.ts', '../gateway/room.js'],
  ['kernel-imports', 'packages/server/src/kernel/bad.ts', 'pg'],
  ['audit-imports', 'packages/server/src/audit/bad.ts', '../kernel/room.js'],
  ['audit-imports', 'packages/server/src/audit/bad.ts', 'pg'],
  ['audit-imports', 'packages/server/src/audit/bad.ts', '@opentelemetry/api'],
  ['audit-imports', 'packages/server/src/audit/bad.ts', 'viem'],
  ['anchor-imports', 'packages/server/src/audit/anchor/bad.ts', 'pg'],
  ['anchor-imports', 'packages/server/src/audit/anchor/bad.ts', '../../kernel/room.js'],
  ['gateway-imports', 'packages/server/src/gateway/bad.ts', '../audit/room.js'],
  ['gateway-imports', 'packages/server/src/gateway/bad.ts', 'ioredis'],
  ['gateway-imports', 'packages/server/src/gateway/bad.ts', '@modelcontextprotocol/client'],
  ['gateway-imports', 'packages/server/src/gateway/mcp/bad.ts', '../../kernel/room.js'],
  ['gateway-imports', 'packages/server/src/gateway/mcp/bad.ts', 'undici'],
  ['llm-imports', 'packages/server/src/gateway/llm/bad.ts', '../../kernel/room.js'],
  ['llm-imports', 'packages/server/src/gateway/llm/bad.ts', 'left-pad'],
  ['guard-imports', 'packages/server/src/gateway/guard/bad.ts', '../../kernel/room.js'],
  ['guard-imports', 'packages/server/src/gateway/guard/bad.ts', 'left-pad'],
  ['gateway-imports', 'packages/server/src/gateway/mcp/bad.ts', 're2js'],
  ['gateway-imports', 'packages/server/src/gateway/mcp/bad.ts', '@modelcontextprotocol/client'],
  ['config-imports', 'packages/server/src/config/bad.ts', '../gateway/room.js'],
  ['config-imports', 'packages/server/src/config/secrets/bad.ts', 'pg'],
  ['witness-imports', 'packages/server/src/witness/bad.ts', '../audit/room.js'],
  ['witness-imports', 'packages/server/src/witness/bad.ts', 'pg'],
  ['main-imports', 'packages/server/src/main.ts', 'pg'],
  ['main-loads-rooms-dynamically', 'packages/server/src/main.ts', './kernel/room.js'],
  ['cli-imports', 'packages/cli/src/bad.ts', '@talosprotocol/server'],
  ['cli-imports', 'packages/cli/src/bad.ts', 'left-pad'],
  ['no-test-in-source', 'packages/contracts/src/bad.ts', './case.test.js'],
  ['no-circle', 'packages/sdk/src/bad.ts', './bad.js'],
  ['resolvable', 'packages/sdk/src/bad.ts', './nowhere.js'],
];

describe('the import rules', () => {
  let root: string;
  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'talos-imports-')));
    buildTree(root);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('finds nothing in a clean house, and really reads it', async () => {
    expect(await checkImports(root)).toEqual({ modules: 13, violations: [] });
  });

  it.each(PLANTED)('%s catches %s importing %s', async (rule, file, imports) => {
    const path = join(root, file);
    const clean = file.endsWith('main.ts')
      ? "export const load = () => import('./kernel/room.js');"
      : undefined;
    const planted =
      rule === 'no-circle'
        ? "import { a } from './loop.js';\nexport const x = a;"
        : `import * as y from '${imports}';\nexport const x = y;`;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, planted);
    const loop = join(root, 'packages/sdk/src/loop.ts');
    if (rule === 'no-circle') writeFileSync(loop, "import { x } from './bad.js';\nexport const a = () => x;");
    try {
      const { violations } = await checkImports(root);
      expect(violations.map((violation) => violation.rule)).toContain(rule);
    } finally {
      rmSync(loop, { force: true });
      if (clean === undefined) rmSync(path);
      else writeFileSync(path, clean);
    }
  });

  it('has a planted violation for every rule', () => {
    const planted = new Set(PLANTED.map(([rule]) => rule));
    expect(RULES.map(({ name }) => name).filter((name) => name !== undefined && !planted.has(name))).toEqual(
      [],
    );
  });
});
