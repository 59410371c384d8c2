import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { WatchAlert } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { writePrivateFile } from '../bounded-file.js';
import type { Io } from '../io.js';

/** Keeps what an alert has to show, in a file that can be handed on as it is. Its name says what it holds, so that the
 *  same is kept once.
 *  @throws {TrustError} SETTINGS_INVALID: it cannot be written there */
export async function keepEvidence(
  io: Io,
  folder: string | undefined,
  { kind, evidence }: WatchAlert,
): Promise<string | undefined> {
  if (evidence === undefined || folder === undefined) return undefined;
  const text = `${JSON.stringify(evidence, null, 2)}\n`;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const path = resolve(io.cwd, folder);
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw new TrustError('SETTINGS_INVALID', `${path} cannot be made (${error.code ?? 'unknown'})`);
  });
  return writePrivateFile(io, join(path, `${kind}-${hash}.json`), text);
}
