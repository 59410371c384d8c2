import type { Finding } from '@talosprotocol/contracts';
import { isTrustError } from '@talosprotocol/protocol';
import { CommanderError } from 'commander';
import pico from 'picocolors';
import { describeFinding } from './finding.js';
import { printable, printableJson } from './printable.js';
import { StoppedError } from './stopped-error.js';
import { UsageError } from './usage-error.js';

/** Where a command writes: people get lines on a terminal, programs get one JSON document on standard output.
 *  What came from elsewhere goes through `printable` first. */
export interface Output {
  readonly json: boolean;
  /** A line for people; silent with --json. */
  line(text?: string): void;
  /** A line beside the result, on standard error, so that the result can be piped; silent with --json. */
  aside(text: string): void;
  /** What the command found out: printed as JSON with --json, else by `human`. */
  result(value: unknown, human: () => void): void;
  /** One of many results that follow each other: a line of JSON with --json, else by `human`. */
  stream(value: unknown, human: () => void): void;
  /** What to do next, for people, beside the result. */
  next(text: string): void;
  /** A failure: one line and a hint on standard error, or a JSON document. Never a stack. */
  failure(error: unknown): void;
  readonly color: ReturnType<typeof pico.createColors>;
}

export interface Streams {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

/** `NO_COLOR` and pipes get plain text. */
export function createOutput(json: boolean, streams: Streams, colors: boolean): Output {
  const color = pico.createColors(colors);
  const write = (text: string): void => void streams.stdout.write(`${text}\n`);
  const beside = (text: string): void => {
    if (!json) streams.stderr.write(`${text}\n`);
  };
  return {
    json,
    color,
    line: (text = '') => {
      if (!json) write(text);
    },
    aside: beside,
    result: (value, human) => {
      if (json) write(printableJson(value));
      else human();
    },
    stream: (value, human) => {
      if (json) write(printableJson(value, 0));
      else human();
    },
    next: (text) => beside(`\n${color.bold('Next:')} ${text}`),
    failure: (error) => {
      const problem = describeFailure(error);
      if (json) {
        write(printableJson({ ok: false, error: problem }));
        return;
      }
      streams.stderr.write(`${color.red('talos:')} ${printable(problem.message)}\n`);
      for (const finding of problem.findings ?? []) streams.stderr.write(`  - ${describeFinding(finding)}\n`);
      for (const [name, value] of Object.entries({ item: problem.item, hint: problem.hint })) {
        if (value !== undefined) streams.stderr.write(`  ${color.dim(`${name}:`)} ${printable(value)}\n`);
      }
    },
  };
}

/** What went wrong, as it is printed with --json. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly link?: number;
  readonly item?: string;
  readonly caveat?: string;
  readonly findings?: readonly Finding[];
}

/** A failure as data; nothing in it is more than the caller may know. */
export function describeFailure(error: unknown): Failure {
  if (isTrustError(error)) {
    const { reason = error.message, ...facts } = error.data;
    // The title speaks of requests and credentials; what is malformed here is mostly a file, and the reason names it.
    const said = error.code === 'MALFORMED' ? reason : error.message;
    return { code: error.code, message: `${error.code}: ${said}`, ...facts };
  }
  if (error instanceof StoppedError) return { code: 'STOPPED', message: error.message };
  if (error instanceof UsageError) return { code: 'USAGE', message: error.message, hint: error.hint };
  if (error instanceof CommanderError) return describeCommander(error);
  return { code: 'INTERNAL', message: describeUnknown(error) };
}

/** Commander's own text is `error: ...` and perhaps a line `(Did you mean ...?)`. */
function describeCommander(error: CommanderError): Failure {
  const [first = '', ...more] = error.message.split('\n');
  const hint = more
    .join(' ')
    .trim()
    .replace(/^\(|\)$/g, '');
  return { code: 'USAGE', message: first.replace(/^error: /, ''), ...(hint === '' ? {} : { hint }) };
}

function describeUnknown(error: unknown): string {
  const { code, syscall, path } = Object(error) as NodeJS.ErrnoException;
  if (code !== undefined && syscall !== undefined) return `${syscall} ${path ?? ''}: ${code}`;
  return error instanceof Error ? error.message : String(error);
}
