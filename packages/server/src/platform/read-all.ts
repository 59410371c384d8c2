import type { Readable } from 'node:stream';
import { TrustError } from '@talosprotocol/protocol';

/** Reads a stream of bytes whole, as UTF-8. @throws {TrustError} TOO_LARGE | MALFORMED: not UTF-8; or what ended the stream */
export async function readAll(
  source: Readable,
  { maxBytes }: { readonly maxBytes: number },
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxBytes) throw new TrustError('TOO_LARGE', `more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks, size));
  } catch (error) {
    throw new TrustError('MALFORMED', 'not UTF-8', {}, error);
  }
}
