import { type DestinationStream, pino } from 'pino';
import { createScrub } from './scrub.js';
import type { Secret } from './secret.js';
import type { Clock } from './system.js';

/** The levels a process may be set to. */
export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Everything a log line may carry besides its message. What is not named here is dropped: a field list cannot
 *  leak by accident, an object dump can. */
export interface LogFields {
  readonly room?: string;
  readonly requestId?: string;
  readonly method?: string;
  readonly route?: string;
  readonly status?: number;
  readonly code?: string;
  readonly durationMs?: number;
  readonly host?: string;
  readonly port?: number;
  readonly pid?: number;
  readonly signal?: string;
  readonly exitCode?: number;
  readonly server?: string;
  readonly provider?: string;
  readonly budget?: string;
  readonly guard?: string;
  readonly percent?: number;
  readonly tool?: string;
  readonly lid?: string;
  readonly tenant?: string;
  readonly origin?: string;
  readonly witness?: string;
  readonly size?: number;
  readonly count?: number;
  readonly stage?: string;
  readonly path?: string;
  readonly line?: string;
  readonly attempt?: number;
  readonly version?: string;
  readonly hint?: string;
  readonly event?: string;
  readonly err?: unknown;
}

/** Structured log. `message` is a fixed sentence; what varies goes into the fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with `fields` on every line. */
  child(fields: LogFields): Log;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** `json` for machines, `short` for a terminal. */
  readonly format: 'json' | 'short';
  readonly clock: Clock;
  /** Values that must never appear, whatever carries them. May grow: read at each line. */
  readonly secrets?: readonly Secret<string>[];
  /** Where lines go; standard error by default. */
  readonly write?: (line: string) => void;
}

/** Builds the log of a process. Standard output stays free for what a command answers. */
export function createLog(options: LogOptions): Log {
  const scrub = createScrub(() => (options.secrets ?? []).map((secret) => secret.reveal()));
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const destination: DestinationStream = {
    write: (line) => write(options.format === 'json' ? line : shorten(line)),
  };
  const base = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date(options.clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      // Messages and fields are scrubbed before pino sees them: its own serialiser would only add to an error.
      serializers: { err: (described: DescribedError) => described },
    },
    destination,
  );
  return wrap(base, {}, scrub);
}

type Sink = Pick<ReturnType<typeof pino>, 'debug' | 'info' | 'warn' | 'error'>;
type Scrub = (text: string) => string;

function wrap(sink: Sink, bound: Record<string, unknown>, scrub: Scrub): Log {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: LogFields = {}): void =>
      sink[level]({ ...bound, ...pick(fields, scrub) }, scrub(message));
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(sink, { ...bound, ...pick(fields, scrub) }, scrub),
  };
}

const TEXT_FIELDS = new Set(
  'room requestId method route code host signal server tool lid tenant origin witness stage path line version hint event'.split(
    ' ',
  ),
);
const NUMBER_FIELDS = new Set('status durationMs port pid exitCode size count attempt'.split(' '));

function pick(fields: LogFields, scrub: Scrub): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (TEXT_FIELDS.has(name) && typeof value === 'string') picked[name] = scrub(value);
    else if (NUMBER_FIELDS.has(name) && typeof value === 'number') picked[name] = value;
    else if (name === 'err' && value !== undefined) picked['err'] = describeError(value, scrub);
  }
  return picked;
}

interface DescribedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: DescribedError;
}

const MAX_CAUSES = 4;

/** Name, message, code, stack and causes; no other property of an error is ever printed (drivers hang SQL,
 *  headers and configurations on theirs). */
function describeError(error: unknown, scrub: Scrub, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { name: 'Thrown', message: scrub(String(error)) };
  const code = (error as { code?: unknown }).code;
  return {
    name: scrub(error.name),
    message: scrub(error.message),
    ...(typeof code === 'string' ? { code: scrub(code) } : {}),
    ...(error.stack === undefined ? {} : { stack: scrub(error.stack) }),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: describeError(error.cause, scrub, depth + 1) }),
  };
}

const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** One JSON line as people read it: time, level, message, then the fields. */
function shorten(line: string): string {
  const { time, level, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${String(value)}`);
  const said = err === undefined ? '' : ` (${(err as DescribedError).message})`;
  const text = `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(msg)}${said}${rest.join('')}`;
  // Whoever is quoted must neither begin a line of his own nor drive the terminal.
  return `${text.replace(UNPRINTABLE, '?')}\n`;
}
