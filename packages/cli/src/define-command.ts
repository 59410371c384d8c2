import { Command } from 'commander';
import type { ExitCode } from './exit-code.js';
import type { Io } from './io.js';
import { createOutput, type Output } from './output.js';

/** What every command is built with. */
export interface Shell {
  readonly io: Io;
  /** Keeps the exit code of the command that ran. */
  finish(code: ExitCode): void;
}

/** One call of a command. */
export interface Invocation<Options> {
  readonly io: Io;
  readonly output: Output;
  /** The operands, in order. */
  readonly args: readonly string[];
  readonly options: Options;
}

/** Gives the exit code; nothing means 0. */
export type Handler<Options> = (call: Invocation<Options>) => Promise<ExitCode | undefined>;

export interface CommandText {
  /** Name and operands as commander reads them: `show <name>`. */
  readonly usage: string;
  readonly summary: string;
  /** Whole command lines that work. */
  readonly examples: readonly string[];
  /** The lines of one paragraph below the options. */
  readonly notes?: readonly string[];
}

/** Adds a command with `--json` and its examples to `parent`; options are added to what it gives back. */
export function defineCommand<Options>(
  parent: Command,
  shell: Shell,
  text: CommandText,
  handler: Handler<Options>,
): Command {
  const command = parent
    .command(text.usage)
    .description(text.summary)
    .option('--json', 'print one JSON document')
    .addHelpText('after', helpAfter(text));
  return command.action(async () => {
    const options = command.opts<Options & { json?: boolean }>();
    const output = createOutput(options.json === true, shell.io, isColorful(shell.io));
    const code = await handler({ io: shell.io, output, args: command.args, options });
    if (code !== undefined) shell.finish(code);
  });
}

/** Adds a command that only groups others. */
export function defineGroup(parent: Command, name: string, summary: string): Command {
  return parent
    .addCommand(inherit(new Command(name), parent).description(summary))
    .commands.at(-1) as Command;
}

/** Colours on a terminal, unless NO_COLOR says otherwise. */
export function isColorful(io: Io): boolean {
  return io.stdout.isTTY === true && !io.env['NO_COLOR'];
}

function inherit(command: Command, parent: Command): Command {
  return command.copyInheritedSettings(parent);
}

function helpAfter({ examples, notes = [] }: CommandText): string {
  const lines = examples.map((example) => `  $ ${example}`);
  const paragraph = notes.length === 0 ? '' : `\n${notes.join('\n')}\n`;
  return `${paragraph}\nExample:\n${lines.join('\n')}`;
}
