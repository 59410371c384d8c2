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
import { UsageError } from '../../usage-error.js';
import { serverOf } from './server-command.js';

/** A platform with one more tool server. */
export interface WrappedPlatform {
  readonly platform: Platform;
  readonly config: string;
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
  await addServer(io, config, name, words, variables);
  const server = await startServer({ env, ...how });
  return { platform: await openPlatform(io, { data: server.ready.data }), config, server };
}

/** Adds the server to the platform that runs on the data folder; undefined if none does. */
export async function addToRunning(
  io: Io,
  options: ServerEnvOptions,
  name: string,
  words: readonly string[],
  variables: readonly string[],
): Promise<WrappedPlatform | undefined> {
  const data = dataFolder(io, options);
  const record = await readServerRecord(data);
  if (record === undefined || !isRunning(record)) return undefined;
  if (variables.length > 0)
    throw new UsageError(
      'the platform that runs has its own environment',
      'stop it first, or leave out --env',
    );
  const platform = await openPlatform(io, { data });
  await addServer(io, record.config, name, words, variables);
  await platform.gateway.reloadPolicy();
  return { platform, config: record.config };
}

/** A server that is there as it would be added stays, with its pins. @throws {TrustError} CONFLICT: another one is */
async function addServer(
  io: Io,
  config: string,
  name: string,
  words: readonly string[],
  variables: readonly string[],
): Promise<void> {
  const wanted = serverOf(io, words, variables);
  const { servers } = (await readTalosYaml(io, config)).policy;
  const { tools: _, ...present } = (Object.hasOwn(servers, name) ? servers[name] : undefined) ?? {
    command: '',
  };
  if (isDeepStrictEqual(present, wanted)) return;
  await editTalosYaml(io, config, (yaml) => yaml.addServer(name, wanted));
}
