import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PolicyDocument } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { runServerCommand } from '../../server-process.js';

/** Has the server's own program read providers and aliases as a start would, in a folder of its own: nothing is put in force,
 *  and nothing stays.
 *  @throws {TrustError} SETTINGS_INVALID: why a platform would refuse them */
export async function tryPolicy(policy: Pick<PolicyDocument, 'providers' | 'aliases'>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'talos-import-'));
  try {
    const config = join(folder, 'talos.yaml');
    await writeFile(config, JSON.stringify({ version: 1, servers: {}, ...policy }), { mode: 0o600 });
    assertWell(await runServerCommand('doctor', trialEnv(join(folder, 'data'), config)), config);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of this process only what a program needs: the platform that runs here is not examined. */
function trialEnv(data: string, config: string): Record<string, string> {
  const ports = { TALOS_KERNEL_PORT: '0', TALOS_GATEWAY_PORT: '0', TALOS_AUDIT_PORT: '0' };
  return { PATH: process.env['PATH'] ?? '', TALOS_DATA: data, TALOS_CONFIG: config, ...ports };
}

function assertWell(answer: unknown, config: string): void {
  const { checks } = Object(answer) as { checks?: unknown };
  const found: unknown = Array.isArray(checks)
    ? checks.find((check) => Object(check).name === 'talos.yaml')
    : undefined;
  const { ok, detail, mend } = Object(found) as { ok?: unknown; detail?: unknown; mend?: unknown };
  if (ok === true) return;
  if (typeof detail !== 'string')
    throw new TrustError('INTERNAL', 'the trial gave no answer that can be read');
  throw new TrustError(
    'SETTINGS_INVALID',
    `a platform would refuse it: ${detail.replaceAll(config, 'talos.yaml')}`,
    { hint: typeof mend === 'string' ? mend : 'mend the file' },
  );
}
