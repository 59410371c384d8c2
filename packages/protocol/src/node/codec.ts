import type { Codec } from '../crypto/codec.js';
import { decodeBase64url } from '../encoding/base64url.js';

/** The codec of Node, whose Buffers come out of a pool: that saves most of the time. */
export const nodeCodec: Codec = {
  /** Buffer forgives; what it read was canonical if it writes the same text again. */
  decodeBase64url(text) {
    const bytes = Buffer.from(text, 'base64url');
    return bytes.toString('base64url') === text ? bytes : decodeBase64url(text);
  },
  encodeAscii: (text) => Buffer.from(text, 'latin1'),
};
