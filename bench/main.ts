/** `./talos bench`: runs benchmarks, each in a process of its own, and compares the figures with the goals. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Arguments, parseArguments, USAGE } from './arguments.js';
import { BENCHMARKS } from './benchmarks.js';
import { compareGoals } from './goals.js';
import { currentCommit, describeMachine } from './machine.js';
import { formatMarkdown } from './markdown.js';
import type { Report, Result } from './result.js';
import { FULL, QUICK } from './runner.js';
import { formatGoal, formatReport } from './table.js';

/** Exit codes: 0 measured, 1 a goal was missed (with --check) or a decision was wrong, 2 wrong usage. */
const FAILED = 1;
const WRONG_USAGE = 2;

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    console.log(`${USAGE}\nbenchmarks: ${BENCHMARKS.map(({ name }) => name).join(', ')}`);
    return 0;
  }
  const args = parseOrExplain(argv);
  if (args === undefined) return WRONG_USAGE;
  const results: Result[] = [];
  for (const name of args.names) {
    if (!args.json) console.error(`measuring ${name} ...`);
    results.push(...(args.inProcess ? await runHere(name, args.quick) : await runInChild(name, args.quick)));
  }
  return tell({ machine: describeMachine(), commit: currentCommit(), results }, args);
}

function parseOrExplain(argv: readonly string[]): Arguments | undefined {
  try {
    return parseArguments(
      argv,
      BENCHMARKS.map(({ name }) => name),
    );
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return undefined;
  }
}

function tell(report: Report, args: Arguments): number {
  // Quick sizes are too small to be held against a goal.
  const goals = args.quick ? [] : compareGoals(args.names, report.results);
  if (args.markdown) console.log(formatMarkdown(report, goals));
  else console.log(args.json ? JSON.stringify(report) : formatReport(report, goals));
  const missed = goals.filter(({ ok }) => !ok);
  if (!args.check || missed.length === 0) return 0;
  for (const goal of missed) console.error(formatGoal(goal));
  return FAILED;
}

async function runHere(name: string, quick: boolean): Promise<readonly Result[]> {
  const benchmark = BENCHMARKS.find((candidate) => candidate.name === name);
  return benchmark === undefined ? [] : benchmark.run(quick ? QUICK : FULL, quick);
}

/** A process of its own: no benchmark meets the heap or the compiled code of another. */
async function runInChild(name: string, quick: boolean): Promise<readonly Result[]> {
  const args = [
    fileURLToPath(import.meta.url),
    name,
    '--json',
    '--in-process',
    ...(quick ? ['--quick'] : []),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${name} failed (exit code ${code})`);
  return (JSON.parse(Buffer.concat(chunks).toString('utf8')) as Report).results;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return FAILED;
});
