import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';

/** The path with symbolic links resolved on this host; of a path that does not exist, those of its deepest existing
 *  parent (CAP-18). A link that leads nowhere is refused: what is written to it would appear at its target.
 *  The path can change between this look and the upstream's use of it: a tool server's folder must not be writable
 *  by those it is protected from.
 *  @throws {TrustError} CONSTRAINT_VIOLATED */
export async function realPathOf(path: string): Promise<string> {
  const missing: string[] = [];
  for (let existing = path; ; existing = dirname(existing)) {
    const real = await realpath(existing).catch(codeOf);
    if (!real.startsWith('/')) assertAbsent(real);
    else return join(real, ...missing);
    if (await isLink(existing)) throw unresolvable('a symbolic link on the path leads nowhere');
    missing.unshift(basename(existing));
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
}

/** Any other failure (a loop, no permission, a file as a folder) leaves open what the path means. */
function assertAbsent(code: string): void {
  if (code !== 'ENOENT') throw unresolvable(`the path cannot be resolved (${code})`);
}

async function isLink(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isSymbolicLink() === true;
}

function unresolvable(reason: string): TrustError {
  return new TrustError('CONSTRAINT_VIOLATED', reason, {
    caveat: 'the real path must be allowed too',
    hint: 'Name the file itself, by a path without symbolic links that lead elsewhere.',
  });
}
