import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  appendOp,
  applyOp,
  bitcoinHash,
  encodeOtsTimestamp,
  type OtsAttestation,
  type OtsBranch,
  type OtsOp,
  type OtsTimestamp,
  SHA256_OP,
} from '@talosprotocol/protocol';

/** A block that nobody mined: what an explorer knows of it. */
export interface LocalBlock {
  readonly height: number;
  readonly hash: string;
  readonly header: Uint8Array;
}

/** What a hostile calendar answers in place of the honest one. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}
export type Hostility = (
  honest: Uint8Array,
  request: { readonly path: string; readonly body: Buffer },
) => Answer;

/** A calendar as they are: it promises, aggregates what was handed in into a Merkle tree, and brings the root into a block. */
export interface LocalCalendar {
  readonly url: string;
  /** Makes a block with all that was handed in since the last one. */
  mine(): LocalBlock;
  /** Digests that are in no block yet. */
  waiting(): number;
  readonly blocks: readonly LocalBlock[];
  /** Digests that were handed in. */
  readonly received: readonly Buffer[];
  /** Set to make it hostile. */
  hostility: Hostility | undefined;
  /** What its promises name in place of its own address. */
  alias: string | undefined;
  close(): Promise<void>;
}

const sha256 = (...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());

export async function startLocalCalendar(firstHeight = 900_000): Promise<LocalCalendar> {
  const pending: Uint8Array[] = [];
  const kept = new Map<string, OtsTimestamp>();
  const blocks: LocalBlock[] = [];
  const received: Buffer[] = [];
  const server = createServer((request, response) => void answer(request, response));
  const calendar: LocalCalendar = {
    url: '',
    blocks,
    received,
    hostility: undefined,
    alias: undefined,
    mine: () => {
      const height = firstHeight + blocks.length;
      const { root, paths } = aggregate(pending.splice(0));
      const header = madeUpHeader(root, 1_790_000_000 + 600 * blocks.length);
      for (const [message, ops] of paths) kept.set(hex(message), timestampOf(message, ops, height));
      const block = { height, hash: bitcoinHash(header), header };
      blocks.push(block);
      return block;
    },
    waiting: () => pending.length,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  /** As python's calendar does: something of its own behind the digest, hashed, and a promise for that. */
  const promise = (digest: Uint8Array): Uint8Array => {
    const own = appendOp(new Uint8Array(randomBytes(8)));
    const appended = applyOp(own, digest);
    const message = applyOp(SHA256_OP, appended);
    pending.push(message);
    const attested: OtsTimestamp = {
      message,
      branches: [{ attestation: { kind: 'pending', calendar: calendar.alias ?? calendar.url } }],
    };
    const hashed: OtsTimestamp = { message: appended, branches: [{ op: SHA256_OP, result: attested }] };
    return encodeOtsTimestamp({ message: digest, branches: [{ op: own, result: hashed }] });
  };
  const honest = (path: string, body: Buffer): Answer => {
    if (path === '/digest') {
      received.push(body);
      return { body: promise(new Uint8Array(body)) };
    }
    const found = kept.get(path.replace('/timestamp/', ''));
    return found === undefined ? { status: 404, body: 'Pending' } : { body: encodeOtsTimestamp(found) };
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [path, body] = [request.url ?? '', Buffer.concat(chunks)];
    const good = honest(path, body);
    const {
      status = 200,
      headers = {},
      body: bytes = '',
    } = calendar.hostility?.(good.body as Uint8Array, { path, body }) ?? good;
    response.writeHead(status, headers).end(bytes);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(calendar, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** So many hashes on each other, and a promise of what comes of them. */
export function deepPromise(depth: number, calendar: string): Uint8Array {
  const ops = Array.from({ length: depth }, () => SHA256_OP);
  return encodeOtsTimestamp(stepsOf(new Uint8Array(32), ops, { kind: 'pending', calendar }));
}

/** Each of these attested behind something of its own. */
export function attested(attestations: readonly OtsAttestation[]): Buffer {
  const message = new Uint8Array(32);
  const branches = attestations.map((attestation, index) => ({
    op: appendOp(Uint8Array.of(index)),
    result: { message, branches: [{ attestation }] },
  }));
  return Buffer.from(encodeOtsTimestamp({ message, branches }));
}

/** The answer with so many bytes more, which attest nothing that anybody knows. */
export function padded(answer: Uint8Array, bytes: number): Buffer {
  const attestation = [...Buffer.from('ff00', 'hex'), ...randomBytes(8)];
  const length = [(bytes & 0x7f) | 0x80, bytes >> 7];
  return Buffer.from([...attestation, ...length, ...new Uint8Array(bytes), ...answer]);
}

/** A Merkle tree as Bitcoin has it above transactions: pairs hashed twice, an odd one with itself. */
function aggregate(leaves: readonly Uint8Array[]): {
  readonly root: Uint8Array;
  readonly paths: readonly (readonly [leaf: Uint8Array, ops: OtsOp[]])[];
} {
  const paths = leaves.map((leaf) => [leaf, [] as OtsOp[]] as const);
  let level = leaves.map((leaf, index) => ({ hash: leaf, members: [index] }));
  while (level.length > 1) {
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, pair) => {
      const left = level[2 * pair] as (typeof level)[number];
      const right = level[2 * pair + 1] ?? left;
      for (const member of left.members) paths[member]?.[1].push(appendOp(right.hash), SHA256_OP, SHA256_OP);
      if (right !== left)
        for (const member of right.members)
          paths[member]?.[1].push({ tag: 0xf1, argument: left.hash }, SHA256_OP, SHA256_OP);
      const members = right === left ? left.members : [...left.members, ...right.members];
      return { hash: sha256(sha256(left.hash, right.hash)), members };
    });
  }
  return { root: level[0]?.hash ?? new Uint8Array(32), paths };
}

function timestampOf(message: Uint8Array, ops: readonly OtsOp[], height: number): OtsTimestamp {
  return stepsOf(message, ops, { kind: 'bitcoin', height });
}

function stepsOf(message: Uint8Array, ops: readonly OtsOp[], attestation: OtsAttestation): OtsTimestamp {
  const messages = [message];
  for (const op of ops) messages.push(applyOp(op, messages.at(-1) as Uint8Array));
  let branch: OtsBranch = { attestation };
  for (const [index, op] of [...ops.entries()].toReversed())
    branch = { op, result: { message: messages[index + 1] as Uint8Array, branches: [branch] } };
  return { message, branches: [branch] };
}

/** The 80 bytes of a header with this Merkle root; only what an anchor reads is in it. */
export function madeUpHeader(merkleRoot: Uint8Array, time: number): Uint8Array {
  const header = new Uint8Array(80);
  header.set(merkleRoot, 36);
  new DataView(header.buffer).setUint32(68, time, true);
  return header;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** An explorer that knows these blocks, with as many others on the last as it takes to be final. */
export async function startLocalExplorer(
  blocks: () => readonly LocalBlock[],
  depth = 5,
): Promise<{ readonly url: string; readonly asked: readonly string[]; close(): Promise<void> }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const all = blocks();
    const [, kind, what, part] = (request.url ?? '').split('/');
    const found =
      kind === 'blocks'
        ? String((all.at(-1)?.height ?? 0) + depth)
        : kind === 'block-height'
          ? all.find(({ height }) => String(height) === what)?.hash
          : part === 'header'
            ? all.flatMap(({ hash, header }) => (hash === what ? [hex(header)] : []))[0]
            : undefined;
    response.writeHead(found === undefined ? 404 : 200).end(found ?? 'Block not found');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
