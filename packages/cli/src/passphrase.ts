import type { Command } from 'commander';
import { readBoundedFile } from './bounded-file.js';
import type { Io } from './io.js';
import { UsageError } from './usage-error.js';

export interface PassphraseOptions {
  readonly passphraseFile?: string;
}

const MIN_LENGTH = 12;

/** Adds `--passphrase-file`. There is no option that takes the passphrase itself: other users see command lines. */
export function withPassphrase(command: Command): Command {
  return command.option(
    '--passphrase-file <file>',
    'read the passphrase from the first line of a file instead of asking',
  );
}

/** The passphrase of a backup: from the file, else asked for, twice where it is new.
 *  @throws {UsageError} too short, not the same twice, or nobody to ask */
export async function readPassphrase(
  io: Io,
  { passphraseFile }: PassphraseOptions,
  isNew: boolean,
): Promise<string> {
  const passphrase = await (passphraseFile === undefined ? askFor(io, isNew) : fromFile(io, passphraseFile));
  if (!isNew || passphrase.length >= MIN_LENGTH) return passphrase;
  throw new UsageError(`the passphrase is shorter than ${MIN_LENGTH} characters`);
}

async function fromFile(io: Io, file: string): Promise<string> {
  const text = new TextDecoder().decode(await readBoundedFile(io, file, 4096));
  return text.split(/\r?\n/, 1)[0] ?? '';
}

async function askFor({ ask }: Io, isNew: boolean): Promise<string> {
  if (ask === undefined) throw new UsageError('a passphrase is needed', 'give --passphrase-file <file>');
  const passphrase = await ask.secret('Passphrase of the backup');
  if (isNew && (await ask.secret('The same again')) !== passphrase)
    throw new UsageError('the two passphrases differ');
  return passphrase;
}
