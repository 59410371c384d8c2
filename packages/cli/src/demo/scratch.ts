import { realpathSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';

/** Folders and files of one run of the demo. All paths are absolute and real. */
export interface Scratch {
  /** `<data>/demo`, where bundle and trust file stay. */
  readonly folder: string;
  /** Data folder of the demo's own platform; made anew at each run. */
  readonly platform: string;
  /** What the tool server serves. */
  readonly files: string;
  readonly docs: string;
  readonly guide: string;
  readonly secret: string;
  /** A symbolic link below `docs` that leads to `secret`. */
  readonly escape: string;
  readonly config: string;
  readonly log: string;
  /** Lets another run begin. */
  release(): Promise<void>;
}

/** Makes the scratch folder of a new run. What an earlier run left is removed, unless that run is still alive.
 *  @throws {TrustError} CONFLICT | UNAVAILABLE: what is left cannot be removed */
export async function openScratch(dataFolder: string): Promise<Scratch> {
  const wanted = join(dataFolder, 'demo');
  await mkdir(wanted, { recursive: true, mode: 0o711 });
  const folder = realpathSync(wanted);
  await claim(folder);
  for (const name of ['platform', 'files', 'bundle.json', 'trust.json']) {
    await clear(join(folder, name));
  }
  const files = join(folder, 'files');
  const docs = join(files, 'docs');
  const secret = join(files, 'private', 'payroll.txt');
  await mkdir(docs, { recursive: true });
  await mkdir(join(files, 'private'));
  await writeFile(join(docs, 'guide.md'), '# Guide\n\nAsk for the least you need.\n');
  await writeFile(secret, 'nobody but payroll reads this\n');
  await symlink(secret, join(docs, 'shortcut.txt'));
  return {
    folder,
    files,
    docs,
    secret,
    platform: join(folder, 'platform'),
    guide: join(docs, 'guide.md'),
    escape: join(docs, 'shortcut.txt'),
    config: join(folder, 'platform', 'talos.yaml'),
    log: join(folder, 'platform.log'),
    release: () => rm(join(folder, 'run.pid'), { force: true }),
  };
}

/** A part of a run that was killed may still be writing for a moment; together the tries take about 10 s. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 200 } as const;

async function clear(path: string): Promise<void> {
  await rm(path, REMOVAL).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EBUSY') throw error;
    throw new TrustError(
      'UNAVAILABLE',
      `${path} is still written to by an earlier demo`,
      {
        hint: 'wait a few seconds and run it again; if that does not help, remove the folder',
      },
      error,
    );
  });
}

async function claim(folder: string): Promise<void> {
  const path = join(folder, 'run.pid');
  const pid = Number(await readFile(path, 'utf8').catch(() => '0'));
  if (pid > 0 && pid !== process.pid && isDemo(pid, await commandOf(pid))) {
    throw new TrustError('CONFLICT', `another demo (process ${pid}) uses ${folder}`, {
      hint: 'wait for it, or end it',
    });
  }
  await writeFile(path, String(process.pid), { mode: 0o600 });
}

function isDemo(pid: number, command: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A number that was used again by another program is nobody's demo. Where /proc is missing the number has to do.
  return command === undefined || command.includes('demo');
}

async function commandOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
}
