export { createNodeCrypto } from './crypto.js';
