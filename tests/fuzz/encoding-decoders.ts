import { isDeepStrictEqual } from 'node:util';
import {
  canonicalize,
  decodeBase58,
  decodeBase64,
  decodeBase64url,
  decodeCursor,
  decodeHex,
  decodeSessionId,
  encodeBase58,
  encodeBase64,
  encodeBase64url,
  encodeCursor,
  encodeHex,
  encodeSessionId,
  formatTime,
  isUuidv7,
  parseJson,
  parseTime,
  portableCrypto,
  uuidv7Time,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { bytes, type Decoder, members, same, text } from './decoder.js';

const node = createNodeCrypto();
const OBJECTS = [
  '{"iss":"a","exp":1,"grants":[{"scope":"tool:fs","ops":["read"]}],"é":"\\ud83d\\ude42"}',
  '[1,-2,9007199254740991,"x\\n\\u0041",true,false,null,{},[]]',
  '{"a":{"b":{"c":[[[[1.5e3]]]]}}," ":0,"__proto__":1}',
];

/** What JSON.parse makes of a text that the strict parser accepted, with `__proto__` as an own member in both. */
function agrees(input: Uint8Array, floats: boolean): string | undefined {
  const value = parseJson(input, { floats });
  const written = canonicalize(value);
  if (canonicalize(parseJson(written, { floats })) !== written) return 'is another after it was written';
  if (JSON.stringify(JSON.parse(written)).length > 0 && !isDeepStrictEqual(JSON.parse(written), value)) {
    return 'is another to JSON.parse';
  }
  return isDeepStrictEqual(JSON.parse(Buffer.from(input).toString()), value) || floats
    ? undefined
    : 'was read in another way than by JSON.parse';
}

function decodesAlike(input: string): string | undefined {
  const outcome = (decode: (text: string) => Uint8Array): string => {
    try {
      return encodeHex(decode(input));
    } catch {
      return 'refused';
    }
  };
  const [ours, portable, fast] = [
    outcome(decodeBase64url),
    outcome(portableCrypto.codec.decodeBase64url),
    outcome(node.codec.decodeBase64url),
  ];
  if (ours !== portable || ours !== fast) return `decoded as ${ours}, ${portable} and ${fast}`;
  return same(encodeBase64url(decodeBase64url(input)), input);
}

export const ENCODINGS: readonly Decoder[] = [
  bytes('JSON', [...OBJECTS.slice(0, 2), ...members('json', 'text')], (input) => agrees(input, false)),
  bytes('JSON with floats', [...OBJECTS, '[0.1,1e21,-0.0,1E-7]'], (input) => agrees(input, true)),
  text('base64url', ['', 'AA', 'AAA', 'aGVsbG8gd29ybGQ', 'A'.repeat(86)], decodesAlike),
  text('base64', ['', 'AA==', 'AAA=', 'aGVsbG8gd29ybGQh'], (input) =>
    same(encodeBase64(decodeBase64(input)), input),
  ),
  text('base58', ['', '1', '11', 'z6Mk', '6MkjV5rb9rkJrjqL7V911KMwTExyc5mHNQBBnbfUqBLVeBG'], (input) =>
    same(encodeBase58(decodeBase58(input)), input),
  ),
  text('hex', ['', '00', 'ff'.repeat(32)], (input) => same(encodeHex(decodeHex(input)), input)),
  text('cursor', members('cursor', 'text'), (input) => same(encodeCursor(decodeCursor(input)), input)),
  text('time', members('time', 'text'), (input) => same(formatTime(parseTime(input)), input)),
  text('UUIDv7', members('uuid', 'text'), (input) => {
    if (!isUuidv7(input)) return 'refused';
    return Number.isSafeInteger(uuidv7Time(input)) ? undefined : 'has no time';
  }),
  text('session id', members('session-id', 'sid'), (input) =>
    same(encodeSessionId(decodeSessionId(input)), input),
  ),
];
