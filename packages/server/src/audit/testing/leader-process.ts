import { createLog } from '../../platform/log.js';
import { createSecret } from '../../platform/secret.js';
import { createSql } from '../../platform/sql.js';
import { clock } from '../../platform/system.js';
import { createAudit } from '../service.js';
import { openBucketTiles } from '../storage/bucket.js';
import type { TileStore } from '../tile-store.js';
import { auditDeps, decision } from './room.js';

/** A process that leads a log whose database and bucket belong to the test, which stops it and lets it go on. It says what was
 *  acknowledged and refused. With the argument `slow` it says when it is about to show a checkpoint, and waits a moment. */
const [, , endpoint = '', pace = ''] = process.argv;

const SHOWING_MS = 1_000;

/** The database, as JSON: not for the list of processes. */
interface Address {
  readonly socketFolder: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string;
}

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const log = createLog({ level: 'warn', format: 'short', clock });
const { password, ...address } = JSON.parse(process.env['LEADER_DATABASE'] ?? '{}') as Address;
const sql = createSql({ address: { ...address, password: createSecret(password) } });
const credentials = {
  accessKeyId: createSecret('key'),
  secretAccessKey: createSecret('secret'),
  sessionToken: undefined,
};

function slowly(store: TileStore): TileStore {
  return {
    ...store,
    writeCheckpoint: async (note) => {
      say({ showing: note });
      await new Promise((resolve) => setTimeout(resolve, SHOWING_MS));
      await store.writeCheckpoint(note);
    },
  };
}

const openTiles = async (): Promise<TileStore> => {
  const store = await openBucketTiles({ settings: { endpoint, bucket: 'logs' }, credentials, clock });
  return pace === 'slow' ? slowly(store) : store;
};
const audit = createAudit(auditDeps(sql, '/nowhere', { log, openTiles, limits: { retryMs: 1_000 } }));
await audit.start();
say({ ready: true, vkey: audit.vkey });
for (;;) {
  await audit.record(decision()).then(
    (acked) => say({ acked }),
    (error: { code?: string; name: string }) => say({ refused: error.code ?? error.name }),
  );
  await new Promise((resolve) => setTimeout(resolve, 10));
}
