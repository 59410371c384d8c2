import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Io } from './io.js';
import { dataFolder, type PlaceOptions, withPlace } from './place.js';
import { KEY_FILE } from './platform.js';
import { UsageError } from './usage-error.js';

/** Options of every command that starts the server's program. */
export interface ServerEnvOptions extends PlaceOptions {
  readonly config?: string;
  readonly kernelPort?: string;
  readonly gatewayPort?: string;
  readonly auditPort?: string;
}

/** Adds `--data`, `--config` and the ports. */
export function withServerEnv(command: Command): Command {
  return withPlace(command)
    .option('--config <file>', 'the talos.yaml (default: TALOS_CONFIG, or that of the data folder)')
    .option('--kernel-port <port>', 'port of the kernel, 0 for any (default: TALOS_KERNEL_PORT, or 8000)')
    .option('--gateway-port <port>', 'port of the gateway (default: TALOS_GATEWAY_PORT, or 8001)')
    .option('--audit-port <port>', 'port of the audit service (default: TALOS_AUDIT_PORT, or 8002)');
}

/** The environment of the server's process: ours, with what the options say. The server itself checks the variables and
 *  names every fault.
 *  @throws {UsageError} a port that is none */
export function serverEnv(io: Io, options: ServerEnvOptions): Record<string, string | undefined> {
  const config = options.config ?? io.env['TALOS_CONFIG'];
  const given = {
    TALOS_DATA: dataFolder(io, options),
    TALOS_CONFIG: config ? resolve(io.cwd, config) : undefined,
    TALOS_KERNEL_PORT: parsePort('--kernel-port', options.kernelPort),
    TALOS_GATEWAY_PORT: parsePort('--gateway-port', options.gatewayPort),
    TALOS_AUDIT_PORT: parsePort('--audit-port', options.auditPort),
  };
  // Of commands only: the server knows no such variable.
  const { [KEY_FILE]: _, ...env } = io.env;
  return {
    ...env,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/** A port as an option states it. @throws {UsageError} */
export function parsePort(option: string, text: string | undefined): string | undefined {
  if (text === undefined || (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535)) return text;
  throw new UsageError(`${option} takes a port`, '1 to 65535, or 0 for any that is free');
}
