import { createHash } from 'node:crypto';
import {
  canonicalBytes,
  canonicalize,
  compareCursors,
  decodeBase64url,
  decodeCursor,
  decodeHex,
  decodeUtf8,
  encodeBase64url,
  encodeCursor,
  encodeHex,
  encodeUtf8,
  isUuidv7,
  parseJson,
  parseJsonObject,
  uuidv7Time,
} from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { readStandard, standardsFolder } from '../support/standards.js';

const folder = standardsFolder();
const CONTRACTS = 'talos/talos-contracts';
const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

describe.skipIf(folder === undefined)('encoding standards (skipped without ../shared/vectors)', () => {
  it.each(['arrays', 'french', 'structures', 'values'])('RFC 8785 %s: byte-identical', (name) => {
    const vector = readStandard<{ input: string; output: string; outhex: string }>(
      `standards/rfc8785/${name}.json`,
    );
    const written = canonicalize(parseJson(vector.input, { floats: true }));
    expect(written).toBe(vector.output);
    expect(encodeHex(encodeUtf8(written))).toBe(vector.outhex);
    expect(canonicalize(parseJson(decodeHex(vector.outhex), { floats: true }))).toBe(vector.output);
  });

  it('base64url', () => {
    const vectors = readStandard<{ valid: { bytes_hex: string; encoded: string }[]; invalid: string[] }>(
      `${CONTRACTS}/test_vectors/base64url.json`,
    );
    expect(vectors.valid.length + vectors.invalid.length).toBeGreaterThan(10);
    for (const { bytes_hex, encoded } of vectors.valid) {
      expect(encodeBase64url(decodeHex(bytes_hex))).toBe(encoded);
      expect(encodeHex(decodeBase64url(encoded))).toBe(bytes_hex);
    }
    for (const text of vectors.invalid) expect(() => decodeBase64url(text), text).toThrow('malformed');
  });

  it('uuidv7', () => {
    const vectors = readStandard<{ valid: string[]; invalid: string[] }>(
      `${CONTRACTS}/test_vectors/uuidv7.json`,
    );
    expect(vectors.valid.map(isUuidv7)).not.toContain(false);
    expect(vectors.invalid.map(isUuidv7)).not.toContain(true);
    expect(vectors.valid.map(uuidv7Time)).toEqual(vectors.valid.map(() => 0x0190a5e07c3a));
  });

  it('cursor_derivation', () => {
    const vectors = readStandard<{ timestamp: number; event_id: string; expected_cursor: string }[]>(
      `${CONTRACTS}/test_vectors/cursor_derivation.json`,
    );
    for (const { timestamp, event_id, expected_cursor } of vectors) {
      const cursor = { seconds: timestamp, id: event_id };
      expect(encodeCursor(cursor)).toBe(expected_cursor);
      expect(decodeCursor(expected_cursor)).toEqual(cursor);
    }
  });

  it('ordering', () => {
    type Place = { timestamp: number; event_id: string };
    const vectors = readStandard<{ a: Place; b: Place; expected: number }[]>(
      `${CONTRACTS}/test_vectors/ordering.json`,
    );
    const cursor = (place: Place) => ({ seconds: place.timestamp, id: place.event_id });
    for (const { a, b, expected } of vectors) expect(compareCursors(cursor(a), cursor(b))).toBe(expected);
  });

  it('canonical_hash', () => {
    const vectors = readStandard<{ tests: { input: unknown; expected_json: string }[] }>(
      `${CONTRACTS}/test_vectors/crypto/canonical_hash.json`,
    );
    for (const { input, expected_json } of vectors.tests) expect(canonicalize(input)).toBe(expected_json);
  });

  it('hashing_vectors', () => {
    const vectors = readStandard<{
      tool_call_vectors: { input: unknown; digest: string }[];
      document_vectors: { input?: unknown; input_b64?: string; digest: string }[];
    }>(`${CONTRACTS}/schemas/mcp/hashing_vectors.json`);
    for (const { input, digest } of vectors.tool_call_vectors) {
      expect(sha256Hex(canonicalize(input))).toBe(digest);
    }
    for (const { input, input_b64, digest } of vectors.document_vectors) {
      const text =
        input_b64 === undefined ? canonicalize(input) : Buffer.from(input_b64, 'base64').toString();
      expect(sha256Hex(text)).toBe(digest);
    }
  });

  it('frame_codec: base64url over canonical JSON', () => {
    const vectors = readStandard<{
      vectors: { inputs: Record<string, string>; expected: Record<string, unknown> }[];
      negative_cases: { test_id: string; inputs: Record<string, string> }[];
    }>(`${CONTRACTS}/test_vectors/sdk/frame_codec.json`);
    const [encode, decode] = vectors.vectors as [(typeof vectors.vectors)[0], (typeof vectors.vectors)[0]];
    const frame = {
      type: encode.inputs['frame_type'],
      version: 1,
      flags: 0,
      payload: encodeBase64url(encodeUtf8(encode.inputs['payload_utf8']!)),
    };
    expect(encodeBase64url(canonicalBytes(frame))).toBe(encode.expected['encoded_base64url']);
    const decoded = parseJsonObject(decodeBase64url(decode.inputs['encoded_base64url']!));
    expect(decoded).toMatchObject({
      type: decode.expected['frame_type'],
      version: decode.expected['version'],
      flags: decode.expected['flags'],
    });
    expect(decodeUtf8(decodeBase64url(decoded['payload'] as string))).toBe('test payload');
    const refused = ['decode_truncated', 'decode_garbage'];
    for (const { inputs } of vectors.negative_cases.filter((row) => refused.includes(row.test_id))) {
      const bytes = () =>
        inputs['encoded_hex']
          ? decodeHex(inputs['encoded_hex'])
          : decodeBase64url(inputs['encoded_base64url']!);
      expect(() => parseJson(bytes())).toThrow('malformed');
    }
  });

  it('identity_vectors: the strict encodings inside them', () => {
    type Row = { name: string; data: Record<string, unknown> };
    const vectors = readStandard<Record<string, { valid: Row[]; invalid: Row[] }>>(
      `${CONTRACTS}/test_vectors/sdk/identity_vectors.json`,
    );
    for (const { valid, invalid } of Object.values(vectors)) {
      for (const { data } of valid) {
        expect(parseJson(canonicalize(data))).toEqual(data);
        expect(isUuidv7(data['id'] as string)).toBe(true);
      }
      const cases = invalid.filter(({ name }) => /cas(e|ing)/.test(name));
      for (const { data } of cases) expect(isUuidv7(data['id'] as string)).toBe(false);
    }
  });

  it('talos-sdk-ts negative vectors: a repeated member is refused', () => {
    const base = 'talos/talos-sdk-ts/test_vectors/negative';
    const repeated = readStandard<{ input: string }>(`${base}/duplicate_keys.json`);
    expect(() => parseJson(repeated.input)).toThrow('a repeated member name');
  });
});
