import { TrustError } from '@talosprotocol/protocol';
import type { HttpExchange } from '../http-exchange.js';

/** Asks an endpoint of a chain: JSON-RPC 2.0 over HTTP. What it answers is to be read strictly.
 *  @throws {TrustError} UPSTREAM_FAILED: the endpoint refuses (then `cause` is an RpcFault), or there was no proper answer
 *  | UNAVAILABLE */
export type Rpc = (method: string, ...params: readonly unknown[]) => Promise<unknown>;

/** The endpoint understood and said no. `message` is its text, shortened, and not ours. */
export class RpcFault extends Error {}

/** What the endpoint said if it refused, in lower case; undefined for every other error. */
export function refusalOf(error: unknown): string | undefined {
  const { cause } = Object(error) as { cause?: unknown };
  return cause instanceof RpcFault ? cause.message.toLowerCase() : undefined;
}

/** A proof of an account is the largest answer we ask for. */
const MAX_ANSWER = 1_048_576;
const MAX_TEXT = 200;

/** Builds the way to the endpoint at `url`. */
export function createRpc(url: string, exchange: HttpExchange): Rpc {
  let last = 0;
  return async (method, ...params) => {
    last += 1;
    const id = last;
    const { bytes } = await exchange({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      maxBytes: MAX_ANSWER,
    });
    return readAnswer(bytes, id);
  };
}

function readAnswer(bytes: Uint8Array, id: number): unknown {
  const answer = Object(parseJson(bytes)) as { id?: unknown; result?: unknown; error?: unknown };
  if (answer.error !== undefined && answer.error !== null) throw readFault(answer.error);
  if (answer.id !== id || answer.result === undefined) throw notJsonRpc();
  return answer.result;
}

/** The endpoint is not ours: its words are shortened, and only plain characters of them are kept. */
function readFault(error: unknown): TrustError {
  const { message } = Object(error) as { message?: unknown };
  const text = typeof message === 'string' ? message.slice(0, MAX_TEXT) : 'no reason';
  const plain = text.replaceAll(/[^ -~]/g, '?');
  return new TrustError('UPSTREAM_FAILED', `the RPC endpoint refuses: ${plain}`, {}, new RpcFault(plain));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw notJsonRpc();
  }
}

function notJsonRpc(): TrustError {
  return new TrustError('UPSTREAM_FAILED', 'the RPC endpoint does not answer as JSON-RPC does', {
    hint: 'check that the address is one of an RPC endpoint, with its key if it needs one',
  });
}
