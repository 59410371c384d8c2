import type { ServerResponse } from 'node:http';
import { TrustError } from '@talosprotocol/protocol';
import { type DrainPatience, writePatiently } from '../../platform/drain.js';

/** Sends what is made in parts, such as a bundle; if the rest cannot be proven, or is not read, the connection is cut, so that the half is
 *  not taken for the whole. The parts are ended in any case.
 *  @throws {TrustError} TIMEOUT: the client does not read; and whatever the parts throw */
export async function sendParts(
  response: ServerResponse,
  parts: AsyncGenerator<string>,
  headers: Readonly<Record<string, string>>,
  patience: DrainPatience,
): Promise<void> {
  const first = await parts.next();
  try {
    response.writeHead(200, headers);
    if (!first.done) await write(response, first.value, patience);
    for await (const part of parts) await write(response, part, patience);
    response.end();
  } finally {
    await parts.return(undefined);
  }
}

async function write(response: ServerResponse, part: string, patience: DrainPatience): Promise<void> {
  if (await writePatiently(response, part, patience)) return;
  throw new TrustError('TIMEOUT', 'the client went away, or does not read its answer');
}
