import { Command, CommanderError } from 'commander';
import { addCommands } from './commands/index.js';
import { isColorful, type Shell } from './define-command.js';
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.js';
import type { Io } from './io.js';
import { createOutput } from './output.js';

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
  try {
    await createProgram(shell).parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    createOutput(wantsJson(argv), io, isColorful(io)).failure(withHint(error));
    return exitCodeOf(error);
  }
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

/** A group called without a command shows its help; to commander that is an error without words. */
function withHint(error: unknown): unknown {
  if (!(error instanceof CommanderError) || error.code !== 'commander.help') return error;
  return new CommanderError(1, error.code, 'error: a command is missing\n(talos --help lists them)');
}
