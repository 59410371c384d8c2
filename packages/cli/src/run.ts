import { Command, CommanderError } from 'commander';
import { addCommands } from './commands/index.js';
import { isColorful, type Shell } from './define-command.js';
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.js';
import type { Io } from './io.js';
import { createOutput } from './output.js';
import { version } from './program.js';
import { explainRefusedPath } from './refused-path.js';
import { UsageError } from './usage-error.js';

/** Runs one command line (without program and script) and gives its exit code. Never throws, never ends the
 *  process: what goes wrong is written to `io` as one line and a hint, or as one JSON document with --json. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const shell: Shell = {
    io,
    finish: (result) => {
      code = result;
    },
  };
  const program = createProgram(shell);
  try {
    if (tellOfCheckout(argv, io)) return code;
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
    return code;
  } catch (cause) {
    const error = explainRefusedPath(cause);
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    createOutput(wantsJson(argv), io, isColorful(io)).failure(withHint(error, program, argv));
    return exitCodeOf(error);
  }
}

/** What only `./talos` of a checkout does; it hands everything else on to this program. */
const OF_CHECKOUT: Readonly<Record<string, string>> = {
  test: 'lint, build and run all tests',
  bench: 'measure the platform',
};

/** True if help was asked for such a command, and given. @throws {UsageError} it was called */
function tellOfCheckout([first = '', second = '']: readonly string[], io: Io): boolean {
  const asksHelp = first === 'help' || second === '--help' || second === '-h';
  const name = first === 'help' ? second : first;
  if (!Object.hasOwn(OF_CHECKOUT, name)) return false;
  const what = `${name} is a command of a checkout: ${OF_CHECKOUT[name]}`;
  if (!asksHelp) throw new UsageError(what, `in the checkout: ./talos ${name}`);
  io.stdout.write(`${what}. In the checkout: ./talos ${name}\n`);
  return true;
}

/** Said before the options are known to be right, so that a failure also comes as JSON. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
}

function createProgram(shell: Shell): Command {
  const { io } = shell;
  const program = new Command('talos')
    .description('The trust layer for autonomous AI agents: who calls, may it, and can that be proven.')
    .version(version(), '--version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      // Failures are written once, by run.
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHasColors: () => isColorful(io),
    })
    .helpCommand('help [command]', 'show the help of a command');
  addCommands(program, shell);
  return program;
}

/** Commander says what is wrong; the way to the right help is ours. A group called without a command is to commander an
 *  error without words. */
function withHint(error: unknown, program: Command, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  const missing = error.code === 'commander.help';
  const message = missing ? 'error: a command is missing' : error.message;
  if (message.includes('\n')) return error;
  const { path, commands } = commandAt(program, argv);
  const names = missing ? `one of ${commands.map((command) => command.name()).join(', ')}; ` : '';
  return new CommanderError(1, error.code, `${message}\n${names}see ${path} --help`);
}

function commandAt(
  program: Command,
  argv: readonly string[],
): { path: string; commands: readonly Command[] } {
  let command = program;
  const path = [program.name()];
  for (const word of argv) {
    const next = command.commands.find((known) => known.name() === word);
    if (next === undefined) break;
    command = next;
    path.push(word);
  }
  return { path: path.join(' '), commands: command.commands };
}
