import { parentPort, workerData } from 'node:worker_threads';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { serveSignatures } from '../signature-thread.js';

// A thread of the signature pool that ends at the message `end`, answers wrongly at `lie`, and forges at `forge`.
const crypto = createNodeCrypto();
const port = parentPort;

if (port !== null) {
  serveSignatures(port, workerData as SharedArrayBuffer, {
    ...crypto,
    ed25519Verify(signature, message, publicKey) {
      const text = Buffer.from(message).toString('latin1');
      if (text === 'end') throw new Error('as it was told');
      if (text === 'lie') port.postMessage(0);
      if (text === 'forge') port.postMessage('yes');
      return crypto.ed25519Verify(signature, message, publicKey);
    },
  });
}
