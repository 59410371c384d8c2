import { writeUtf8 } from './utf8.js';

/** Bytes that are written one piece after the other, in room that stays for the next time. */
export interface GrowingBytes {
  put(byte: number): void;
  putAll(bytes: Uint8Array): void;
  /** What all characters of an ASCII text are. */
  putAscii(text: string): void;
  /** The text between quotation marks, if it is ASCII without a character that JSON escapes; false, and then nothing was put. */
  putQuoted(text: string): boolean;
  /** Text without a lone surrogate. */
  putUtf8(text: string): void;
  /** Lends what was put since the last time, until the next piece is put. */
  take(): Uint8Array;
  /** Forgets what was put since the last time. */
  clear(): void;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Makes room for so many bytes. It grows if need be; what was made for more is not kept. */
export function createGrowingBytes(room: number): GrowingBytes {
  let bytes = new Uint8Array(room);
  let at = 0;

  function reserve(count: number): void {
    if (at + count <= bytes.length) return;
    const larger = new Uint8Array(2 * (at + count));
    larger.set(bytes.subarray(0, at));
    bytes = larger;
  }

  function clear(): void {
    at = 0;
    if (bytes.length > room) bytes = new Uint8Array(room);
  }

  return {
    put(byte) {
      reserve(1);
      bytes[at++] = byte;
    },
    putAll(some) {
      reserve(some.length);
      // `set` costs more for so little.
      for (let i = 0; i < some.length; i++) bytes[at++] = some[i] as number;
    },
    putAscii(text) {
      reserve(text.length);
      for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    },
    putQuoted(text) {
      reserve(text.length + 2);
      const from = at + 1;
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) return false;
        bytes[from + i] = code;
      }
      bytes[at] = QUOTE;
      at = from + text.length + 1;
      bytes[at - 1] = QUOTE;
      return true;
    },
    putUtf8(text) {
      reserve(3 * text.length);
      at += writeUtf8(text, bytes.subarray(at));
    },
    take() {
      const put = bytes.subarray(0, at);
      clear();
      return put;
    },
    clear,
  };
}
