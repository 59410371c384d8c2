export { ADMINISTRATOR_FILE, type AdministratorOptions, openAdministratorKey } from './administrator.js';
export { defaultDataFolder, type Machine } from './data-folder.js';
export { decodeKeyEnvelope, encodeKeyEnvelope, isSealedEnvelope, type StoredKey } from './key-envelope.js';
export { readKeyFile, readOrCreateKeyFile, syncEntry, writeKeyFile } from './key-file.js';
