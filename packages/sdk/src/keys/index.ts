export { defaultDataFolder, type Machine } from './data-folder.js';
export { decodeKeyEnvelope, encodeKeyEnvelope, isSealedEnvelope, type StoredKey } from './key-envelope.js';
export { readKeyFile, readOrCreateKeyFile, syncEntry, writeKeyFile } from './key-file.js';
