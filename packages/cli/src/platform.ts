import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import {
  type AuditClient,
  createAuditClient,
  createGatewayClient,
  createKernelClient,
  createLogFiles,
  createRbacClient,
  createSecretsClient,
  type GatewayClient,
  type KernelClient,
  type LogFiles,
  type RbacClient,
  type SecretsClient,
} from '@talosprotocol/sdk';
import { openAdministratorKey, readKeyFile } from '@talosprotocol/sdk/keys';
import type { Command } from 'commander';
import type { Io } from './io.js';
import { dataFolder, type PlaceOptions, withPlace } from './place.js';
import { isRunning, readServerRecord, type ServerRecord } from './server-record.js';
import { UsageError } from './usage-error.js';

/** Options of every command that asks a running platform. */
export interface PlatformOptions extends PlaceOptions {
  readonly kernel?: string;
  readonly gateway?: string;
  readonly audit?: string;
}

/** Adds `--data`, and the URLs for a platform that was not started on this machine by `talos up`. */
export function withPlatform(command: Command, ...services: ('kernel' | 'gateway' | 'audit')[]): Command {
  withPlace(command);
  for (const service of services)
    command.option(
      `--${service} <url>`,
      `where the ${service} answers (default: the platform on the data folder)`,
    );
  return command;
}

/** A running platform, as its administrator talks to it. */
export interface Platform {
  readonly data: string;
  /** Absent if the platform was named by URL. */
  readonly record: ServerRecord | undefined;
  readonly kernel: KernelClient;
  readonly gateway: GatewayClient;
  readonly audit: AuditClient;
  readonly rbac: RbacClient;
  readonly secrets: SecretsClient;
  /** The files of its log, entries too. */
  readonly logFiles: LogFiles;
}

/** Finds the platform of a data folder and the key of its administrator on this machine. Something is sent only to a
 *  platform that waits for its first administrator: then this makes one.
 *  @throws {TrustError} UNAVAILABLE: none runs, or no key; SETTINGS_INVALID */
export async function openPlatform(io: Io, options: PlatformOptions): Promise<Platform> {
  const data = dataFolder(io, options);
  const record = await readServerRecord(data);
  const running = record !== undefined && isRunning(record) ? record : undefined;
  const adminToken = await openKey(io, data, () => urlOf('kernel', options, running, data));
  const client = (service: 'kernel' | 'gateway' | 'audit', timeoutMs?: number) => ({
    url: urlOf(service, options, running, data),
    fetch: io.fetch,
    adminToken,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return {
    data,
    record: running,
    get kernel() {
      return createKernelClient(client('kernel'));
    },
    get rbac() {
      return createRbacClient(client('kernel'));
    },
    get secrets() {
      return createSecretsClient(client('kernel'));
    },
    get gateway() {
      return createGatewayClient(client('gateway', 120_000));
    },
    get audit() {
      return createAuditClient(client('audit', 120_000));
    },
    get logFiles() {
      const url = `${urlOf('audit', options, running, data)}/tlog`;
      return createLogFiles({ url, token: adminToken, fetch: io.fetch, timeoutMs: 60_000 });
    },
  };
}

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** True if what is sent to this host stays on this machine. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

function urlOf(
  service: 'kernel' | 'gateway' | 'audit',
  options: PlatformOptions,
  running: ServerRecord | undefined,
  data: string,
): string {
  const given = options[service];
  if (given !== undefined) return checkedUrl(given, service);
  if (running !== undefined) return running[service];
  throw new TrustError('UNAVAILABLE', `no platform runs on ${data}`, {
    hint: `start one with: talos up; or name one with --${service} <url>`,
  });
}

/** The key goes over it: in the clear only on this machine. */
function checkedUrl(text: string, service: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (url !== undefined && isSafe && url.username === '' && url.password === '') return url.origin;
  throw new UsageError(
    `--${service} is no URL the key of an administrator may be sent to`,
    'https, or http on this machine, without user and password',
  );
}

/** Names the file with the key of a service account, or the session token of a person, that commands speak with. */
export const KEY_FILE = 'TALOS_KEY_FILE';

/** The key that `TALOS_KEY_FILE` names, for a URL that is no platform of ours; undefined if it names none, or if the key
 *  would travel in the clear. @throws {TrustError} SETTINGS_INVALID: it holds none */
export async function keyForUrl(io: Io, url: URL): Promise<string | undefined> {
  const named = io.env[KEY_FILE];
  const isSafe = url.protocol === 'https:' || LOOPBACK.test(url.hostname);
  return named && isSafe ? readNamedKey(resolve(io.cwd, named)) : undefined;
}

async function openKey(io: Io, data: string, kernel: () => string): Promise<string> {
  const named = await readOwnKey(io);
  if (named !== undefined) return named;
  const keysFolder = join(data, 'keys');
  const key = await openAdministratorKey({ keysFolder, kernel, fetch: io.fetch });
  if (key !== undefined) return key;
  if (!existsSync(keysFolder)) throw noPlatform(data, OWN_KEY);
  throw new TrustError('UNAVAILABLE', `there is no key of an administrator in ${keysFolder}`, {
    hint: hintOf(OWN_KEY),
  });
}

const OWN_KEY = `, or a key of your own with ${KEY_FILE}`;

const hintOf = (more: string): string =>
  `start one with: talos up; or name the data folder of the platform with --data or TALOS_DATA${more}`;

/** What a data folder is in which no platform was ever started; `more` goes on with what may be named instead. */
export function noPlatform(data: string, more = ''): TrustError {
  return new TrustError('UNAVAILABLE', `there is no platform data in ${data}`, { hint: hintOf(more) });
}

/** The key that `TALOS_KEY_FILE` names; undefined if it names none. @throws {TrustError} SETTINGS_INVALID */
export async function readOwnKey(io: Io): Promise<string | undefined> {
  const named = io.env[KEY_FILE];
  return named ? readNamedKey(resolve(io.cwd, named)) : undefined;
}

async function readNamedKey(path: string): Promise<string> {
  const text = (await readKeyFile(dirname(path), basename(path)))?.trim();
  if (text) return text;
  throw new TrustError('SETTINGS_INVALID', `${path}, which ${KEY_FILE} names, holds no key`, {
    hint: 'put the key of a service account there, chmod 600: talos rbac service-account create prints one',
  });
}
