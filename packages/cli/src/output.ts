import { isTrustError } from '@talosprotocol/protocol';
import pico from 'picocolors';

/** Where a command writes: people get lines on a terminal, programs get one JSON document on standard output. */
export interface Output {
  readonly json: boolean;
  /** A line for people; silent with --json. */
  line(text?: string): void;
  /** What the command found out: printed as JSON with --json, else by `human`. */
  result(value: unknown, human: () => void): void;
  /** What to do next, for people. */
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
  return {
    json,
    color,
    line: (text = '') => {
      if (!json) write(text);
    },
    result: (value, human) => {
      if (json) write(JSON.stringify(value, null, 2));
      else human();
    },
    next: (text) => {
      if (!json) write(`\n${color.bold('Next:')} ${text}`);
    },
    failure: (error) => {
      const problem = describeFailure(error);
      if (json) write(JSON.stringify({ ok: false, error: problem }, null, 2));
      else
        streams.stderr.write(
          `${color.red('talos:')} ${problem.message}\n${problem.hint === undefined ? '' : `  ${color.dim('hint:')} ${problem.hint}\n`}`,
        );
    },
  };
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly link?: number;
  readonly caveat?: string;
}

function describeFailure(error: unknown): Failure {
  if (isTrustError(error)) {
    const { hint, link, caveat } = error.data;
    return {
      code: error.code,
      message: `${error.code}: ${error.message}`,
      ...(hint === undefined ? {} : { hint }),
      ...(link === undefined ? {} : { link }),
      ...(caveat === undefined ? {} : { caveat }),
    };
  }
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
}
