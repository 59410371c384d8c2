import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createCosigner,
  createNoteSigner,
  createNoteVerifier,
  createSigner,
  createTreeHasher,
  decodeUtf8,
  EMPTY_EDGE,
  encodeUtf8,
  formatVerifierKey,
  growLog,
  type LogEdge,
  type NoteSigner,
  signCheckpoint,
  type TrustedLog,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);

/** A key that signs checkpoints under a name. */
export function noteKey(name: string, seed: number): { readonly vkey: string; readonly signer: NoteSigner } {
  const { publicKey, sign } = createSigner(new Uint8Array(32).fill(seed), crypto);
  return {
    vkey: formatVerifierKey(crypto.sha256, name, publicKey),
    signer: createNoteSigner(crypto.sha256, { name, publicKey, sign }),
  };
}

/** The files of one history of a log. */
export interface History {
  readonly size: number;
  readonly root: Uint8Array;
  /** By path below the prefix; the checkpoint is not among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  append(...entries: readonly (string | Uint8Array)[]): History;
}

/** A history is never changed: a log that forks goes on from one of its histories in two ways. */
export function history(
  edge: LogEdge = EMPTY_EDGE,
  files: ReadonlyMap<string, Uint8Array> = new Map(),
): History {
  const now = growLog(hasher, edge, []);
  return {
    size: now.size,
    root: now.root,
    files,
    append: (...entries) => {
      const bytes = entries.map((entry) => (typeof entry === 'string' ? encodeUtf8(entry) : entry));
      const grown = growLog(hasher, edge, bytes);
      return history(
        grown.edge,
        new Map([...files, ...grown.writes.map((one) => [one.path, one.bytes] as const)]),
      );
    },
  };
}

/** So many entries, each with a text of its own. */
export function entries(count: number, name = 'entry'): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index}`);
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A log server that says whatever it is told to. */
export interface LyingLog {
  readonly url: string;
  readonly log: TrustedLog;
  readonly vkey: string;
  /** Paths that were asked for, oldest first. */
  readonly asked: string[];
  /** Serves the files of a history, and its checkpoint. */
  show(
    history: History,
    options?: { readonly origin?: string; readonly signers?: readonly NoteSigner[] },
  ): string;
  /** Answers one path in its own way, until `honest`. */
  lie(path: string, answer: Answer | Uint8Array | string): void;
  honest(): void;
  close(): Promise<void>;
}

export const ORIGIN = 'log.test/one';

export async function openLyingLog(origin = ORIGIN, seed = 21): Promise<LyingLog> {
  const key = noteKey(origin, seed);
  let files = new Map<string, Uint8Array>();
  const lies = new Map<string, Answer>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/tlog\//, '');
    asked.push(path);
    const lie = lies.get(path);
    if (lie !== undefined) return lie(request, response);
    const bytes = files.get(path);
    if (bytes === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tlog`,
    log: { origin, keys: [createNoteVerifier(crypto, key.vkey)] },
    vkey: key.vkey,
    asked,
    show: (shown, options = {}) => {
      const { size, root } = shown;
      const text = { origin: options.origin ?? origin, size, root, extensions: [] };
      const note = signCheckpoint(text, options.signers ?? [key.signer]);
      files = new Map([...shown.files, ['checkpoint', encodeUtf8(note)]]);
      return note;
    },
    lie: (path, answer) =>
      void lies.set(path, typeof answer === 'function' ? answer : (_, response) => void response.end(answer)),
    honest: () => lies.clear(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A witness that signs whatever it is shown, at a fixed time. */
export function witness(
  name: string,
  seed: number,
  time = 1_700_000_000,
): { readonly vkey: string; readonly signer: NoteSigner } {
  const { publicKey, sign } = createSigner(new Uint8Array(32).fill(seed), crypto);
  const { vkey, keyId, cosign } = createCosigner(crypto.sha256, { name, publicKey, sign });
  return { vkey, signer: { name, keyId, sign: (message) => cosign(decodeUtf8(message), time).signature } };
}
