import {
  type CryptoProvider,
  decodeBase64url,
  encodeBase64url,
  encodeUtf8,
  equalBytes,
  TrustError,
} from '@talosprotocol/protocol';
import { formatRun, type NodeRun } from './node-run.js';

/** Name of the header in which a node proves itself to another one, and of the one in which that one answers. */
export const NODE_HEADER = 'talos-node';
export const ANSWER_HEADER = 'talos-node-answer';
/** Headers that only nodes may send each other: what arrives with one of them from outside is refused. */
export const NODE_HEADERS: readonly string[] = [
  NODE_HEADER,
  ANSWER_HEADER,
  'talos-node-client',
  'talos-node-host',
];

/** What the proof of a request covers besides who sends it to whom, and when. */
export interface NodeRequest {
  readonly method: string;
  /** The raw origin-form target. */
  readonly target: string;
  /** hex(SHA-256) of the body, or `stream` for one that another credential covers. */
  readonly body: string;
  /** Of a request that is passed on, as its client sent it: the address, `Host`, `Authorization`, `Content-Type`. */
  readonly client: string;
  readonly host: string;
  readonly authorization: string;
  readonly contentType: string;
}

/** The proof itself. */
export interface NodeProof {
  readonly from: NodeRun;
  readonly to: NodeRun;
  /** 1, 2, ... of all requests from this run to that one. */
  readonly seq: number;
  /** Unix seconds. */
  readonly time: number;
  readonly body: string;
  readonly mac: Uint8Array;
}

/** The secret of the nodes: whoever has the gateway's key is a node of the platform.
 *  HKDF-SHA256 (RFC 5869) of its seed, so that what leaks of one key opens nothing of the other. */
export function deriveNodeKey(gatewaySeed: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.hkdfSha256(gatewaySeed, new Uint8Array(32), encodeUtf8('talos-node-key-v1'), 32);
}

/** Writes the header of a request. */
export function formatNodeProof({ from, to, seq, time, body, mac }: NodeProof): string {
  const runs = `from=${formatRun(from)}, to=${formatRun(to)}`;
  return `${runs}, seq=${seq}, time=${time}, body=${body}, mac=${encodeBase64url(mac)}`;
}

const RUN = '([1-9][0-9]{0,9})\\.([1-9][0-9]{0,9})';
const NUMBER = '([1-9][0-9]{0,14})';
const PROOF = new RegExp(
  `^from=${RUN}, to=${RUN}, seq=${NUMBER}, time=${NUMBER}, body=([0-9a-f]{64}|stream), mac=([A-Za-z0-9_-]{43})$`,
);

/** Reads the header: one spelling. @throws {TrustError} MALFORMED */
export function parseNodeProof(text: string): NodeProof {
  const parts = text.length <= 512 ? PROOF.exec(text) : null;
  if (parts === null) throw new TrustError('MALFORMED', `${NODE_HEADER} is not a proof of a node`);
  const [fromNode, fromBoot, toNode, toBoot, seq, time] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    from: { node: fromNode, boot: fromBoot },
    to: { node: toNode, boot: toBoot },
    seq,
    time,
    body: parts[7] ?? '',
    mac: decodeBase64url(parts[8] ?? ''),
  };
}

/** The MAC of a request. */
export function macOfRequest(
  key: Uint8Array,
  proof: Omit<NodeProof, 'mac' | 'body'>,
  request: NodeRequest,
  crypto: CryptoProvider,
): Uint8Array {
  const { from, to, seq, time } = proof;
  const { method, target, body, client, host, authorization, contentType } = request;
  const sender = [formatRun(from), formatRun(to), String(seq), String(time)];
  const lines = ['talos-node-v1', ...sender, method, target, body, client, host, authorization, contentType];
  return crypto.hmacSha256(key, encodeUtf8(lines.join('\n')));
}

/** The MAC of an answer: it belongs to that request alone. */
export function macOfAnswer(
  key: Uint8Array,
  { from, to, seq }: Pick<NodeProof, 'from' | 'to' | 'seq'>,
  answer: { readonly status: number; readonly body: string },
  crypto: CryptoProvider,
): string {
  const request = [formatRun(from), formatRun(to), String(seq)];
  const lines = ['talos-node-answer-v1', ...request, String(answer.status), answer.body];
  return encodeBase64url(crypto.hmacSha256(key, encodeUtf8(lines.join('\n'))));
}

/** Constant time. */
export function isEqualMac(a: string, b: string): boolean {
  return equalBytes(encodeUtf8(a), encodeUtf8(b));
}
