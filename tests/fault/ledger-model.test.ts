import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureProgram } from '../../packages/server/src/platform/testing/programs.js';

const run = promisify(execFile);
const model = fileURLToPath(new URL('../../docs/models/ledger.pml', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'talos-model-'));

beforeAll(async () => {
  await ensureProgram('spin', 'spin');
  await ensureProgram('gcc', 'gcc');
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Looks at every order of events, and says what was found. */
async function check(...defined: readonly string[]): Promise<string> {
  const cwd = mkdtempSync(join(folder, 'run-'));
  const flags = defined.map((name) => `-D${name}`);
  await run('spin', [...flags, '-a', model], { cwd });
  await run('gcc', ['-O2', '-w', '-DSAFETY', '-o', 'pan', 'pan.c'], { cwd });
  // It ends with 0 whether it found something or not.
  const { stdout } = await run(join(cwd, 'pan'), ['-m100000', '-w22'], { cwd, maxBuffer: 16 * 2 ** 20 });
  return stdout;
}

// CAP-21, BUD-3
describe('the model of the ledger', () => {
  it('keeps its promise in every order of events, whoever is killed when', async () => {
    const found = await check('LIMIT=3');
    expect(found).toMatch(/errors: 0/);
    expect(found).not.toContain('Search not completed');
    expect(Number(/([0-9]+) states, stored/.exec(found)?.[1])).toBeGreaterThan(1_000_000);
    // Nothing of what is described was left out.
    expect(found).toMatch(/unreached in proctype ledger\s+\(0 of/);
  }, 120_000);

  it.each([
    ['TWICE', /assertion violated \(total<=used\)/],
    ['AGAIN', /assertion violated \(total<=used\)/],
    ['UNCHECKED', /assertion violated \(used<=/],
  ])(
    'breaks it with the fault %s, so that the promise is one',
    async (fault, said) => {
      expect(await check(fault)).toMatch(said);
    },
    120_000,
  );
});
