import { readBoundedFile } from './bounded-file.js';
import type { Io } from './io.js';
import { UsageError } from './usage-error.js';

/** As long as a secret may be (SEC-1). */
const MAX_BYTES = 8192;

export interface SecretFile {
  /** Named by the option; undefined: it is asked for. */
  readonly file: string | undefined;
  readonly option: string;
}

/** A secret from a file, from standard input (`-`), or asked for without being shown. There is no option that takes the value
 *  itself: other users see command lines. A line feed at its end does not count.
 *  @throws {UsageError} it is empty, no text, or there is nobody to ask */
export async function readSecretValue(
  io: Io,
  question: string,
  { file, option }: SecretFile,
): Promise<string> {
  const text = file === undefined ? await ask(io, question, option) : await readFile(io, file);
  const value = text.replace(/\r?\n$/, '');
  if (value === '') throw new UsageError('the secret is empty');
  return value;
}

async function readFile(io: Io, file: string): Promise<string> {
  if (file === '-') return io.readStdin(MAX_BYTES);
  const bytes = await readBoundedFile(io, file, MAX_BYTES);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError('the file is not UTF-8 text');
  }
}

async function ask(io: Io, question: string, option: string): Promise<string> {
  if (io.ask === undefined)
    throw new UsageError('there is nobody to ask', `add ${option} <file>, or ${option} - for standard input`);
  return io.ask.secret(question);
}
