import { constants } from 'node:fs';
import { access, mkdtemp, rm, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTrustError } from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import { type DataFolder, isDataFolder, openDataFolder } from '../platform/data-folder.js';
import { createLog } from '../platform/log.js';
import { createReaper } from '../platform/reaper.js';
import type { Settings } from '../platform/settings.js';
import { clock, random } from '../platform/system.js';
import type { Check } from './check.js';
import { examineClock } from './clock-check.js';
import { configPath } from './config-file.js';
import { openDatabase } from './database.js';
import { findWideGrants, openPolicies } from './policy.js';
import { examineRedis } from './redis-check.js';

/** What is examined, and whether a platform runs on it: then its ports and its database are in use, and well. */
interface Subject extends Settings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly inUse: boolean;
}

type Probe = (subject: Subject) => Promise<Check[]>;

/** `doctor`: looks at everything a start needs and at the data folder. Where there is no platform it leaves nothing;
 *  else it changes nothing but what a start would. */
export async function examine(settings: Settings, env: Subject['env']): Promise<Examination> {
  const probes: readonly Probe[] = [
    checkNode,
    checkCrypto,
    checkDisk,
    checkKeys,
    checkConfig,
    checkPorts,
    checkDatabase,
    checkRedis,
  ];
  const [folder, inUse] = await checkFolder(settings);
  const checks: Check[] = [folder];
  for (const probe of probes) checks.push(...(await probe({ ...settings, env, inUse })));
  return { ok: checks.every(({ ok }) => ok), checks };
}

export interface Examination {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

/** What is wrong is answered; the log of a start that is only tried belongs to nobody. */
const noLog = () => createLog({ level: 'error', format: 'json', clock, write: () => undefined });

const well = (name: string, detail: string): Check => ({ name, ok: true, detail });

function unwell(name: string, error: unknown, mend: string): Check {
  if (!isTrustError(error))
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error), mend };
  return { name, ok: false, detail: error.data.reason ?? error.message, mend: error.data.hint ?? mend };
}

async function checkNode(): Promise<Check[]> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return [{ name: 'node', ok, detail: process.version, ...(ok ? {} : { mend: 'install Node >= 20.19' }) }];
}

const PROVIDERS: Readonly<Record<string, string>> = {
  sodium: 'libsodium (sodium-native), the fastest',
  node: 'OpenSSL (node:crypto); signatures verify about twice as fast where sodium-native is installed',
};

/** Both are well: they give the same answers. */
async function checkCrypto(): Promise<Check[]> {
  const { name } = await createFastestCrypto();
  return [well('crypto', PROVIDERS[name] ?? name)];
}

/** True if the folder is there: a machine on which nothing was started yet is not ill. */
async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

async function checkFolder(settings: Settings): Promise<[Check, inUse: boolean]> {
  const { dataFolder } = settings;
  const name = 'data folder';
  if (!(await exists(dataFolder)))
    return [well(name, `${dataFolder} is not there yet; talos init makes it`), false];
  try {
    if (!(await isDataFolder(dataFolder)))
      return [well(name, `${dataFolder}, no platform in it yet; talos init makes one`), false];
    const folder = await openDataFolder(settings, clock);
    await folder.release();
    return [well(name, `${dataFolder}, not in use`), false];
  } catch (error) {
    if (isTrustError(error) && error.code === 'CONFLICT')
      return [well(name, error.data.reason ?? 'in use'), true];
    return [unwell(name, error, 'set TALOS_DATA to another folder'), false];
  }
}

async function checkDisk({ dataFolder, diskReserve }: Settings): Promise<Check[]> {
  const { bavail, bsize } = await statfs((await exists(dataFolder)) ? dataFolder : '/');
  const free = bavail * bsize;
  const detail = `${Math.floor(free / 1048576)} MiB free, reserve ${Math.floor(diskReserve / 1048576)} MiB`;
  const ok = free > diskReserve;
  return [
    {
      name: 'disk',
      ok,
      detail,
      ...(ok ? {} : { mend: 'free some space: below the reserve writes are refused' }),
    },
  ];
}

const KEY_FILES = [
  'organisation.key',
  'gateway.key',
  'exporter.key',
  'log.key',
  'anchor.key',
  'kek.key',
  'admin.credential',
  'bootstrap.token',
];

async function checkKeys({ dataFolder }: Settings): Promise<Check[]> {
  const faults: string[] = [];
  let present = 0;
  for (const name of KEY_FILES) {
    const path = join(dataFolder, 'keys', name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    present += 1;
    if ((found.mode & 0o077) !== 0) faults.push(path);
  }
  if (faults.length > 0)
    return [
      {
        name: 'keys',
        ok: false,
        detail: `can be read by others: ${faults.join(', ')}`,
        mend: `chmod 600 ${faults.join(' ')}`,
      },
    ];
  return [
    well(
      'keys',
      present === 0 ? 'none yet; talos init makes them' : `${present} key files, closed to others`,
    ),
  ];
}

/** Reads the file as a start does, so that what a start refuses is ill here too. */
async function checkConfig(settings: Subject): Promise<Check[]> {
  const path = configPath(settings);
  if (settings.configFile === undefined && !(await exists(path)))
    return [well('talos.yaml', 'none yet; talos init writes one')];
  try {
    const { compilePolicy: compileGateway } = await import('../gateway/service.js');
    const options = {
      path,
      variables: settings.env,
      crypto: await createFastestCrypto(),
      compileGateway,
      log: noLog(),
      environment: settings.environment,
    };
    const policy = (await openPolicies(options)).current();
    const { anchors, servers } = policy.document;
    const wide = findWideGrants(policy);
    return [
      {
        ...well(
          'talos.yaml',
          `${path}: ${counted(anchors?.length ?? 0, 'anchor')}, ${counted(Object.keys(servers).length, 'tool server')}`,
        ),
        ...(wide.length === 0 ? {} : { mend: wide.join('; ') }),
      },
    ];
  } catch (error) {
    return [unwell('talos.yaml', error, 'mend the file')];
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

async function checkPorts({ host, ports, inUse }: Subject): Promise<Check[]> {
  if (inUse) return [];
  const named = Object.entries(ports).filter(([, port]) => port !== 0);
  return Promise.all(named.map(([name, port]) => checkPort(name, host, port)));
}

function checkPort(name: string, host: string, port: number): Promise<Check> {
  return new Promise((resolve) => {
    const server = createServer();
    const label = `${name} port`;
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve({
        name: label,
        ok: false,
        detail: `${host}:${port}: ${error.code}`,
        mend: `end what listens there, or set TALOS_${name.toUpperCase()}_PORT`,
      }),
    );
    server.listen(port, host, () => server.close(() => resolve(well(label, `${host}:${port} is free`))));
  });
}

/** Starts the database once, and ends it. One in use by a running platform is left alone. */
async function checkDatabase(settings: Subject): Promise<Check[]> {
  const embedded = settings.databaseUrl === undefined;
  const name = embedded ? 'embedded database' : 'database';
  if (settings.inUse) return [well(name, 'in use by the running platform')];
  if (embedded && !(await exists(settings.dataFolder))) return [well(name, 'not made yet')];
  const log = noLog();
  const reaper = createReaper();
  try {
    return await withFolder(settings, async (folder) => {
      const database = await openDatabase({ settings, folder, reaper, log });
      const [row] = await database.sql.query<{ server_version: string }>('SHOW server_version');
      const ofClock = await examineClock(database.sql, clock);
      await database.close();
      return [well(name, `PostgreSQL ${row?.server_version} starts and answers`), ofClock];
    });
  } catch (error) {
    return [unwell(name, error, 'see the log of the platform')];
  } finally {
    await reaper.close();
  }
}

/** One that a running platform counts in too: what is tried there leaves nothing. */
async function checkRedis({ redisUrl }: Settings): Promise<Check[]> {
  return redisUrl === undefined ? [] : [await examineRedis(redisUrl, random, noLog())];
}

/** Uses the data folder, or where there is no platform one for a trial, which is gone afterwards: a look makes none. */
async function withFolder<T>(settings: Settings, use: (folder: DataFolder) => Promise<T>): Promise<T> {
  if (await isDataFolder(settings.dataFolder)) return withOpenFolder(settings, use);
  const trial = await mkdtemp(join(tmpdir(), 'talos-doctor-'));
  try {
    return await withOpenFolder({ ...settings, dataFolder: trial }, use);
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}

async function withOpenFolder<T>(settings: Settings, use: (folder: DataFolder) => Promise<T>): Promise<T> {
  const folder = await openDataFolder(settings, clock);
  try {
    return await use(folder);
  } finally {
    await folder.release();
  }
}
