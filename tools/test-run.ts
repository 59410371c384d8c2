import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** What a step of `./talos test` came to. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly detail: string;
}

/** What a run of the tests came to. */
interface TestRun {
  readonly passed: number;
  readonly skipped: number;
  /** `file: full name` of each test that failed, and what kept a file from being run. */
  readonly failures: readonly string[];
  /** Those that did not run, named like a failure. */
  readonly notRun: readonly string[];
  /** Whether these failures are all that is wrong: coverage is met, and no error came from outside of a test. */
  readonly isOfTests: boolean;
}

interface Report extends Record<'numPassedTests' | 'numPendingTests', number> {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** What vitest says of a fault that is of no test. */
const OF_NO_TEST = /^(ERROR: Coverage for|Vitest caught \d+ unhandled error)|Startup Error/m;

const OF_A_SUITE = 'what a suite does before or after its tests (above)';

/** So many tests may fail beside others and pass by themselves. More is no accident of the machine. */
const MOST_AGAIN = 3;

/** Runs the tests with these arguments of vitest, and shows on `screen` what it says. A few that fail run once more with nothing beside
 *  them, and it is said if they only pass then (ADR 53). A run in which none passed has failed. */
export async function verifyTests(
  root: string,
  args: readonly string[],
  screen: NodeJS.WritableStream = process.stdout,
): Promise<Outcome> {
  const run = await runTests(root, args, screen);
  const { failures, isOfTests } = run;
  if (run.passed === 0) return outcomeOf({ ...run, isOfTests: false });
  if (failures.length === 0 || failures.length > MOST_AGAIN || !isOfTests) return outcomeOf(run);
  screen.write(`\nonce more, by themselves:\n${failures.join('\n')}\n`);
  const again = await runTests(root, ['--maxWorkers=1', ...filesOf(failures)], screen);
  const unproven = again.isOfTests ? failures.filter((one) => again.notRun.includes(one)) : failures;
  const still = [...unproven, ...again.failures];
  const recovered = failures.filter((failure) => !still.includes(failure));
  const told = recovered.map((failure) => `FAILED BESIDE OTHERS, passed by itself: ${failure}`);
  return outcomeOf({ ...run, passed: run.passed + recovered.length, failures: still }, told);
}

const filesOf = (failures: readonly string[]): string[] => [
  ...new Set(failures.map((failure) => failure.slice(0, failure.indexOf(': ')))),
];

function outcomeOf(
  { passed, skipped, failures, isOfTests }: Omit<TestRun, 'notRun'>,
  told: readonly string[] = [],
): Outcome {
  const others = isOfTests
    ? []
    : ['something failed outside of a test, or coverage is below its threshold (above)'];
  const lines = [...told, ...failures, ...others];
  return { passed, failed: failures.length + others.length, skipped, detail: lines.join('\n') };
}

/** Reads the report of vitest. @throws {Error} there is none */
async function runTests(
  root: string,
  args: readonly string[],
  screen: NodeJS.WritableStream,
): Promise<TestRun> {
  const folder = mkdtempSync(join(tmpdir(), 'talos-verify-'));
  try {
    const file = join(folder, 'report.json');
    const { status, said } = await vitest(root, [...args, `--outputFile.json=${file}`], screen);
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    const failures = failuresIn(root, report);
    const isOfTests = status === 0 || (failures.length > 0 && !OF_NO_TEST.test(said));
    const notRun = notRunIn(root, report);
    return { passed: report.numPassedTests, skipped: report.numPendingTests, failures, notRun, isOfTests };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What it says on both streams goes to the screen as one, as in a terminal. */
async function vitest(
  root: string,
  args: readonly string[],
  screen: NodeJS.WritableStream,
): Promise<{ readonly status: number; readonly said: string }> {
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [program, 'run', '--reporter=dot', '--reporter=json', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: coloredIfSeen(process.env),
  });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said.push(chunk);
      screen.write(chunk);
    });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status: status ?? 1, said: stripVTControlCharacters(Buffer.concat(said).toString('utf8')) };
}

/** Colours are for terminals; in a file they stand in the way. */
function coloredIfSeen(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return process.stdout.isTTY ? { ...env, FORCE_COLOR: '1' } : { ...env, NO_COLOR: '1', FORCE_COLOR: '0' };
}

function failuresIn(root: string, { testResults }: Report): string[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults
      .filter((test) => test.status === 'failed')
      .map(({ fullName }) => fullName);
    const faults = message === '' ? failed : [message, ...failed];
    // What a suite does before or after its tests is reported of no test: those are skipped then, or have passed.
    const said = status === 'failed' && faults.length === 0 ? [OF_A_SUITE] : faults;
    return said.map((fault) => `${relative(root, name)}: ${fault}`);
  });
}

function notRunIn(root: string, { testResults }: Report): string[] {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName }) => `${relative(root, name)}: ${fullName}`),
  );
}
