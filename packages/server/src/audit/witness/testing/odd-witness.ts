import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LogWitness } from '@talosprotocol/contracts';
import {
  createCosigner,
  formatSignatureLines,
  parseAddCheckpoint,
  parseCheckpoint,
  parseNote,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';

const crypto = createNodeCrypto();

/** What a witness was asked. */
export interface Asked {
  readonly oldSize: number;
  readonly size: number;
  /** The text of the checkpoint. */
  readonly text: string;
}

/** What a witness answers to one request. */
export type Behaviour = (asked: Asked, response: ServerResponse, witness: OddWitness) => void | Promise<void>;

/** A witness that does what a test wants: by default it follows whatever it is shown. */
export interface OddWitness extends LogWitness {
  readonly name: string;
  /** The size it says it is at. */
  size: number;
  behave: Behaviour;
  readonly asked: Asked[];
  /** Signature lines over a text, by its key or, from another seed, by somebody else's. */
  lines(text: string, time?: number, seed?: number, name?: string): string;
  close(): Promise<void>;
}

/** Says where it is, and cosigns whatever is led on from there. */
export const follow: Behaviour = ({ oldSize, size, text }, response, witness) => {
  if (oldSize !== witness.size) return conflict(witness.size)({ oldSize, size, text }, response, witness);
  witness.size = size;
  answer(200, witness.lines(text))({ oldSize, size, text }, response, witness);
};

/** Says that it is somewhere else. */
export const conflict =
  (size: number | string): Behaviour =>
  (_, response) => {
    response.writeHead(409, { 'content-type': 'text/x.tlog.size' });
    response.end(`${size}\n`);
  };

/** Always the same. */
export const answer =
  (status: number, body: string, type = 'text/plain'): Behaviour =>
  (_, response) => {
    response.writeHead(status, { 'content-type': type });
    response.end(body);
  };

const signerOf = (seed: number, name: string) => {
  const bytes = new Uint8Array(32).fill(seed);
  const publicKey = crypto.ed25519PublicKey(bytes);
  const sign = (message: Uint8Array): Uint8Array => crypto.ed25519Sign(message, bytes);
  return createCosigner(crypto.sha256, { name, publicKey, sign });
};

export async function openOddWitness(fill: number): Promise<OddWitness> {
  const name = `odd.example/w${fill}`;
  const { vkey } = signerOf(fill, name);
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const witness: OddWitness = {
    name,
    vkey,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/prefix`,
    size: 0,
    behave: follow,
    asked: [],
    lines: (text, time = Math.floor(Date.now() / 1000), seed = fill, by = name) =>
      formatSignatureLines([signerOf(seed, by).cosign(text, time)]),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { oldSize, checkpoint } = parseAddCheckpoint(Buffer.concat(chunks).toString('utf8'));
    const { text } = parseNote(checkpoint);
    const asked = { oldSize, size: parseCheckpoint(text).size, text };
    witness.asked.push(asked);
    if (request.method !== 'POST' || request.url !== '/some/prefix/add-checkpoint')
      response.writeHead(404).end();
    else await witness.behave(asked, response, witness);
  }
  return witness;
}
