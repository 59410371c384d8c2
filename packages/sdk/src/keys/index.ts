export { decodeKeyEnvelope, encodeKeyEnvelope, isSealedEnvelope, type StoredKey } from './key-envelope.js';
