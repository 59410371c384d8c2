import { decodeBase64url } from '../encoding/base64url.js';
import { encodeUtf8 } from '../encoding/utf8.js';

/** The encodings of compact JWS, which a host may have in native code. All codecs give the same answers. */
export interface Codec {
  /** Strict base64url, as `decodeBase64url`. The bytes may share memory with others: read them and let them go.
   *  @throws {TrustError} MALFORMED */
  decodeBase64url(text: string): Uint8Array;
  /** The bytes of a text known to be ASCII. They may share memory with others: read them and let them go. */
  encodeAscii(text: string): Uint8Array;
}

/** The codec of hosts that have no better one. */
export const portableCodec: Codec = { decodeBase64url, encodeAscii: encodeUtf8 };
