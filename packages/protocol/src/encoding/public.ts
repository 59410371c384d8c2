// What the package offers of its folder encoding, by name.
export { decodeBase58, encodeBase58 } from './base58.js';
export { decodeBase64url, encodeBase64url } from './base64url.js';
export { type Cursor, compareCursors, decodeCursor, encodeCursor } from './cursor.js';
export { decodeHex, encodeHex } from './hex.js';
export { canonicalBytes, canonicalize } from './jcs.js';
export {
  isJsonObject,
  type JsonLimits,
  type JsonObject,
  type JsonValue,
  parseJson,
  parseJsonObject,
} from './json.js';
export { printable } from './printable.js';
export { formatTime, parseTime } from './time.js';
export { decodeUtf8, encodeUtf8, utf8Length } from './utf8.js';
export { createUuidv7, isUuidv7, uuidv7Time } from './uuid.js';
