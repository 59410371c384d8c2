/** `./talos test`: everything that must hold before a change lands. One line a step; the last line is
 *  `N passed, N failed` (`, N skipped`), where each check counts as one beside the tests. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkImports } from './import-rules.js';
import { measureSizes } from './size.js';
import { type Outcome, verifyTests } from './test-run.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Step {
  readonly name: string;
  readonly run: () => Outcome | Promise<Outcome>;
}

const single = (ok: boolean, detail: string): Outcome => ({
  passed: ok ? 1 : 0,
  failed: ok ? 0 : 1,
  skipped: 0,
  detail,
});

/** Runs a tool of node_modules; its output is shown only when it fails. */
function tool(script: string, ...args: string[]): Outcome {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  return single(status === 0, status === 0 ? '' : `${error?.message ?? ''}${stdout}${stderr}`);
}

/** Every one of these must pass; the first failure's text is the step's. */
function all(...outcomes: Outcome[]): Outcome {
  const failures = outcomes.filter(({ failed }) => failed > 0);
  return single(failures.length === 0, failures.map(({ detail }) => detail).join('\n'));
}

async function importRules(): Promise<Outcome> {
  const { modules, violations } = await checkImports(root);
  // Without a working parser the checker reports success over nothing.
  const enough = modules >= 100;
  const lines = violations.map(({ rule, from, to }) => `${rule}: ${from} -> ${to}`);
  return single(
    enough && lines.length === 0,
    enough ? lines.join('\n') : `only ${modules} modules were read`,
  );
}

function sizes(): Outcome {
  const { faults, files, functions, medianFunction, ninetiethFunction } = measureSizes(root);
  const text = `${files} files, ${functions} functions, median ${medianFunction} lines, 90th percentile ${ninetiethFunction}`;
  return single(faults.length === 0, faults.length === 0 ? text : faults.join('\n'));
}

const PUBLISHED = ['contracts', 'protocol', 'sdk', 'verifier', 'server', 'cli'];

function packageLint(): Outcome {
  const publint = PUBLISHED.map((name) =>
    tool('node_modules/publint/src/cli.js', `packages/${name}`, '--strict', '--pack', 'false'),
  );
  const types = ['contracts', 'protocol', 'sdk'].map((name) =>
    tool(
      'node_modules/@arethetypeswrong/cli/dist/index.js',
      '--pack',
      `packages/${name}`,
      '--profile',
      'esm-only',
      '--quiet',
    ),
  );
  return all(...publint, ...types);
}

const CHECKS: readonly Step[] = [
  { name: 'types', run: () => tool('node_modules/typescript/bin/tsc', '-b') },
  { name: 'page of the verifier', run: () => tool('packages/verifier/dist/write-page.js') },
  { name: 'bundles of the programs', run: () => tool('tools/dist/bundle-programs.js') },
  {
    name: 'lint and format',
    run: () => tool('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'),
  },
  { name: 'import rules', run: importRules },
  { name: 'sizes', run: sizes },
  { name: 'dead code', run: () => tool('node_modules/knip/bin/knip.js') },
  { name: 'package lint', run: packageLint },
  { name: 'schemas match their sources', run: () => tool('tools/dist/emit-schemas.js', '--check') },
  { name: 'vectors match their generator', run: () => tool('tools/dist/make-vectors.js', '--check') },
];

async function runStep(step: Step): Promise<Outcome> {
  const start = process.hrtime.bigint();
  const outcome = await Promise.resolve(step.run()).catch((error: unknown) => single(false, String(error)));
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  console.log(
    `${outcome.failed === 0 ? 'ok  ' : 'FAIL'} ${step.name} (${seconds.toFixed(1)} s)${outcome.detail === '' ? '' : `\n${outcome.detail}`}`,
  );
  return outcome;
}

/** `./talos test [path ...]`: with paths only those tests, without the other checks. */
async function main(only: readonly string[]): Promise<void> {
  const steps = [
    ...(only.length === 0 ? CHECKS : []),
    { name: 'tests', run: () => verifyTests(root, only.length === 0 ? ['--coverage'] : only) },
  ];
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const step of steps) {
    const outcome = await runStep(step);
    passed += outcome.passed;
    failed += outcome.failed;
    skipped += outcome.skipped;
  }
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
