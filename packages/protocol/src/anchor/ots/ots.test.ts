import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHex, encodeHex } from '../../encoding/hex.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import { isTrustError } from '../../error.js';
import type { OtsAttestation } from './attestation.js';
import { encodeOtsFile, parseOtsFile } from './file.js';
import { appendOp, applyOp, MAX_MESSAGE, type OtsOp, readOp, SHA256_OP } from './op.js';
import { createOtsReader, encodeOtsNumber } from './reader.js';
import {
  attestationsOf,
  encodeOtsTimestamp,
  type OtsBranch,
  type OtsTimestamp,
  parseOtsTimestamp,
} from './timestamp.js';

const message = sha256(encodeUtf8('something'));
const malformed = (reason: string) =>
  expect.objectContaining({
    code: 'MALFORMED',
    data: expect.objectContaining({ reason: expect.stringContaining(reason) }),
  });
const bitcoin = (height: number): OtsBranch => ({ attestation: { kind: 'bitcoin', height } });
const then = (
  of: Uint8Array,
  op: OtsOp,
  branches: (result: Uint8Array) => readonly OtsBranch[],
): OtsBranch => {
  const result = applyOp(op, of);
  return { op, result: { message: result, branches: branches(result) } };
};
const BITCOIN_5 = '000588960d73d719010105';
const parse = (hex: string) => parseOtsTimestamp(decodeHex(hex), message);
const calendar = (address: string): string => {
  const inner = [...encodeOtsNumber(address.length), ...encodeUtf8(address)];
  return `0083dfe30d2ef90c8e${encodeHex(Uint8Array.from([...encodeOtsNumber(inner.length), ...inner]))}`;
};

describe('timestamps of OpenTimestamps (AUD-39)', () => {
  it.each([
    ['sha1', '02', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
    ['ripemd160', '03', '9c1185a5c5e9fc54612808977ee8f548b2258d31'],
    ['sha256', '08', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['keccak256', '67', 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
  ])('knows %s', (_, tag, hash) => {
    const op = readOp(Number.parseInt(tag, 16), createOtsReader(new Uint8Array(0)));
    expect(encodeHex(applyOp(op, new Uint8Array(0)))).toBe(hash);
  });

  it('knows append, prepend, reverse and hexlify', () => {
    const [append, prepend, reverse, hexlify] = ['f00201ff', 'f10201ff', 'f2', 'f3'].map((hex) => {
      const reader = createOtsReader(decodeHex(hex));
      return readOp(reader.byte(), reader);
    }) as [OtsOp, OtsOp, OtsOp, OtsOp];
    const input = Uint8Array.of(7, 8);
    expect(encodeHex(applyOp(append, input))).toBe('070801ff');
    expect(encodeHex(applyOp(prepend, input))).toBe('01ff0708');
    expect(encodeHex(applyOp(reverse, input))).toBe('0807');
    expect(applyOp(hexlify, input)).toEqual(encodeUtf8('0708'));
  });

  it('writes back what it reads, with every kind of attestation and branches in their order', () => {
    const attestation = fc.oneof(
      fc.record({ kind: fc.constant('bitcoin' as const), height: fc.nat() }),
      fc.record({
        kind: fc.constant('pending' as const),
        calendar: fc.constantFrom('https://a.calendar.test', 'https://b.test:8443/x_y-z'),
      }),
      fc.record({
        kind: fc.constant('unknown' as const),
        tag: fc.constantFrom('06869a0d73d71b45', '30fe8087b5c7ead7'),
        payload: fc.uint8Array({ maxLength: 200 }),
      }),
    ) as fc.Arbitrary<OtsAttestation>;
    const op = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map((argument): OtsOp => ({ tag: 0xf1, argument })),
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map(appendOp),
      fc.constantFrom<OtsOp>(SHA256_OP, { tag: 3 }, { tag: 0xf2 }, { tag: 103 }),
    );
    type Plan = readonly (OtsAttestation | { readonly op: OtsOp; readonly below: Plan })[];
    const plan = fc.letrec<{ plan: Plan }>((tie) => ({
      plan: fc.array(fc.oneof({ depthSize: 'small' }, attestation, fc.record({ op, below: tie('plan') })), {
        minLength: 1,
        maxLength: 3,
      }) as fc.Arbitrary<Plan>,
    })).plan;
    const build = (of: Uint8Array, parts: Plan): OtsTimestamp => ({
      message: of,
      branches: parts.map((part) =>
        'op' in part
          ? { op: part.op, result: build(applyOp(part.op, of), part.below) }
          : { attestation: part },
      ),
    });
    fc.assert(
      fc.property(plan, (parts) => {
        const timestamp = build(message, parts);
        expect(parseOtsTimestamp(encodeOtsTimestamp(timestamp), message)).toEqual(timestamp);
      }),
      { numRuns: 200 },
    );
  });

  it('gives each attestation with the message it is of', () => {
    const timestamp: OtsTimestamp = {
      message,
      branches: [then(message, appendOp(Uint8Array.of(1)), () => [bitcoin(2)]), bitcoin(1)],
    };
    const found = attestationsOf(parseOtsTimestamp(encodeOtsTimestamp(timestamp), message));
    expect(found).toEqual([
      { message: Uint8Array.of(...message, 1), attestation: { kind: 'bitcoin', height: 2 } },
      { message, attestation: { kind: 'bitcoin', height: 1 } },
    ]);
  });

  it('keeps attestations of others, which count for nothing', () => {
    expect(attestationsOf(parse('0006869a0d73d71b450101'))).toEqual([
      { message, attestation: { kind: 'unknown', tag: '06869a0d73d71b45', payload: Uint8Array.of(1) } },
    ]);
  });

  it.each([
    ['nothing', '', 'cut off'],
    ['an operation and nothing behind it', '08', 'cut off'],
    ['a fork with one branch', `ff${BITCOIN_5}`, 'cut off'],
    ['an argument that is cut off', 'f0ff0101', 'cut off'],
    ['an attestation that is cut off', BITCOIN_5.slice(0, -2), 'cut off'],
    ['bytes behind the end', `${BITCOIN_5}00`, 'behind its end'],
    ['bytes behind a height', '000588960d73d71901020500', 'behind its end'],
    ['an operation that is not known', `09${BITCOIN_5}`, 'not known'],
    ['an argument of no bytes', `f000${BITCOIN_5}`, 'too short or too long'],
    ['an argument of 4,097 bytes', `f08120${'00'.repeat(4_097)}${BITCOIN_5}`, 'too short or too long'],
    ['a message of 4,097 bytes', `f0e11f${'00'.repeat(4_065)}${BITCOIN_5}`, 'message becomes too long'],
    ['a message doubled eight times', `${'f3'.repeat(8)}${BITCOIN_5}`, 'message becomes too long'],
    ['a number with a zero before it', '000588960d73d71901028500', 'shortest form'],
    ['a number beyond 2^32', '000588960d73d7190105ffffffff7f', 'too large'],
    ['a number without end', `000588960d73d7190114${'ff'.repeat(20)}`, 'too large'],
    ['a payload of 8,193 bytes', `0006869a0d73d71b458140${'00'.repeat(8_193)}`, 'too short or too long'],
    ['257 operations on each other', `${'08'.repeat(257)}${BITCOIN_5}`, 'too many operations'],
    ['a calendar with a query', calendar('https://a.test/?x'), 'odd address'],
    ['a calendar with a line feed', calendar('https://a.test/\n'), 'odd address'],
    ['a calendar without address', '0083dfe30d2ef90c8e0100', 'too short or too long'],
  ])('refuses %s', (_, hex, reason) => {
    expect(() => parse(hex)).toThrow(malformed(reason));
  });

  it('takes 256 operations on each other, and a message of 4,096 bytes', () => {
    expect(attestationsOf(parse(`${'08'.repeat(256)}${BITCOIN_5}`))).toHaveLength(1);
    const long = attestationsOf(parse(`f0e01f${'00'.repeat(4_064)}${BITCOIN_5}`));
    expect(long[0]?.message).toHaveLength(MAX_MESSAGE);
  });

  it('is not written for a message of which nothing is known', () => {
    expect(() => encodeOtsTimestamp({ message, branches: [] })).toThrow(TypeError);
  });
});

describe('files of OpenTimestamps (AUD-39)', () => {
  const timestamp = { message, branches: [bitcoin(358_391)] };
  const file = encodeOtsFile({ hash: 8, timestamp });

  it('are written back as they were read', () => {
    expect(parseOtsFile(file)).toEqual({ hash: 8, timestamp });
    const ofSha1 = { hash: 2, timestamp: { message: message.subarray(0, 20), branches: [bitcoin(1)] } };
    expect(parseOtsFile(encodeOtsFile(ofSha1))).toEqual(ofSha1);
  });

  it.each([
    ['another beginning', (bytes: Uint8Array) => bytes.with(3, 0), 'no timestamp'],
    ['another version', (bytes: Uint8Array) => bytes.with(31, 2), 'another version'],
    ['a digest that is not known', (bytes: Uint8Array) => bytes.with(32, 9), 'digest that is not known'],
    ['bytes behind the end', (bytes: Uint8Array) => Uint8Array.of(...bytes, 0), 'behind its end'],
    [
      'more than 16,384 bytes',
      (bytes: Uint8Array) => Uint8Array.of(...bytes, ...new Uint8Array(16_384)),
      'large',
    ],
  ])('are refused with %s', (_, change, reason) => {
    expect(() => parseOtsFile(change(file))).toThrow(malformed(reason));
  });

  it('are refused wherever they are cut off', () => {
    for (let length = 0; length < file.length; length++)
      expect(() => parseOtsFile(file.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'MALFORMED' }),
      );
  });

  it('are refused or written back as they came, whatever is in them', () => {
    const head = file.subarray(0, 33 + 32);
    const tails = fc.array(fc.constantFrom('00', '08', 'f2', 'f3', 'ff', 'f0', 'f1', '01', '02', BITCOIN_5), {
      maxLength: 24,
    });
    fc.assert(
      fc.property(tails, (tail) => {
        const input = Uint8Array.of(...head, ...decodeHex(tail.join('')));
        try {
          expect(encodeOtsFile(parseOtsFile(input))).toEqual(input);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
