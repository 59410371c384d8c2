import { TrustError } from '@talosprotocol/protocol';

/** What a system says of a path that the person may not use, or that is something else than what it should be. */
const REFUSED: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  EPERM: 'not permitted',
  EROFS: 'a read-only file system',
  ENOTDIR: 'a part of it is no folder',
  EISDIR: 'it is a folder',
  EEXIST: 'a file of that name is in the way',
  ELOOP: 'links that lead in a circle',
  ENAMETOOLONG: 'the name is too long',
};

/** A path the system refused becomes a wrong setting, with a way on; any other error stays what it is. */
export function explainRefusedPath(error: unknown): unknown {
  const { code = '', syscall, path } = Object(error) as NodeJS.ErrnoException;
  if (syscall === undefined || path === undefined || !Object.hasOwn(REFUSED, code)) return error;
  return new TrustError(
    'SETTINGS_INVALID',
    `${path} cannot be used: ${REFUSED[code]} (${syscall}: ${code})`,
    { hint: 'choose a data folder of your own with --data or TALOS_DATA' },
    error,
  );
}
