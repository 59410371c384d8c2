import type { CryptoProvider } from '@talosprotocol/protocol';
import type { Log } from './log.js';
import type { Metrics } from './metrics/metrics.js';
import type { Settings } from './settings.js';
import type { Sql } from './sql.js';
import type { Clock, Random } from './system.js';

/** What `main` hands to every room. A room declares the part it needs: `Pick<Deps, 'sql' | 'clock'>`. */
export interface Deps {
  readonly settings: Settings;
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly log: Log;
  readonly metrics: Metrics;
}
