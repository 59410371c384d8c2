import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TrustError } from '@talosprotocol/protocol';
import type { Log } from '../log.js';
import type { Secret } from '../secret.js';
import {
  CONNECT_TIMEOUT_MS,
  type Connection,
  openConnection,
  type RedisTimes,
  TIMEOUT_MS,
} from './connection.js';

/** A Lua script as Redis knows it. */
export interface RedisScript {
  readonly lua: string;
  /** hex(SHA-1), by which it is called once it was sent. */
  readonly sha1: string;
}

/** Prepares a script to be run. */
export function createScript(lua: string): RedisScript {
  return { lua, sha1: createHash('sha1').update(lua).digest('hex') };
}

/** A Redis that several processes count in. Every call fails at once while it is down, and after a time limit when it is
 *  slow; the connection mends itself. */
export interface Redis {
  /** Makes scripts known to the server now and whenever a connection is made, before anything else is sent on it: calls of
   *  them then run in the order in which they were made. */
  prepare(scripts: readonly RedisScript[]): void;
  /** Runs a script in one step and, once Redis knows it, in one round trip. All keys of a call must carry the same hash
   *  tag, or a Redis Cluster refuses it.
   *  @throws {TrustError} UNAVAILABLE: it is down, slow, or refuses; nobody knows whether a slow one ran it */
  run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** Resolves once it answered, or refuses to: a wrong password, for one, does not mend itself.
   *  @throws {TrustError} SETTINGS_INVALID | UNAVAILABLE */
  check(): Promise<void>;
  /** What its server calls its version; undefined where we may not ask.
   *  @throws {TrustError} UNAVAILABLE */
  version(): Promise<string | undefined>;
  /** Waits for what was sent, within the time limit. */
  close(): Promise<void>;
}

export interface RedisDeps extends RedisTimes {
  readonly url: Secret<string>;
  readonly log: Log;
}

/** Opens a connection; it is made in the background. */
export function createRedis(deps: RedisDeps): Redis {
  const connection = openConnection(deps.url.reveal(), deps);
  const opened = watch(connection, deps.log);
  const known = new Set<RedisScript>();
  const load = ({ lua }: RedisScript): void => {
    for (const one of connection.primaries()) void one.script('LOAD', lua).catch(() => undefined);
  };
  connection.on('ready', () => {
    for (const script of known) load(script);
  });
  return {
    prepare(scripts) {
      for (const script of scripts) {
        known.add(script);
        if (connection.status === 'ready') load(script);
      }
    },
    run: async (script, keys, args) => {
      try {
        return await within(deps.timeoutMs ?? TIMEOUT_MS, runScript(connection, script, keys, args));
      } catch (error) {
        throw unavailable(error);
      }
    },
    async check() {
      // One that loads its data for minutes is neither there nor not.
      const fault = await Promise.race([opened, pause(deps.connectTimeoutMs ?? CONNECT_TIMEOUT_MS)]);
      if (fault !== undefined) throw fromRedisError(fault);
      await connection.ping().catch((error: unknown) => Promise.reject(fromRedisError(error)));
    },
    async version() {
      const told = await connection.info('server').catch((error: unknown) => {
        if (refusalIn(error) === undefined) throw unavailable(error);
        return '';
      });
      return /^redis_version:([0-9.]{1,32})/m.exec(told)?.[1];
    },
    async close() {
      await connection.quit().catch(() => undefined);
      connection.disconnect();
    },
  };
}

const pause = (ms: number): Promise<undefined> => sleep(ms, undefined, { ref: false });

/** In a cluster one command may be tried on several nodes, each within the time limit of the driver. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Says each change once. The promise settles with the first of them, and with why it is no connection. */
function watch(connection: Connection, log: Log): Promise<unknown> {
  let isUp: boolean | undefined;
  let lastError: unknown;
  return new Promise((resolve) => {
    connection.on('error', (error: Error & { lastNodeError?: unknown }) => {
      // Of a cluster that refuses us every node does.
      lastError = error.lastNodeError ?? error;
    });
    connection.on('ready', () => {
      if (isUp === false) log.info('Redis answers again');
      isUp = true;
      // Of what ends it now: it may end without an error of its own.
      lastError = undefined;
      resolve(undefined);
    });
    connection.on('close', () => {
      if (isUp !== false) log.warn('Redis cannot be reached', { err: shown(lastError) });
      isUp = false;
      resolve(lastError);
    });
  });
}

async function runScript(
  connection: Connection,
  { lua, sha1 }: RedisScript,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await connection.evalsha(sha1, keys.length, ...[...keys, ...args]);
  } catch (error) {
    if (refusalIn(error) !== 'NOSCRIPT') throw error;
    return await connection.eval(lua, keys.length, ...[...keys, ...args]);
  }
}

/** The first word of what the server itself refused with, for the rest may repeat what was sent; undefined if it did not
 *  say anything. */
function refusalIn(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  return /^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR';
}

/** Who we are, what we may, which database: an operator must put it right. */
const FOR_THE_OPERATOR = /^(?:WRONGPASS|NOAUTH|NOPERM|ERR (?:AUTH|invalid password|DB index))/;

/** An error as the log may have it: the driver hangs the command with its arguments on it, also of AUTH. */
function shown(error: unknown): Error | undefined {
  return error instanceof Error ? new Error(refusalIn(error) ?? error.message) : undefined;
}

function fromRedisError(error: unknown): TrustError {
  const word = refusalIn(error);
  const cause = shown(error);
  if (word !== undefined && FOR_THE_OPERATOR.test((error as Error).message))
    return new TrustError(
      'SETTINGS_INVALID',
      `the Redis of TALOS_REDIS_URL refuses us (${word})`,
      { hint: 'put TALOS_REDIS_URL right; redis-cli -u takes the same URL' },
      cause,
    );
  return unavailable(error);
}

function unavailable(error: unknown): TrustError {
  const word = refusalIn(error);
  const what = word === undefined ? 'does not answer' : `refuses (${word})`;
  return new TrustError('UNAVAILABLE', `Redis ${what}`, {}, shown(error));
}
