import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyTests } from './test-run.js';

let root: string;
let screen: PassThrough;
/** What it says is not ours to say: a run of tests is read for faults. */
const verify = () => verifyTests(root, [], screen);
beforeEach(() => {
  screen = new PassThrough().resume();
  root = mkdtempSync(join(tmpdir(), 'talos-test-run-'));
  symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(root, 'node_modules'));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  mkdirSync(join(root, 'seen'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A file of tests: one passes, the others fail so often. */
function put(file: string, times: readonly number[]): void {
  const tests = times.map(
    (often, at) => `it('test ${at}', () => {
  const seen = new URL('./seen/${file}-${at}', import.meta.url);
  const before = existsSync(seen) ? Number(readFileSync(seen, 'utf8')) : 0;
  writeFileSync(seen, String(before + 1));
  expect(before).toBeGreaterThanOrEqual(${often});
});`,
  );
  const head = `import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
it('passes', () => expect(1).toBe(1));`;
  writeFileSync(join(root, `${file}.test.ts`), `${head}\n${tests.join('\n')}\n`);
}

// Each starts the test runner, some twice.
describe('what failed', { timeout: 120_000 }, () => {
  it('is nothing where all pass', async () => {
    put('one', [0]);
    expect(await verify()).toEqual({ passed: 2, failed: 0, skipped: 0, detail: '' });
  });

  it('runs once more by itself, and that it passed only then is said', async () => {
    put('one', [0, 1]);
    put('two', [0]);
    expect(await verify()).toEqual({
      passed: 5,
      failed: 0,
      skipped: 0,
      detail: 'FAILED BESIDE OTHERS, passed by itself: one.test.ts: test 1',
    });
  });

  it('has failed if it fails again, once more is the last time', async () => {
    put('one', [1, 2]);
    expect(await verify()).toEqual({
      passed: 2,
      failed: 1,
      skipped: 0,
      detail: 'FAILED BESIDE OTHERS, passed by itself: one.test.ts: test 0\none.test.ts: test 1',
    });
  });

  it('has failed if it does not run again', async () => {
    const file = `import { existsSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
it('passes', () => expect(1).toBe(1));
it('test 0', ({ skip }) => {
  const seen = new URL('./seen/one', import.meta.url);
  skip(existsSync(seen));
  writeFileSync(seen, '');
  expect(1).toBe(2);
});`;
    writeFileSync(join(root, 'one.test.ts'), file);
    expect(await verify()).toMatchObject({
      passed: 1,
      failed: 1,
      detail: 'one.test.ts: test 0',
    });
  });

  it('has failed if it is more than a few', async () => {
    put('one', [1, 1, 1, 1]);
    expect(await verify()).toMatchObject({ passed: 1, failed: 4 });
  });

  it('has failed if something is wrong that is of no test', async () => {
    put('one', [1]);
    const unhandled =
      "import { it } from 'vitest';\nit('passes', () => void Promise.reject(new Error('nobody looks')));";
    writeFileSync(join(root, 'two.test.ts'), unhandled);
    const { passed, failed, detail } = await verify();
    expect([passed, failed]).toEqual([2, 2]);
    expect(detail).toContain('something failed outside of a test');
  });

  it('has failed if coverage is below its threshold, whatever else failed', async () => {
    put('one', [1]);
    writeFileSync(join(root, 'own.ts'), 'export const own = (): number => 1;');
    const coverage = { include: ['own.ts'], reportOnFailure: true, reporter: [], thresholds: { lines: 100 } };
    const config = `export default { test: { coverage: ${JSON.stringify(coverage)} } };`;
    writeFileSync(join(root, 'vitest.config.js'), config);
    const { failed, detail } = await verifyTests(root, ['--coverage'], screen);
    expect(failed).toBe(2);
    expect(detail).toContain('coverage is below its threshold');
  });

  it.each([
    ['before', 1],
    ['after', 2],
  ])(
    'is told of what a suite does %s its tests, also beside a test that passes by itself',
    async (when, passed) => {
      put('one', [1]);
      const suite = `import { ${when}All, describe, expect, it } from 'vitest';
describe('a suite', () => {
  ${when}All(() => expect(1).toBe(2));
  it('passes', () => expect(1).toBe(1));
});`;
      writeFileSync(join(root, 'two.test.ts'), suite);
      expect(await verify()).toMatchObject({
        passed: passed + 1,
        failed: 1,
        detail: expect.stringMatching(
          /passed by itself: one.test.ts: test 0\ntwo.test.ts: what a suite does/,
        ),
      });
    },
  );

  it('is told of a file that cannot be run', async () => {
    put('one', [0]);
    writeFileSync(join(root, 'two.test.ts'), "import './missing.js';");
    const { passed, failed, detail } = await verify();
    expect([passed, failed]).toEqual([2, 1]);
    expect(detail).toContain('two.test.ts: ');
  });

  it('is said of a run in which nothing ran', async () => {
    writeFileSync(
      join(root, 'one.test.ts'),
      "import { it } from 'vitest';\nit.skip('waits', () => undefined);",
    );
    expect(await verify()).toMatchObject({ passed: 0, failed: 1, skipped: 1 });
  });
});
