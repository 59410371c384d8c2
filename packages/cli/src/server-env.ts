import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Io } from './io.js';
import { dataFolder, type PlaceOptions, withPlace } from './place.js';

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

/** The environment of the server's process: ours, with what the options say. The server itself checks the values and
 *  names every fault. */
export function serverEnv(io: Io, options: ServerEnvOptions): Record<string, string | undefined> {
  const config = options.config ?? io.env['TALOS_CONFIG'];
  const given = {
    TALOS_DATA: dataFolder(io, options),
    TALOS_CONFIG: config ? resolve(io.cwd, config) : undefined,
    TALOS_KERNEL_PORT: options.kernelPort,
    TALOS_GATEWAY_PORT: options.gatewayPort,
    TALOS_AUDIT_PORT: options.auditPort,
  };
  return {
    ...io.env,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}
