import { type CryptoProvider, TrustError } from '@talosprotocol/protocol';
import type { ArchiveReader } from '@talosprotocol/sdk/archive';

/** An archive of which every file is the same each time that it is read, so that what was verified is what is written:
 *  a folder may change meanwhile. Keeps a hash of every file, some 150 bytes for 256 events.
 *  `read` @throws {TrustError} LOG_CORRUPT, too, for a file that changed */
export function createSteadyArchive(archive: ArchiveReader, crypto: CryptoProvider): ArchiveReader {
  const seen = new Map<string, string>();
  return {
    read: async (path, maxBytes) => {
      const bytes = await archive.read(path, maxBytes);
      const hash = bytes === undefined ? '' : Buffer.from(crypto.sha256(bytes)).toString('latin1');
      const before = seen.get(path);
      if (before !== undefined && before !== hash)
        throw new TrustError('LOG_CORRUPT', `${path} changed while the archive was read`);
      seen.set(path, hash);
      return bytes;
    },
    close: () => archive.close(),
  };
}
