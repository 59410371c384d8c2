import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ANCHOR_CODE_HASHES } from '@talosprotocol/protocol';
import { keccak256 } from 'viem';
import { describe, expect, it } from 'vitest';
import { type Compiled, compileAnchorContract } from './testing/compile.js';

const GENERATED = fileURLToPath(new URL('contract.ts', import.meta.url));

function generate({ abi, creation }: Compiled): string {
  const lines = creation.match(/.{1,96}/g) ?? [];
  return [
    '// Made of talos-anchor.sol: TALOS_WRITE_CONTRACT=1 npx vitest run contract.test.ts. Not written by hand.',
    '',
    '/** The interface of the anchor contract. */',
    '// biome-ignore format: generated',
    `export const ANCHOR_ABI = ${JSON.stringify(abi)} as const;`,
    '',
    '/** Code that creates the anchor contract. */',
    '// biome-ignore format: generated',
    'export const ANCHOR_CREATION_CODE = `0x${[',
    ...lines.map((line) => `  '${line}',`),
    "].join('')}` as const;",
    '',
  ].join('\n');
}

describe('the anchor contract (AUD-37)', () => {
  const compiled = compileAnchorContract();

  it('is committed as the compiler makes it', () => {
    if (process.env['TALOS_WRITE_CONTRACT'] === '1') writeFileSync(GENERATED, generate(compiled));
    expect(readFileSync(GENERATED, 'utf8')).toBe(generate(compiled));
  });

  it('is the one whose code verifiers know', () => {
    expect(ANCHOR_CODE_HASHES).toContain(keccak256(`0x${compiled.runtime}`).slice(2));
  });

  it('keeps a head where verifiers look for it', () => {
    expect(compiled.layout).toEqual(['heads 0 0', 'size 0 0', 'registered 0 8', 'root 1 0']);
  });
});
