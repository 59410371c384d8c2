import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAdministratorKey } from '@talosprotocol/sdk/keys';
import { type Child, startChild } from './child.js';

/** What the server says once it serves. */
export interface Ready {
  readonly kernel: string;
  readonly gateway: string;
  readonly data: string;
  readonly config: string;
  readonly gatewayDid: string;
}

/** Makes a folder for one benchmark and removes it afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'talos-bench-')));
  // PostgreSQL runs as another user where this runs as root, and has to reach its own folder below.
  await chmod(folder, 0o711);
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts all roles in one process, with the embedded PostgreSQL, as `./talos up` does. */
export async function startPlatform(folder: string, more: NodeJS.ProcessEnv = {}): Promise<Child<Ready>> {
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const program = fileURLToPath(import.meta.resolve('@talosprotocol/server/main'));
  return startChild<Ready>([program, 'all'], {
    env: { ...environment(folder), ...more },
    log: join(folder, 'platform.log'),
  });
}

/** The key of the platform's administrator; the first who asks becomes it. */
export async function readAdminToken({ data, kernel }: Ready): Promise<string> {
  const key = await openAdministratorKey({ keysFolder: join(data, 'keys'), kernel: () => kernel });
  if (key === undefined) throw new Error(`there is no administrator of ${data}`);
  return key;
}

/** Ports and data of its own, so that it never meets another platform. */
function environment(folder: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('TALOS_') || name === 'TALOS_POSTGRES_USER',
  );
  return {
    ...Object.fromEntries(kept),
    TALOS_DATA: join(folder, 'platform'),
    TALOS_KERNEL_PORT: '0',
    TALOS_GATEWAY_PORT: '0',
    TALOS_AUDIT_PORT: '0',
    TALOS_LOG_FORMAT: 'json',
  };
}
