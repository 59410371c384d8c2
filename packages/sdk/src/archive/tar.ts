import { TrustError } from '@talosprotocol/protocol';

/** Everything in a tar file is a multiple of this. */
export const BLOCK = 512;

/** A file in a tar file. */
export interface TarEntry {
  readonly path: string;
  readonly size: number;
  /** False for what is no file of ours: folders, and headers that other programs add. */
  readonly isFile: boolean;
}

const NAME = { at: 0, length: 100 };
const MODE = { at: 100, length: 8 };
const SIZE = { at: 124, length: 12 };
const TIME = { at: 136, length: 12 };
const CHECKSUM = { at: 148, length: 8 };
const TYPE = 156;
const MAGIC = 257;
const PREFIX = { at: 345, length: 155 };
/** Folders, and the extended headers of pax. */
const SKIPPED = '5xg';

/** Writes the header of a file, as POSIX ustar has it: mode 0600, owned by nobody, without a time.
 *  @throws {RangeError} a path of more than 100 ASCII characters, or a size beyond 8 GiB */
export function encodeTarHeader(path: string, size: number): Uint8Array {
  if (!/^[!-~]{1,100}$/.test(path) || size < 0 || size >= 2 ** 33)
    throw new RangeError(`${path} does not fit`);
  const block = new Uint8Array(BLOCK);
  writeText(block, NAME.at, path);
  writeText(block, MODE.at, '0000600\0');
  writeText(block, 108, '0000000\x000000000\0');
  writeText(block, SIZE.at, `${size.toString(8).padStart(11, '0')}\0`);
  writeText(block, TIME.at, '00000000000\0');
  writeText(block, MAGIC, 'ustar\x0000');
  block[TYPE] = '0'.charCodeAt(0);
  writeText(block, CHECKSUM.at, `${checksumOf(block).toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** Reads a header; undefined for the block of zeros that ends a tar file.
 *  @throws {TrustError} MALFORMED */
export function parseTarHeader(block: Uint8Array): TarEntry | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (readOctal(block, CHECKSUM) !== checksumOf(block)) throw malformed('a header is damaged');
  const type = String.fromCharCode(block[TYPE] ?? 0);
  const size = readOctal(block, SIZE);
  const prefix = readText(block, PREFIX);
  const path = `${prefix === '' ? '' : `${prefix}/`}${readText(block, NAME)}`.replace(/^(?:\.\/)+/, '');
  if (SKIPPED.includes(type)) return { path, size: type === '5' ? 0 : size, isFile: false };
  if (type !== '0' && type !== '\0') throw malformed(`${path} is no file`);
  return { path, size, isFile: true };
}

/** Bytes up to the next block. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

interface Field {
  readonly at: number;
  readonly length: number;
}

function writeText(block: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i += 1) block[at + i] = text.charCodeAt(i);
}

function readText(block: Uint8Array, { at, length }: Field): string {
  const text = String.fromCharCode(...block.subarray(at, at + length));
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function readOctal(block: Uint8Array, field: Field): number {
  const text = readText(block, field).trim();
  if (!/^[0-7]{1,11}$/.test(text)) throw malformed('a number in a header is none');
  return Number.parseInt(text, 8);
}

/** The sum of all bytes, those of the checksum counted as spaces. */
function checksumOf(block: Uint8Array): number {
  const inside = block.subarray(CHECKSUM.at, CHECKSUM.at + CHECKSUM.length);
  const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0);
  return sum(block) - sum(inside) + CHECKSUM.length * 32;
}

function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', `the tar file: ${reason}`, {
    hint: 'An archive is a tar file that talos audit log export wrote; a bundle is for talos audit verify.',
  });
}
