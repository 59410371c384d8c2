import type { CryptoProvider } from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import { type DataFolder, openDataFolder } from '../platform/data-folder.js';
import { createKeyStore, type KeyStore } from '../platform/key-store.js';
import { createLog, type Log } from '../platform/log.js';
import { createMetrics, type Metrics } from '../platform/metrics/metrics.js';
import type { Settings } from '../platform/settings.js';
import { clock, random } from '../platform/system.js';
import { configPath, writeFirstConfig } from './config-file.js';
import { type Identities, loadIdentities } from './identities.js';

/** What a process has before it has a database: its folder, its keys, its policy file. */
export interface Foundation {
  readonly settings: Settings;
  readonly log: Log;
  /** What the parts of this process count. */
  readonly metrics: Metrics;
  readonly crypto: CryptoProvider;
  readonly folder: DataFolder;
  readonly keys: KeyStore;
  readonly identities: Identities;
  /** Absolute path of talos.yaml. */
  readonly config: string;
  /** True if this start wrote the first talos.yaml. */
  readonly isNew: boolean;
}

/** Opens the data folder for this process and makes what is missing in it. Everything `init` does, and the first
 *  thing `all` does, so that a start without `init` is no other path.
 *  A `shared` folder is one of which other processes use the keys too.
 *  @throws {TrustError} SETTINGS_INVALID | CONFLICT */
export async function layFoundation(
  settings: Settings,
  use: 'alone' | 'shared' = 'alone',
): Promise<Foundation> {
  const log = createLog({ level: settings.logLevel, format: settings.logFormat, clock });
  const folder = await openDataFolder(settings, clock, use);
  try {
    const crypto = await createFastestCrypto();
    const keys = createKeyStore({ folder: folder.keys, random, passphrase: settings.keyPassphrase });
    const identities = await loadIdentities(keys, crypto);
    const config = configPath(settings);
    const isNew = await writeFirstConfig(config, identities.organisation.did);
    const metrics = createMetrics();
    return { settings, log, metrics, crypto, folder, keys, identities, config, isNew };
  } catch (error) {
    await folder.release();
    throw error;
  }
}
