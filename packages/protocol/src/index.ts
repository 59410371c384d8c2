// encoding
export { decodeBase58, encodeBase58 } from './encoding/base58.js';
export { decodeBase64url, encodeBase64url } from './encoding/base64url.js';
export { type Cursor, compareCursors, decodeCursor, encodeCursor } from './encoding/cursor.js';
export { decodeHex, encodeHex } from './encoding/hex.js';
export { canonicalize } from './encoding/jcs.js';
export {
  isJsonObject,
  type JsonLimits,
  type JsonObject,
  type JsonValue,
  parseJson,
  parseJsonObject,
} from './encoding/json.js';
export { formatTime, parseTime } from './encoding/time.js';
export { decodeUtf8, encodeUtf8, utf8Length } from './encoding/utf8.js';
export { createUuidv7, isUuidv7, uuidv7Time } from './encoding/uuid.js';

// errors
export { isTrustError, TrustError, type TrustErrorData } from './error.js';
