import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { TrustError } from '@talosprotocol/protocol';
import { clientAddress } from '../client-address.js';
import type { Log } from '../log.js';
import type { RequestContext } from '../routes.js';
import { createShares } from '../shares.js';
import type { CallableNode, NodeCaller, ProvenRequest } from './node-caller.js';
import { ANSWER_HEADER, NODE_HEADER, NODE_HEADERS } from './node-proof.js';
import { formatRun } from './node-run.js';

/** What became of a request that was passed on: `refused` if nobody listens there, `died` if the connection broke before
 *  there was an answer. In both cases nothing of an answer was sent, and of the body maybe a part was read. */
export type Passed = 'answered' | 'refused' | 'died';

/** Passes a request on to another node, as its client sent it, and the answer back. */
export interface Forwarding {
  /** `body` stands for one that was read already.
   *  @throws {TrustError} UNAVAILABLE: too many requests are being passed on, the node is slow, or broke off */
  pass(to: CallableNode, call: ForwardCall): Promise<Passed>;
}

export interface ForwardCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly context: Pick<RequestContext, 'signal'>;
  readonly body?: Uint8Array;
}

/** Bounds; times in milliseconds. */
export interface ForwardLimits {
  /** Requests that are passed on at a time, in all and for one client address. */
  readonly concurrent: number;
  readonly perAddress: number;
  readonly connectMs: number;
  /** Until the head of the answer: an upstream call may take its time. */
  readonly headMs: number;
  /** Longest silence within an answer. */
  readonly idleMs: number;
}

export const FORWARD_LIMITS: ForwardLimits = {
  concurrent: 256,
  perAddress: 64,
  connectMs: 2_000,
  headMs: 330_000,
  idleMs: 330_000,
};

export interface ForwardDeps {
  readonly caller: Pick<NodeCaller, 'prove'>;
  readonly log: Log;
  readonly limits?: Partial<ForwardLimits>;
}

export function createForwarding(deps: ForwardDeps): Forwarding {
  const limits = { ...FORWARD_LIMITS, ...deps.limits };
  const running = createShares({ all: limits.concurrent, perAddress: limits.perAddress });
  return {
    pass: async (to, call) => {
      // Kept: once its socket is gone, a request does not tell its address any more.
      const address = clientAddress(call.request);
      if (!running.take(address)) throw unavailable('too many requests are being passed on to other nodes');
      try {
        return await pass(to, call, { ...deps, limits });
      } finally {
        running.give(address);
      }
    },
  };
}

type PassDeps = ForwardDeps & { readonly limits: ForwardLimits };

async function pass(to: CallableNode, call: ForwardCall, deps: PassDeps): Promise<Passed> {
  const { request, response, context } = call;
  const sent = send(to, call, deps);
  const leave = (): void => void sent.outgoing.destroy();
  context.signal.addEventListener('abort', leave, { once: true });
  if (context.signal.aborted) leave();
  try {
    const answer = await sent.answer;
    if (typeof answer === 'string') return answer;
    if (!sent.proven.isAnswer(answer, 'stream'))
      throw unavailable(`node ${formatRun(to)} did not prove its answer`);
    copyHead(answer, response);
    answer.setTimeout(deps.limits.idleMs, () => answer.destroy(new Error('the answer stopped')));
    await pipeline(answer, response);
    return 'answered';
  } catch (error) {
    if (context.signal.aborted) return 'answered';
    if (!response.headersSent) throw error;
    deps.log.warn('an answer of another node broke off', { host: to.url, err: error });
    response.destroy();
    return 'answered';
  } finally {
    context.signal.removeEventListener('abort', leave);
    request.unpipe(sent.outgoing);
    sent.outgoing.destroy();
  }
}

interface Sent {
  readonly outgoing: ReturnType<typeof httpRequest>;
  readonly proven: ProvenRequest;
  readonly answer: Promise<IncomingMessage | Exclude<Passed, 'answered'>>;
}

/** On a connection of its own: one that was kept could be closing, and what was sent on it cannot be sent again. */
function send(to: CallableNode, { request, body }: ForwardCall, { caller, limits }: PassDeps): Sent {
  const url = new URL(to.url);
  const target = request.url ?? '/';
  const proven = caller.prove(to, provable(request, target));
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const outgoing = open({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || undefined,
    method: request.method ?? '',
    path: target,
    headers: headersOf(request, url.host, proven.header),
    agent: false,
  });
  const answer = answerOf(outgoing, to, limits);
  if (body === undefined) request.pipe(outgoing);
  else outgoing.end(body);
  return { outgoing, proven, answer };
}

function provable(request: IncomingMessage, target: string) {
  return {
    method: request.method ?? '',
    target,
    body: 'stream',
    client: clientAddress(request),
    host: request.headers.host ?? '',
    authorization: request.headers.authorization ?? '',
    contentType: request.headers['content-type'] ?? '',
  };
}

function answerOf(outgoing: Sent['outgoing'], to: CallableNode, limits: ForwardLimits): Sent['answer'] {
  return new Promise((resolve, reject) => {
    const late = (reason: string) => (): void => {
      reject(unavailable(`node ${formatRun(to)} ${reason}`));
      outgoing.destroy();
    };
    const connecting = setTimeout(late('cannot be reached'), limits.connectMs);
    const waiting = setTimeout(late('does not answer'), limits.headMs);
    const settle = (): void => {
      clearTimeout(connecting);
      clearTimeout(waiting);
    };
    outgoing.once('socket', (socket) => socket.once('connect', () => clearTimeout(connecting)));
    outgoing.once('response', (answer) => {
      settle();
      resolve(answer);
    });
    outgoing.once('close', settle);
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      settle();
      const gone = GONE.get(error.code ?? '');
      if (gone !== undefined) resolve(gone);
      else reject(unavailable(`node ${formatRun(to)} broke off`));
    });
  });
}

/** Nobody listens, or the process ended: its sessions ended with it. A connection can also break because of what was sent
 *  on it, so that it says nothing of the node for anybody else. */
const GONE: ReadonlyMap<string, Exclude<Passed, 'answered'>> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['ECONNRESET', 'died'],
  ['EPIPE', 'died'],
]);

/** Of one hop only (RFC 9110 section 7.6.1), and what we write ourselves. */
const OWN_HOP = new Set([
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  ...NODE_HEADERS,
]);

/** The headers as they came, in their order, each as often as it was there. */
function headersOf(request: IncomingMessage, host: string, proof: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {
    host,
    connection: 'close',
    [NODE_HEADER]: proof,
    'talos-node-client': clientAddress(request),
    'talos-node-host': request.headers.host ?? '',
  };
  for (const [name, values = []] of Object.entries(request.headersDistinct)) {
    if (!OWN_HOP.has(name)) headers[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  if (request.headers['content-length'] !== undefined) return headers;
  // Of a body without length Node frames that of a POST by itself. That of a DELETE it would write behind the head as it
  // is, for whoever reads there to take it for another request.
  if (request.headers['transfer-encoding'] === undefined) headers['content-length'] = '0';
  else headers['transfer-encoding'] = 'chunked';
  return headers;
}

/** The answer's own headers replace those that this node has set, its request id among them: the record is there. */
function copyHead(answer: IncomingMessage, response: ServerResponse): void {
  for (const [name, values = []] of Object.entries(answer.headersDistinct)) {
    if (OWN_HOP.has(name) || name === ANSWER_HEADER) continue;
    response.setHeader(name, values.length === 1 ? (values[0] ?? '') : values);
  }
  response.writeHead(answer.statusCode ?? 502);
  response.flushHeaders();
}

function unavailable(reason: string): TrustError {
  return new TrustError('UNAVAILABLE', reason, {
    hint: 'try again with the same rid; if it goes on, open another session',
  });
}
