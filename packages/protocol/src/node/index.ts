export { createNodeCrypto } from './crypto.js';
export { createFastestCrypto, createSodiumCrypto, type Sodium } from './sodium.js';
