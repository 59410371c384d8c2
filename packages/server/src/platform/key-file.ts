/** The same files the CLI reads and writes, and so the same code. */
export {
  readKeyFile,
  readOrCreateKeyFile,
  syncEntry,
  writeKeyFile,
} from '@talosprotocol/sdk/keys';
