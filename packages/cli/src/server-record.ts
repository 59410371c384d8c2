import { join } from 'node:path';
import { isJsonObject, parseJson, TrustError } from '@talosprotocol/protocol';
import { readKeyFile, writeKeyFile } from '@talosprotocol/sdk/keys';

/** What the CLI remembers of the platform it started last on a data folder: `<data>/platform.json`, mode 0600. */
export interface ServerRecord {
  readonly pid: number;
  readonly kernel: string;
  readonly gateway: string;
  readonly audit: string;
  readonly config: string;
  readonly gatewayDid: string;
  readonly organisationDid: string;
}

const FILE = 'platform.json';
const TEXTS = ['kernel', 'gateway', 'audit', 'config', 'gatewayDid', 'organisationDid'] as const;

/** Writes the record; others of this user find the platform by it. */
export async function writeServerRecord(data: string, record: ServerRecord): Promise<void> {
  const { pid, kernel, gateway, audit, config, gatewayDid, organisationDid } = record;
  const own = { pid, kernel, gateway, audit, config, gatewayDid, organisationDid };
  await writeKeyFile(data, FILE, `${JSON.stringify(own, null, 2)}\n`);
}

/** The record of a data folder, whether or not that platform still runs; undefined if there is none.
 *  @throws {TrustError} SETTINGS_INVALID: a file that others can write, or a damaged one */
export async function readServerRecord(data: string): Promise<ServerRecord | undefined> {
  const text = await readKeyFile(data, FILE);
  if (text === undefined) return undefined;
  const value = parseJson(text, { maxBytes: 65_536 });
  const isWhole =
    isJsonObject(value) &&
    Number.isInteger(value['pid']) &&
    TEXTS.every((name) => typeof value[name] === 'string');
  if (isWhole) return value as unknown as ServerRecord;
  throw new TrustError('SETTINGS_INVALID', `${join(data, FILE)} is damaged`, {
    hint: 'remove it; talos up writes another',
  });
}

/** True while the process of the record runs and is ours. The token is sent only then: a port that somebody else took
 *  over after the platform ended must not get it. */
export function isRunning({ pid }: ServerRecord): boolean {
  try {
    // Never a group: 0 and negative numbers would mean one.
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}
