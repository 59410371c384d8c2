import { createChecker, TrustFile } from '@talosprotocol/contracts';
import { type Anchors, parseAnchors } from '../capability/anchor.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { parseJson } from '../encoding/json.js';
import { malformed } from '../error.js';
import type { TrustedLog } from '../log/checkpoint.js';
import { createNoteVerifier } from '../log/note-key.js';

/** What an auditor decided to trust, ready to verify with (AUD-19). */
export interface Trust {
  /** By origin. A log may appear with several keys while one is replaced. */
  readonly logs: ReadonlyMap<string, TrustedLog>;
  readonly exporters: ReadonlySet<string>;
  readonly emitters: ReadonlySet<string>;
  readonly anchors: Anchors;
}

const check = createChecker(TrustFile);
const MAX_BYTES = 4 * 1024 * 1024;

/** Reads a trust file. A key must be named after the log it speaks for (AUD-12).
 *  @throws {TrustError} MALFORMED */
export function parseTrustFile(bytes: Uint8Array, crypto: CryptoProvider): Trust {
  const value = parseJson(bytes, { maxBytes: MAX_BYTES });
  const wrong = check(value);
  if (wrong !== undefined) throw malformed(`a trust file: ${wrong}`);
  const file = value as unknown as TrustFile;
  const logs = new Map<string, TrustedLog>();
  for (const { origin, vkey } of file.logs) {
    const key = createNoteVerifier(crypto, vkey);
    if (key.name !== origin) throw malformed(`a trust file: the key of ${origin} is named ${key.name}`);
    logs.set(origin, { origin, keys: [...(logs.get(origin)?.keys ?? []), key] });
  }
  return {
    logs,
    exporters: new Set(file.exporters),
    emitters: new Set(file.emitters),
    anchors: parseAnchors(file.anchors, crypto),
  };
}
