/** How long files and functions are. The models we learn from have a median function of 6 to 13 lines and a
 *  90th percentile below 53 (STYLE); the lint fails single functions, this fails the habit. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';

export const LIMITS = {
  fileLines: 400,
  functionLines: 60,
  medianLow: 6,
  medianHigh: 13,
  ninetieth: 53,
} as const;

export interface SizeReport {
  readonly files: number;
  readonly functions: number;
  readonly medianFile: number;
  readonly medianFunction: number;
  readonly ninetiethFunction: number;
  readonly faults: readonly string[];
}

interface Span {
  readonly start: number;
  readonly end: number;
}

const FUNCTIONS = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'MethodProperty',
  'Constructor',
]);

/** Spans of every function with a body of statements below `node`. */
function collectFunctions(node: unknown, found: Span[]): void {
  if (Array.isArray(node)) {
    for (const item of node) collectFunctions(item, found);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const record = node as Record<string, unknown>;
  const body = (record['body'] ?? (record['function'] as Record<string, unknown> | undefined)?.['body']) as
    | { type?: string }
    | undefined;
  if (FUNCTIONS.has(record['type'] as string) && body?.type === 'BlockStatement')
    found.push(record['span'] as Span);
  for (const value of Object.values(record)) collectFunctions(value, found);
}

/** Line counts of the functions in one TypeScript source. */
export function functionLines(source: string): number[] {
  // swc counts bytes from a base that grows with every file it parsed; the module's own span gives the base.
  const module = parseSync(source, { syntax: 'typescript', target: 'es2022' });
  const bytes = Buffer.from(source);
  const lead = bytes.length - Buffer.byteLength(source.trimStart());
  const spans: Span[] = [];
  collectFunctions(module.body, spans);
  const first = module.span.start - Math.max(0, leadOf(module, source, lead));
  return spans.map(
    ({ start, end }) =>
      bytes
        .subarray(start - first, end - first)
        .toString()
        .split('\n').length,
  );
}

/** swc's module span starts at the first token, comments skipped; this is that token's byte offset. */
function leadOf(module: { span: Span; body: { span: Span }[] }, source: string, lead: number): number {
  const stripped = source.replace(/^(\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n|#![^\n]*\n)*/, '');
  return module.body.length === 0 ? lead : Buffer.byteLength(source) - Buffer.byteLength(stripped);
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.endsWith('.d.ts'))
    .map((path) => join(folder, path));
}

/** Measures the sources of all packages below `root`. */
export function measureSizes(root: string): SizeReport {
  const files = readdirSync(join(root, 'packages')).flatMap((name) =>
    sourcesBelow(join(root, 'packages', name, 'src')),
  );
  const faults: string[] = [];
  const fileLengths: number[] = [];
  const functionLengths: number[] = [];
  for (const file of files) {
    const source = readFileSync(file, 'utf8');
    const lines = source.split('\n').length;
    if (lines > LIMITS.fileLines) faults.push(`${file} has ${lines} lines (at most ${LIMITS.fileLines})`);
    fileLengths.push(lines);
    functionLengths.push(...functionLines(source));
  }
  fileLengths.sort((a, b) => a - b);
  functionLengths.sort((a, b) => a - b);
  const medianFunction = quantile(functionLengths, 0.5);
  const ninetiethFunction = quantile(functionLengths, 0.9);
  if (medianFunction < LIMITS.medianLow || medianFunction > LIMITS.medianHigh)
    faults.push(
      `the median function has ${medianFunction} lines (${LIMITS.medianLow} to ${LIMITS.medianHigh})`,
    );
  if (ninetiethFunction > LIMITS.ninetieth)
    faults.push(`one function in ten has more than ${ninetiethFunction} lines (${LIMITS.ninetieth})`);
  return {
    files: files.length,
    functions: functionLengths.length,
    medianFile: quantile(fileLengths, 0.5),
    medianFunction,
    ninetiethFunction,
    faults,
  };
}
