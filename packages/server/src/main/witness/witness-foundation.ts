import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Cosigner,
  type CryptoProvider,
  createCosigner,
  createSigner,
  TrustError,
} from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import { type DataFolder, openDataFolder } from '../../platform/data-folder.js';
import { createKeyStore } from '../../platform/key-store.js';
import { createLog, type Log } from '../../platform/log.js';
import { createPolicyView, type PolicyView } from '../../platform/policy-file.js';
import type { Settings } from '../../platform/settings.js';
import { clock, random } from '../../platform/system.js';
import { configPath } from '../config-file.js';

/** What a witness has before it has a database: its folder, its key, its talos.yaml. */
export interface WitnessFoundation {
  readonly settings: Settings;
  readonly log: Log;
  readonly crypto: CryptoProvider;
  readonly folder: DataFolder;
  readonly cosigner: Cosigner;
  /** Absolute path of talos.yaml. */
  readonly config: string;
  readonly policy: PolicyView;
}

/** Opens the data folder of a witness and makes what is missing in it. A `shared` folder may be in use by the witness.
 *  @throws {TrustError} SETTINGS_INVALID: also for the folder of a platform; CONFLICT: it is in use */
export async function layWitnessFoundation(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
  use: 'alone' | 'shared',
): Promise<WitnessFoundation> {
  const log = createLog({ level: settings.logLevel, format: settings.logFormat, clock });
  const folder = await openDataFolder(settings, clock, use);
  try {
    await assertNoPlatform(folder);
    const crypto = await createFastestCrypto();
    const config = configPath(settings);
    await writeFirstWitnessConfig(config);
    const policy = await createPolicyView({ path: config, variables: env, crypto });
    const keys = createKeyStore({ folder: folder.keys, random, passphrase: settings.keyPassphrase });
    const { publicKey, sign } = createSigner((await keys.loadOrCreateSeed('witness')).reveal(), crypto);
    const { name = nameOf(publicKey, crypto) } = policy.current().document.witness ?? {};
    const cosigner = createCosigner(crypto.sha256, { name, publicKey, sign });
    return { settings, log, crypto, folder, cosigner, config, policy };
  } catch (error) {
    await folder.release();
    throw error;
  }
}

/** As the origin of a log: the key names it. */
function nameOf(publicKey: Uint8Array, crypto: CryptoProvider): string {
  return `talos.local/${crypto.sha256Hex(publicKey).slice(0, 16)}/witness`;
}

/** Whoever holds the key of a log must not hold that of its witness. */
async function assertNoPlatform({ path, keys }: DataFolder): Promise<void> {
  const isThere = await access(join(keys, 'log.key')).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  throw new TrustError('SETTINGS_INVALID', `the data folder ${path} is that of a platform with a log`, {
    hint: 'give the witness a data folder of its own with --data or TALOS_DATA, best on another machine',
  });
}

async function writeFirstWitnessConfig(path: string): Promise<void> {
  try {
    await writeFile(path, FIRST_CONFIG, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    const hint = 'set TALOS_CONFIG to a file you may write to';
    throw new TrustError('SETTINGS_INVALID', `${path} cannot be written`, { hint }, error);
  }
}

const FIRST_CONFIG = `# A witness. Every member is described in packages/contracts/schemas/talos-yaml.schema.json; unknown members are errors.
# After a change: send the witness SIGHUP, or start it again.
version: 1
servers: {}

# The logs whose checkpoints it cosigns, each by its key: { vkey: "<name>+<id>+<key>" }.
# \`talos witness --follow <vkey>\` adds one.
witness:
  logs: []
`;
