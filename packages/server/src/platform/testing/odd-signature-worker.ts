import { parentPort, workerData } from 'node:worker_threads';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { serveSignatures } from '../signature-thread.js';

// A thread of the signature pool that ends at the message `end`, answers more than it was asked at `lie`, gives an answer
// that is none at `forge`, and sends a message of its own at `shout`.
const crypto = createNodeCrypto();
const port = parentPort;
const memory = workerData as SharedArrayBuffer;

if (port !== null) {
  serveSignatures(port, memory, {
    ...crypto,
    ed25519Verify(signature, message, publicKey) {
      const text = Buffer.from(message).toString('latin1');
      if (text === 'end') throw new Error('as it was told');
      if (text === 'lie') Atomics.add(new Int32Array(memory, 0, 3), 1, 5);
      if (text === 'forge') new Int32Array(memory, 12).fill(7);
      if (text === 'shout') port.postMessage('yes');
      return crypto.ed25519Verify(signature, message, publicKey);
    },
  });
}
