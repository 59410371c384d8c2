import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type CryptoProvider, encodeUtf8, TrustError } from '@talosprotocol/protocol';
import { parseRefusal } from '@talosprotocol/sdk';
import type { Clock } from '../system.js';
import { UnsureError } from '../unsure-error.js';
import {
  ANSWER_HEADER,
  formatNodeProof,
  isEqualMac,
  macOfAnswer,
  macOfRequest,
  NODE_HEADER,
} from './node-proof.js';
import { formatRun, type NodeRun } from './node-run.js';
import type { NodeRow } from './node-store.js';

/** A node that can be called. */
export type CallableNode = Pick<NodeRow, 'node' | 'boot'> & { readonly url: string };

/** A request that is proven: its header, and what its answer must show. */
export interface ProvenRequest {
  readonly header: string;
  /** True if the answer is of that node, and to this request. `body` is the answer's, or `stream`. */
  isAnswer(answer: IncomingMessage, body: Uint8Array | 'stream'): boolean;
}

/** What of a request is proven besides the runs, the number and the time. */
export type Provable = Parameters<typeof macOfRequest>[2];

/** Calls other nodes. */
export interface NodeCaller {
  prove(to: NodeRun, request: Provable): ProvenRequest;
  /** Sends JSON and gives the answer's body, proven.
   *  @throws {TrustError} UNAVAILABLE: it was not sent; UnsureError: it may have been done */
  post(to: CallableNode, path: string, json: string, limits: PostLimits): Promise<Uint8Array>;
  /** Cuts connections that are kept. */
  close(): void;
}

export interface PostLimits {
  /** Until the whole answer is there. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export interface NodeCallerDeps {
  readonly self: NodeRun;
  readonly key: Uint8Array;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
}

export function createNodeCaller(deps: NodeCallerDeps): NodeCaller {
  const prove = createProver(deps);
  const options = { keepAlive: true, maxSockets: 4, maxFreeSockets: 2, timeout: 2_000 };
  const agents = { 'http:': new HttpAgent(options), 'https:': new HttpsAgent(options) };
  return {
    prove,
    post: async (to, path, json, { timeoutMs, maxBytes }) => {
      const url = new URL(path, to.url);
      const bytes = encodeUtf8(json);
      const proven = prove(to, {
        ...UNFORWARDED,
        method: 'POST',
        target: url.pathname,
        body: deps.crypto.sha256Hex(bytes),
        contentType: 'application/json',
      });
      const headers = {
        'content-type': 'application/json',
        'content-length': String(bytes.length),
        [NODE_HEADER]: proven.header,
      };
      const agent = url.protocol === 'https:' ? agents['https:'] : agents['http:'];
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await exchange(url, { method: 'POST', headers, agent, signal }, bytes);
      const body = await collect(answer, maxBytes);
      if (proven.isAnswer(answer, body)) return body;
      throw unproven(answer, body, to);
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

const UNFORWARDED = { client: '', host: '', authorization: '' } as const;

/** Counts the requests to each node apart: a window of the receiver belongs to one sender. */
function createProver({ self, key, crypto, clock }: NodeCallerDeps): NodeCaller['prove'] {
  const counts = new Map<number, { readonly boot: number; last: number }>();
  const next = ({ node, boot }: NodeRun): number => {
    const known = counts.get(node);
    const count = known?.boot === boot ? known : { boot, last: 0 };
    counts.set(node, count);
    count.last += 1;
    return count.last;
  };
  return (to, request) => {
    const seq = next(to);
    const proof = {
      from: self,
      to: { node: to.node, boot: to.boot },
      seq,
      time: Math.floor(clock.now() / 1000),
    };
    const mac = macOfRequest(key, proof, request, crypto);
    return {
      header: formatNodeProof({ ...proof, body: request.body, mac }),
      isAnswer: (answer, body) => {
        const hash = typeof body === 'string' ? body : crypto.sha256Hex(body);
        const expected = macOfAnswer(key, proof, { status: answer.statusCode ?? 0, body: hash }, crypto);
        return isEqualMac(String(answer.headers[ANSWER_HEADER] ?? ''), expected);
      },
    };
  };
}

interface ExchangeOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: HttpAgent;
  readonly signal: AbortSignal;
}

/** @throws {TrustError} UNAVAILABLE if nobody listens; UnsureError for every other failure */
function exchange(url: URL, options: ExchangeOptions, body: Uint8Array): Promise<IncomingMessage> {
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = open(url, options, resolve);
    request.once('error', (error: NodeJS.ErrnoException) => {
      const isUnsent = error.code === 'ECONNREFUSED';
      if (isUnsent) reject(new TrustError('UNAVAILABLE', `nobody answers at ${url.origin}`, {}, error));
      else reject(new UnsureError(`${url.origin} did not answer`, error));
    });
    request.end(body);
  });
}

async function collect(answer: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw new Error(`an answer of more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw new UnsureError('the answer of the node broke off', error);
  }
  return new Uint8Array(Buffer.concat(chunks, length));
}

/** What an answer says that nobody proved is good for the log only. */
function unproven(answer: IncomingMessage, body: Uint8Array, to: NodeRun): UnsureError {
  const refusal = answer.statusCode === 200 ? undefined : parseRefusal(body);
  const said = refusal === undefined ? `${answer.statusCode}` : `${refusal.code}: ${refusal.hint ?? ''}`;
  return new UnsureError(`node ${formatRun(to)} did not prove its answer (${said})`, undefined);
}
