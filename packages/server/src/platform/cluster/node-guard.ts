import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type CryptoProvider,
  createReplayWindow,
  equalBytes,
  type ReplayWindow,
  TrustError,
} from '@talosprotocol/protocol';
import { readBody } from '../body.js';
import { nameClient } from '../client-address.js';
import type { Clock } from '../system.js';
import {
  ANSWER_HEADER,
  macOfAnswer,
  macOfRequest,
  NODE_HEADER,
  type NodeProof,
  type NodeRequest,
  parseNodeProof,
} from './node-proof.js';
import { isSameRun, MAX_NODES, type NodeRun } from './node-run.js';

/** Checks what other nodes send. */
export interface NodeGuard {
  /** Verifies the proof of a request and uses its number up; for a request that was passed on, its client's address and
   *  `Host` are from then on what the request says. @throws {TrustError} PROOF_INVALID | MALFORMED | REPLAY */
  verify(request: IncomingMessage): void;
  /** Who sent a request that was verified. */
  sender(request: IncomingMessage): NodeRun;
  /** The body of a request that was verified, which must be the one that the proof covers.
   *  @throws {TrustError} PROOF_INVALID, and as `readBody` */
  readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array>;
  /** Proves the answer to a verified request. Before the head is written. */
  signAnswer(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    body: Uint8Array | 'stream',
  ): void;
}

export interface NodeGuardDeps {
  readonly self: NodeRun;
  readonly key: Uint8Array;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
}

/** How far the clocks of two nodes may be apart. */
const SKEW_SECONDS = 60;
const WINDOW = 1024;
const BODY_MS = 10_000;

const PROOF = Symbol('the proof of a node');
type Verified = IncomingMessage & { [PROOF]?: NodeProof };

/** The state per sender is a window of numbers: it grows with the nodes, not with their calls. */
export function createNodeGuard(deps: NodeGuardDeps): NodeGuard {
  const { self, key, crypto, clock } = deps;
  const windows = createWindows();
  const verify = (request: Verified): void => {
    const proof = parseNodeProof(headerOf(request, NODE_HEADER));
    if (!isSameRun(proof.to, self))
      throw refused('the proof is for another node, or an earlier start of this one');
    const stated = statedRequest(request, proof);
    if (!equalBytes(macOfRequest(key, proof, stated, crypto), proof.mac)) throw refused('the MAC is wrong');
    if (Math.abs(clock.now() / 1000 - proof.time) > SKEW_SECONDS) throw skewed();
    if (windows.of(proof.from).mark(proof.seq) !== 'fresh') {
      throw new TrustError('REPLAY', 'the request of this node was seen before');
    }
    request[PROOF] = proof;
    if (stated.client !== '') nameClient(request, stated.client);
    if (stated.host !== '') restoreHost(request, stated.host);
  };
  return {
    verify,
    sender: (request) => proofOf(request).from,
    readBody: async (request, maxBytes) => {
      const body = await readBody(request, { maxBytes, timeoutMs: BODY_MS });
      if (crypto.sha256Hex(body) === proofOf(request).body) return body;
      throw refused('the body is not the one that was proven');
    },
    signAnswer: (request, response, status, body) => {
      const hash = typeof body === 'string' ? body : crypto.sha256Hex(body);
      response.setHeader(ANSWER_HEADER, macOfAnswer(key, proofOf(request), { status, body: hash }, crypto));
    },
  };
}

function proofOf(request: Verified): NodeProof {
  const proof = request[PROOF];
  if (proof === undefined) throw new TypeError('the request of a node that was not verified');
  return proof;
}

function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

/** The `Host` the client sent, which proofs cover; the one on the wire leads to this node. */
function restoreHost(request: IncomingMessage, host: string): void {
  request.headers.host = host;
  const at = request.rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (at >= 0) request.rawHeaders[at + 1] = host;
}

function statedRequest(request: IncomingMessage, { body }: NodeProof): NodeRequest {
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    body,
    client: headerOf(request, 'talos-node-client'),
    host: headerOf(request, 'talos-node-host'),
    authorization: headerOf(request, 'authorization'),
    contentType: headerOf(request, 'content-type'),
  };
}

/** One window for the present run of each number: an earlier run never sends again. */
function createWindows(): { of(run: NodeRun): ReplayWindow } {
  const byNode = new Map<number, { readonly boot: number; readonly window: ReplayWindow }>();
  return {
    of: ({ node, boot }) => {
      const known = byNode.get(node);
      if (known?.boot === boot) return known.window;
      if (node > MAX_NODES || (known !== undefined && known.boot > boot)) {
        throw new TrustError('REPLAY', 'the request is of an earlier start of its node');
      }
      const window = createReplayWindow(WINDOW);
      byNode.set(node, { boot, window });
      return window;
    },
  };
}

function refused(reason: string): TrustError {
  return new TrustError('PROOF_INVALID', reason, {
    hint: 'only nodes of this platform, which share its keys, may call here',
  });
}

function skewed(): TrustError {
  return new TrustError('PROOF_INVALID', `the clocks of the nodes differ by more than ${SKEW_SECONDS} s`, {
    hint: 'set the clocks of the machines, for example with NTP',
  });
}
