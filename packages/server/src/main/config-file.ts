import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import type { Settings } from '../platform/settings.js';

/** Where talos.yaml lies: where the settings say, else in the data folder. */
export function configPath(settings: Pick<Settings, 'configFile' | 'dataFolder'>): string {
  return settings.configFile ?? join(settings.dataFolder, 'talos.yaml');
}

/** Writes a first talos.yaml with the organisation as the only trust anchor. One that is there is left as it is.
 *  True if it was written. */
export async function writeFirstConfig(path: string, organisation: string): Promise<boolean> {
  try {
    await writeFile(path, firstConfig(organisation), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    const hint = 'set TALOS_CONFIG to a file you may write to';
    throw new TrustError('SETTINGS_INVALID', `${path} cannot be written`, { hint }, error);
  }
}

function firstConfig(organisation: string): string {
  return `# The policy of this gateway. Every member is described in packages/contracts/schemas/talos-yaml.schema.json;
# unknown members are errors. After a change: send the server SIGHUP, or start it again.
version: 1

# Whose capabilities count here, and for what at most.
anchors:
  - iss: ${organisation}
    tenant: default
    grants:
      - { scope: "tool:*", ops: [read, write] }
      - { scope: "llm:*", ops: [read, write] }

# Tool servers behind the gateway. A tool is served once it has a manifest and a pin:
# \`talos mcp policy suggest <server>\` proposes both, \`talos mcp policy confirm <server>\` writes them here.
servers: {}
`;
}
