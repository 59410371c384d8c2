import {
  type BearerKey,
  type CryptoProvider,
  type ParsedChain,
  parseBearerKey,
  parseChain,
} from '@talosprotocol/protocol';
import { parseNamed, readBoundedFile } from './bounded-file.js';
import type { Io } from './io.js';
import { UsageError } from './usage-error.js';

/** A capability as a person named it: a chain, and the key if it was a bearer key. */
export interface GivenCapability {
  readonly chain: ParsedChain;
  readonly key: BearerKey | undefined;
  /** The secret itself if it is a key. */
  readonly text: string;
}

const MAX_BYTES = 65_536;
const KEY = 'talos_';
/** Links are JWS: what looks like one is the chain itself, anything else a file. */
const CHAIN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\./;

/** Reads the chain or bearer key that `source` is, that the file of that name holds, or that standard input holds
 *  (`-`). A bearer key is refused as an argument, where other users of the machine could read it.
 *  @throws {UsageError} | {TrustError} MALFORMED | NOT_FOUND | TOO_LARGE */
export async function readCapability(
  io: Io,
  source: string,
  crypto: CryptoProvider,
): Promise<GivenCapability> {
  if (source.startsWith(KEY))
    throw new UsageError(
      'a bearer key is a secret, and command lines can be seen by others',
      'put it into a file, or use - and standard input',
    );
  const text = (await readSource(io, source)).trim();
  const read = () => parseCapability(text, crypto);
  return CHAIN.test(source) ? read() : parseNamed(source === '-' ? 'standard input' : source, read);
}

function parseCapability(text: string, crypto: CryptoProvider): GivenCapability {
  if (!text.startsWith(KEY)) return { chain: parseChain(text, crypto), key: undefined, text };
  const key = parseBearerKey(text, crypto);
  return { chain: key.chain, key, text };
}

async function readSource(io: Io, source: string): Promise<string> {
  if (source === '-') return io.readStdin(MAX_BYTES);
  if (CHAIN.test(source)) return source;
  return new TextDecoder().decode(await readBoundedFile(io, source, MAX_BYTES));
}
