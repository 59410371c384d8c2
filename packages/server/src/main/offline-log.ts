import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createTreeHasher, type TreeHasher, TrustError } from '@talosprotocol/protocol';
import { createPolicyView, type LoadedPolicy } from '../platform/policy-file.js';
import { createReaper } from '../platform/reaper.js';
import type { Settings } from '../platform/settings.js';
import type { Sql } from '../platform/sql.js';
import { type Database, openDatabase } from './database.js';
import { type Foundation, layFoundation } from './foundation.js';
import { logStorage } from './log-storage.js';
import { migrateAll } from './rooms.js';

type TileStore = import('../audit/tile-store.js').TileStore;

/** A log that no platform keeps at the moment: its folder is held, its database runs. */
export interface OfflineLog {
  readonly foundation: Foundation;
  readonly sql: Sql;
  readonly policy: LoadedPolicy;
  readonly tiles: TileStore;
  readonly hasher: TreeHasher;
}

/** Opens what a log lies in and uses it; no room is built and nothing is served. Whatever happens, all is closed again.
 *  @throws {TrustError} CONFLICT: a platform runs on the folder; SETTINGS_INVALID | UNAVAILABLE */
export async function withOfflineLog<T>(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
  use: (log: OfflineLog) => Promise<T>,
): Promise<T> {
  await assertThere(settings.dataFolder);
  const foundation = await layFoundation(settings);
  const { folder, log, crypto, config } = foundation;
  const reaper = createReaper();
  let database: Database | undefined;
  try {
    const policy = (await createPolicyView({ path: config, variables: env, crypto })).current();
    const tiles = await openTiles(foundation, policy);
    database = await openDatabase({ settings, folder, reaper, log });
    await migrateAll(database.sql);
    const hasher = createTreeHasher(crypto.sha256);
    return await use({ foundation, sql: database.sql, policy, tiles, hasher });
  } finally {
    await database?.close();
    await reaper.close();
    await folder.release();
  }
}

/** What only looks makes no platform. */
async function assertThere(folder: string): Promise<void> {
  await access(join(folder, 'keys', 'log.key')).catch((error: unknown) => {
    throw new TrustError(
      'SETTINGS_INVALID',
      `there is no log in ${folder}: it has no keys/log.key`,
      {
        hint: 'name the data folder with --data or TALOS_DATA; the keys of a log that comes from elsewhere are put there first',
      },
      error,
    );
  });
}

async function openTiles({ settings, folder }: Foundation, { document }: LoadedPolicy): Promise<TileStore> {
  const { openTiles: elsewhere } = logStorage(settings, document).place;
  if (elsewhere !== undefined) return elsewhere();
  const { openTileStore } = await import('../audit/tile-store.js');
  return openTileStore(folder.tiles);
}
