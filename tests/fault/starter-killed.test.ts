import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../../packages/cli/bundle/main.js', import.meta.url));

/** Processes that know the data folder: the server by its environment, the database by its arguments. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        return command.includes(folder) || environment.includes(folder) ? [command.trim()] : [];
      } catch {
        return [];
      }
    });
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !holds(); waited += 50) {
    if (waited > 60_000) throw new Error(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it.skipIf(process.platform !== 'linux')('talos up, killed by SIGKILL, leaves no process behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'talos-killed-'));
  const env = {
    PATH: process.env['PATH'],
    TALOS_DATA: folder,
    TALOS_KERNEL_PORT: '0',
    TALOS_GATEWAY_PORT: '0',
    TALOS_AUDIT_PORT: '0',
  };
  const child = spawn(process.execPath, [main, 'up', '--json'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  try {
    await until(() => printed.includes('gateway'), 'the platform serves');
    expect(processesOf(folder).length).toBeGreaterThan(2);
    child.kill('SIGKILL');
    await until(() => processesOf(folder).length === 0, 'every process has ended');
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});
