import type { IncomingMessage } from 'node:http';
import { TrustError } from '@talosprotocol/protocol';

export interface BodyLimits {
  readonly maxBytes: number;
  /** Longest time until the last byte arrived. */
  readonly timeoutMs: number;
  /** Asked with the bytes that have come so far; why there is no room for so many now, if there is none. Absent: there
   *  always is. */
  readonly noRoom?: (size: number) => TrustError | undefined;
}

const BODY = Symbol('the body that was read');
type Read = IncomingMessage & { [BODY]?: Uint8Array };

/** Keeps a body that was read for whoever reads it next. */
export function rememberBody(request: IncomingMessage, body: Uint8Array): void {
  (request as Read)[BODY] = body;
}

/** Reads a request body whole, as it was sent. Reads no byte beyond the limit, however the body is framed.
 *  @throws {TrustError} TOO_LARGE | TIMEOUT | what `noRoom` says | MALFORMED (the client went away in the middle) */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Uint8Array> {
  const tooLarge = () => new TrustError('TOO_LARGE', `the body may have ${limits.maxBytes} bytes`);
  const known = (request as Read)[BODY];
  if (known !== undefined)
    return known.length > limits.maxBytes ? Promise.reject(tooLarge()) : Promise.resolve(known);
  if (Number(request.headers['content-length'] ?? 0) > limits.maxBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut);
      act();
    };
    const refuse = (error: TrustError): void => {
      request.pause();
      settle(() => reject(error));
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      const fault = size > limits.maxBytes ? tooLarge() : limits.noRoom?.(size);
      if (fault !== undefined) refuse(fault);
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(() => resolve(new Uint8Array(Buffer.concat(chunks, size))));
    const onCut = (): void => refuse(new TrustError('MALFORMED', 'the body ended early'));
    const timer = setTimeout(() => refuse(new TrustError('TIMEOUT', 'the body is late')), limits.timeoutMs);
    if (request.destroyed && !request.complete) return onCut();
    request.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
  });
}
