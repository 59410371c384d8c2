import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createIdentity, type Identity } from '@talosprotocol/sdk';
import { encodeKeyEnvelope, writeKeyFile } from '@talosprotocol/sdk/keys';
import { runServerCommand } from '../server-process.js';
import type { StepOutcome } from './step.js';
import type { World } from './world.js';

/** Makes the organisation (with the platform's data folder), the agent and the sub-agent. */
export async function makeIdentities(world: World): Promise<StepOutcome> {
  const { organisation } = (await runServerCommand('init', world.env)) as { organisation: string };
  const folder = join(world.scratch.platform, 'identities');
  await mkdir(folder, { mode: 0o700 });
  world.agent = await makeIdentity(folder, 'agent');
  world.worker = await makeIdentity(folder, 'sub-agent');
  const modes = await Promise.all(
    [join(folder, 'agent.key'), join(world.scratch.platform, 'keys', 'organisation.key')].map(modeOf),
  );
  return {
    ok: modes.every((mode) => mode === '600'),
    lines: [
      `organisation ${organisation}`,
      `agent        ${world.agent.did}`,
      `sub-agent    ${world.worker.did}`,
      `keys lie in files of mode ${modes.join(' and ')}; they are never printed`,
    ],
    facts: { organisation, agent: world.agent.did, sub_agent: world.worker.did },
  };
}

async function makeIdentity(folder: string, name: string): Promise<Identity> {
  const identity = createIdentity();
  const key = { name, did: identity.did, seed: identity.exportSeed() };
  await writeKeyFile(folder, `${name}.key`, encodeKeyEnvelope(key));
  return identity;
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}
