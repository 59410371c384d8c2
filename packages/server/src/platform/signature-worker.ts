import { parentPort, workerData } from 'node:worker_threads';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import { serveSignatures } from './signature-thread.js';

// The program of a thread of the signature pool.
if (parentPort !== null)
  serveSignatures(parentPort, workerData as SharedArrayBuffer, await createFastestCrypto());
