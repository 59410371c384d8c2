import {
  type Anchors,
  type CryptoProvider,
  decodeUtf8,
  parseAnchors,
  parseTrustFile,
  type Trust,
} from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { parseNamed, readBoundedFile } from './bounded-file.js';
import type { Io } from './io.js';
import { parseTalosYaml } from './talos-yaml.js';
import { UsageError } from './usage-error.js';

/** Where a command that works offline finds the trust anchors. */
export interface AnchorsOptions {
  readonly trust?: string;
  readonly anchors?: string;
}

const MAX_BYTES = 4 * 1024 * 1024;

/** Adds `--trust` and `--anchors`. */
export function withAnchors(command: Command): Command {
  return command
    .option('--trust <file>', 'offline: trust the anchors of this trust file')
    .option('--anchors <file>', 'offline: trust the anchors of this talos.yaml');
}

/** Reads a trust file. @throws {TrustError} MALFORMED | NOT_FOUND | TOO_LARGE, with the name of the file */
export async function readTrustFile(io: Io, name: string, crypto: CryptoProvider): Promise<Trust> {
  const bytes = await readBoundedFile(io, name, MAX_BYTES);
  return parseNamed(name, () => parseTrustFile(bytes, crypto));
}

/** The anchors of the file that was named; undefined if none was.
 *  @throws {UsageError} both were | {TrustError} MALFORMED | NOT_FOUND */
export async function readAnchors(
  io: Io,
  { trust, anchors }: AnchorsOptions,
  crypto: CryptoProvider,
): Promise<Anchors | undefined> {
  if (trust !== undefined && anchors !== undefined) throw new UsageError('--trust or --anchors, not both');
  if (trust !== undefined) return (await readTrustFile(io, trust, crypto)).anchors;
  if (anchors === undefined) return undefined;
  const { policy } = parseTalosYaml(decodeUtf8(await readBoundedFile(io, anchors, MAX_BYTES)), anchors);
  return parseAnchors(policy.anchors ?? [], crypto);
}
