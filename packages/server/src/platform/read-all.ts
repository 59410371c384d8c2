import type { Readable } from 'node:stream';
import { TrustError } from '@talosprotocol/protocol';

/** Reads a stream of bytes whole, as UTF-8; one that it gives up on is destroyed. By its events: an iterator over it takes several
 *  times as long for the few pieces of an answer.
 *  @throws {TrustError} TOO_LARGE | MALFORMED: not UTF-8; or what ended the stream */
export async function readAll(
  source: Readable,
  { maxBytes }: { readonly maxBytes: number },
): Promise<string> {
  const bytes = await readBytes(source, maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new TrustError('MALFORMED', 'not UTF-8', {}, error);
  }
}

function readBytes(source: Readable, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const settle = (act: () => void): void => {
      source.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      act();
    };
    const giveUp = (error: unknown): void =>
      settle(() => {
        // Some streams say so when they are destroyed, to nobody then.
        source.on('error', () => undefined).destroy();
        reject(error);
      });
    const onData = (chunk: Uint8Array): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > maxBytes) giveUp(new TrustError('TOO_LARGE', `more than ${maxBytes} bytes`));
    };
    const onEnd = (): void => settle(() => resolve(joined(chunks, size)));
    const onError = (error: unknown): void => giveUp(error);
    const onClose = (): void => giveUp(new Error('the stream ended before its end'));
    if (source.destroyed || source.readableEnded)
      return giveUp(source.errored ?? new Error('the stream is over'));
    source.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, size);
}
