import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own that fills up soon. */
export interface SmallDisk {
  readonly path: string;
  remove(): Promise<void>;
}

/** Mounts one of so many bytes; undefined where that is not permitted. */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'talos-small-'));
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'talos-test', path], {
      stdio: 'ignore',
    });
  } catch {
    await rm(path, { recursive: true });
    return undefined;
  }
  const remove = async (): Promise<void> => {
    execFileSync('/bin/umount', ['-l', path]);
    await rm(path, { recursive: true });
  };
  return { path, remove };
}
