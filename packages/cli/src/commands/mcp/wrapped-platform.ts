import { isDeepStrictEqual } from 'node:util';
import { editTalosYaml, readTalosYaml } from '../../config-edit.js';
import type { Io } from '../../io.js';
import { dataFolder } from '../../place.js';
import { openPlatform, type Platform } from '../../platform.js';
import { type ServerEnvOptions, serverEnv } from '../../server-env.js';
import {
  runServerCommand,
  type ServerOptions,
  type ServerProcess,
  startServer,
} from '../../server-process.js';
import { isRunning, readServerRecord } from '../../server-record.js';
import { withSignal } from '../../stopping.js';
import { UsageError } from '../../usage-error.js';
import { serverOf } from './server-command.js';

/** A platform with one more tool server. */
export interface WrappedPlatform {
  readonly platform: Platform;
  readonly config: string;
  /** Takes the server out of talos.yaml again if this command put it there and nobody changed the file since. */
  withdraw(): Promise<void>;
}

/** Starts a platform that has the server of a command line; the data folder and talos.yaml are made if they are missing. */
export async function startWithServer(
  io: Io,
  options: ServerEnvOptions,
  name: string,
  words: readonly string[],
  variables: readonly string[],
  how: Pick<ServerOptions, 'log' | 'signal'>,
): Promise<WrappedPlatform & { readonly server: ServerProcess }> {
  const env = serverEnv(io, options);
  const { config } = (await runServerCommand('init', env)) as { config: string };
  const withdraw = await addServer(io, config, name, words, variables);
  return orWithdraw(withdraw, async () => {
    const server = await startServer({ env, ...how });
    return { platform: await openPlatform(io, { data: server.ready.data }), config, withdraw, server };
  });
}

/** Does `work`; if it fails the server is withdrawn, so that the command can be tried again. What made it fail is said
 *  even if that fails too. */
export async function orWithdraw<T>(withdraw: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await withdraw().catch(() => undefined);
    throw error;
  }
}

/** Adds the server to the platform that runs on the data folder; undefined if none does. The requests of the platform
 *  it gives end with `signal`; to withdraw does not. */
export async function addToRunning(
  io: Io,
  options: ServerEnvOptions,
  name: string,
  words: readonly string[],
  variables: readonly string[],
  signal: AbortSignal,
): Promise<WrappedPlatform | undefined> {
  const data = dataFolder(io, options);
  const record = await readServerRecord(data);
  if (record === undefined || !isRunning(record)) return undefined;
  if (variables.length > 0)
    throw new UsageError(
      'the platform that runs has its own environment',
      'stop it first, or leave out --env',
    );
  const { config } = record;
  const lasting = await openPlatform(io, { data });
  const restore = await addServer(io, config, name, words, variables);
  const withdraw = async (): Promise<void> => {
    await restore();
    await lasting.gateway.reloadPolicy();
  };
  return orWithdraw(withdraw, async () => {
    const platform = await openPlatform(withSignal(io, signal), { data });
    await platform.gateway.reloadPolicy();
    return { platform, config, withdraw };
  });
}

/** Adds the server to the file and gives the way back. A server that is there as it would be added stays, with its pins.
 *  @throws {TrustError} CONFLICT: another one is */
async function addServer(
  io: Io,
  config: string,
  name: string,
  words: readonly string[],
  variables: readonly string[],
): Promise<() => Promise<void>> {
  const wanted = serverOf(io, words, variables);
  const { servers } = (await readTalosYaml(io, config)).policy;
  const { tools: _, ...present } = (Object.hasOwn(servers, name) ? servers[name] : undefined) ?? {
    command: '',
  };
  if (isDeepStrictEqual(present, wanted)) return async () => undefined;
  return editTalosYaml(io, config, (yaml) => yaml.addServer(name, wanted));
}
