import { basename, isAbsolute, resolve } from 'node:path';
import type { ToolServer } from '@talosprotocol/contracts';
import type { Io } from '../../io.js';
import { UsageError } from '../../usage-error.js';

const FALLBACK = 'tools';
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** The server that a command line starts, as talos.yaml states it: in the folder we are in, with no variables but
 *  those that are named, whose values stay out of the file.
 *  @throws {UsageError} no command, or not the name of a variable */
export function serverOf(io: Io, words: readonly string[], variables: readonly string[]): ToolServer {
  const [command, ...args] = words;
  if (command === undefined || command === '')
    throw new UsageError('which server?', 'put its command after --: talos mcp wrap -- npx -y <server>');
  // A name is looked up in PATH; a path is meant from here.
  const program = command.includes('/') && !isAbsolute(command) ? resolve(io.cwd, command) : command;
  return {
    command: literal(program),
    ...(args.length === 0 ? {} : { args: args.map(literal) }),
    ...(variables.length === 0
      ? {}
      : { env: Object.fromEntries(variables.map((name) => reference(io, name))) }),
    cwd: literal(io.cwd),
  };
}

/** In talos.yaml `$` begins a reference to a variable. */
function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function reference({ env }: Io, name: string): [string, string] {
  if (!VARIABLE.test(name)) throw new UsageError('--env takes the name of a variable, not its value');
  if (env[name] === undefined) throw new UsageError(`the variable ${name} is not set`);
  return [name, `\${${name}}`];
}

const RUNNERS = new Set(
  'npx node uvx uv run bunx bun deno python python3 docker exec pnpm dlx yarn'.split(' '),
);
/** Files and folders that say nothing about what is in them. */
const NAMELESS = new Set(['', 'index', 'main', 'server', 'cli', 'dist', 'build', 'src', 'bin', 'lib']);

/** A name for the server, from the first word that says something: `@scope/server-files@1.2` and
 *  `node /opt/server-files/dist/index.js` both give `files`. */
export function suggestServerName(words: readonly string[]): string {
  const word = words.find((candidate) => !candidate.startsWith('-') && !RUNNERS.has(basename(candidate)));
  const segments = (word ?? '').split('/').map(toServerName);
  return segments.findLast((segment) => !NAMELESS.has(segment)) ?? FALLBACK;
}

function toServerName(segment: string): string {
  return segment
    .slice(0, 256)
    .toLowerCase()
    .replace(/(?<=.)@[^@]*$/, '')
    .replace(/\.[a-z]{1,3}$/, '')
    .replace(/^(?:mcp-)?(?:server-)?|(?:-mcp)?(?:-server)?$/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 32)
    .replace(/^-+|-+$/g, '');
}
