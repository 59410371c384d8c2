import { isTrustError, TrustError, type TrustedLog } from '@talosprotocol/protocol';
import { createHealth } from '../../platform/health.js';
import { createListener, type Listener } from '../../platform/http.js';
import { migrate } from '../../platform/migrations.js';
import type { LoadedPolicy } from '../../platform/policy-file.js';
import { createReaper } from '../../platform/reaper.js';
import type { Settings } from '../../platform/settings.js';
import { createShutdown, type Shutdown } from '../../platform/shutdown.js';
import type { Sql } from '../../platform/sql.js';
import { clock, random } from '../../platform/system.js';
import { openDatabase } from '../database.js';
import type { Running } from '../serve.js';
import { layWitnessFoundation, type WitnessFoundation } from './witness-foundation.js';

const DRAIN_MS = 10_000;

/** Starts a witness: folder, database, room, port, in this order. On a failure everything that was started is ended
 *  again.
 *  @throws {TrustError} SETTINGS_INVALID | CONFLICT | UNAVAILABLE */
export async function serveWitness(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Running> {
  const foundation = await layWitnessFoundation(
    settings,
    env,
    settings.databaseUrl === undefined ? 'alone' : 'shared',
  );
  const { folder, log } = foundation;
  const shutdown = createShutdown({ log });
  shutdown.add('close', 'data folder', () => folder.release());
  try {
    const reaper = createReaper();
    shutdown.add('close', 'reaper', () => reaper.close());
    const database = await openDatabase({ settings, folder, reaper, log });
    shutdown.add('close', 'database', () => database.close());
    const { url, follows, reload } = await serveRoom(foundation, database.sql, shutdown);
    const { cosigner, config } = foundation;
    return {
      ready: { witness: url, name: cosigner.name, vkey: cosigner.vkey, follows, data: folder.path, config },
      shutdown,
      lost: database.lost.then(() => 'the database ended'),
      reload,
    };
  } catch (error) {
    await shutdown.run('failed start');
    throw error;
  }
}

async function serveRoom(
  foundation: WitnessFoundation,
  sql: Sql,
  shutdown: Shutdown,
): Promise<Pick<Listener, 'url'> & Pick<Running, 'reload'> & { readonly follows: number }> {
  const [{ WITNESS_MIGRATIONS }, { createWitness }, { createWitnessRoutes }, { createRateLimiter }] =
    await Promise.all([
      import('../../witness/migrations.js'),
      import('../../witness/witness.js'),
      import('../../witness/routes.js'),
      import('../../gateway/admission/rate-limiter.js'),
    ]);
  const { settings, log, crypto, cosigner, policy } = foundation;
  await assertNoLog(sql);
  await migrate(sql, WITNESS_MIGRATIONS);
  const follow = await createFollowing(foundation);
  const witness = createWitness({ sql, clock, log, crypto, cosigner, logs: follow.logs });
  const health = createHealth(log);
  health.register('witness', async () => void (await sql.query('SELECT 1')));
  const limiter = createRateLimiter(
    () => policy.current().document.limits?.perAddressPerMinute ?? PER_ADDRESS,
    () => clock.monotonic(),
  );
  const { hosts = [], limits } = policy.current().document;
  const listener = await createListener({
    name: 'witness',
    host: settings.host,
    port: settings.witnessPort,
    routes: [...createWitnessRoutes(witness, limiter), ...health.routes],
    guards: {},
    allowedHosts: [...settings.allowedHosts, ...hosts],
    allowedOrigins: [],
    clock,
    random,
    log,
    limits: limits?.maxConnections === undefined ? {} : { maxConnections: limits.maxConnections },
  });
  shutdown.add('stop-accepting', 'listener', () => {
    health.drain();
    return listener.closeGracefully(DRAIN_MS);
  });
  return { url: listener.url, follows: follow.logs().size, reload: follow.reload };
}

/** As the schema's default for a gateway. */
const PER_ADDRESS = 6_000;

interface Following {
  logs(): ReadonlyMap<string, TrustedLog>;
  /** Reads talos.yaml again; on any fault the logs stay those that they were, and the log says what is wrong. */
  reload(): Promise<void>;
}

async function createFollowing({
  policy,
  crypto,
  cosigner,
  config,
  log,
}: WitnessFoundation): Promise<Following> {
  const { followedLogs } = await import('../../witness/followed-logs.js');
  const read = ({ document: { witness } }: LoadedPolicy) => {
    if (witness?.name !== undefined && witness.name !== cosigner.name)
      throw new TrustError('SETTINGS_INVALID', 'witness.name is read at the start, and was changed', {
        hint: 'start the witness again: under another name it is another witness',
      });
    return followedLogs(witness ?? { logs: [] }, crypto);
  };
  let logs = read(policy.current());
  log.info('logs are followed', { count: logs.size });
  return {
    logs: () => logs,
    reload: async () => {
      try {
        logs = read(await policy.reload());
        log.info('logs are followed', { count: logs.size });
      } catch (err) {
        const hint = isTrustError(err) ? err.data.hint : undefined;
        const fields = { path: config, err, ...(hint === undefined ? {} : { hint }) };
        log.error('talos.yaml was not loaded; what is followed stays', fields);
      }
    },
  };
}

/** A witness that remembers in the log's own database remembers what the log wants. */
async function assertNoLog(sql: Sql): Promise<void> {
  const [row] = await sql.query<{ log: string | null }>("SELECT to_regclass('audit_log')::text AS log");
  if (row?.log === null || row === undefined) return;
  throw new TrustError('SETTINGS_INVALID', 'the database is that of a platform with a log', {
    hint: 'give the witness a database of its own, best on another machine',
  });
}
