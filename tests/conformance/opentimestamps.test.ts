import { createHash } from 'node:crypto';
import {
  attestationsOf,
  bitcoinHash,
  decodeHex,
  encodeHex,
  encodeOtsFile,
  parseBitcoinHeader,
  parseOtsFile,
} from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { readStandard, standardsFolder } from '../support/standards.js';

interface Example {
  readonly name: string;
  readonly file_b64: string;
  readonly ots_b64: string;
}

/** What is in them; of a Bitcoin block its height, and the Merkle root it has to have as explorers show it. That of block
 *  358391 is the root that explorers show. */
const ALICE = 'pending https://alice.btc.calendar.opentimestamps.org';
const BOB = 'pending https://bob.btc.calendar.opentimestamps.org';
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  // Well formed, and of no block: its last argument was changed.
  'bad-stamp.txt.ots': ['358391 1bb49db87782170860c2e467994762f7f00c815d80d712e7eb9a7c14b9811f92'],
  'empty.ots': ['129405 db29fdc2c27a1531ae08a9dff2d9e4dfedd9c902d16de542d8666a27367e5b71'],
  'hello-world.txt.ots': ['358391 8a1b66ecb7cbd07d8139a7e7d7f2c41aab1f5009b8364aaf61d03ad245e47e00'],
  'merkle1.txt.ots': [ALICE, BOB],
  'merkle2.txt.ots': [ALICE, BOB],
  'merkle3.txt.ots': [ALICE, BOB],
  'two-calendars.txt.ots': [ALICE, BOB],
  'unknown-notary.txt.ots': ['unknown 0102030405060708'],
};

describe.skipIf(standardsFolder() === undefined)(
  'OpenTimestamps: the examples of the project (AUD-39)',
  () => {
    const examples =
      standardsFolder() === undefined
        ? []
        : readStandard<Example[]>('standards/opentimestamps/examples.json');

    it('are all there', () => expect(examples).toHaveLength(8));

    for (const { name, file_b64, ots_b64 } of examples) {
      const bytes = new Uint8Array(Buffer.from(ots_b64, 'base64'));
      it(`${name} is of its file, and is written back byte for byte`, () => {
        const file = parseOtsFile(bytes);
        const digest = createHash('sha256').update(Buffer.from(file_b64, 'base64')).digest('hex');
        expect(encodeHex(file.timestamp.message)).toBe(digest);
        expect(encodeOtsFile(file)).toEqual(bytes);
        const said = attestationsOf(file.timestamp).map(({ attestation, message }) => {
          if (attestation.kind === 'pending') return `pending ${attestation.calendar}`;
          if (attestation.kind === 'unknown') return `unknown ${attestation.tag}`;
          return `${attestation.height} ${encodeHex(message.toReversed())}`;
        });
        expect(said).toEqual(EXPECTED[name]);
      });
    }

    it('hello-world.txt.ots leads to the Merkle root in the header of block 358391', () => {
      // As any Bitcoin node has it: the work in its hash shows that nobody made it up.
      const header = decodeHex(
        '02000000b96394585a281b7e5f438fd1c9ed492645a1fd61cb3802040000000000000000007ee445d23ad061af4a36b809501fab1ac4f2d7e7a739817dd0cbb7ec661b8a1e376755f58616186272def6',
      );
      expect(bitcoinHash(header)).toBe('000000000000000003e892881a8cdcdc117c06d444057c98b6f04a9ee75a2319');
      const { merkleRoot, time } = parseBitcoinHeader(header);
      expect(new Date(time * 1000).toISOString()).toBe('2015-05-28T15:41:18.000Z');
      const leadsTo = (name: string): Uint8Array | undefined => {
        const { ots_b64 = '' } = examples.find((example) => example.name === name) ?? {};
        return attestationsOf(parseOtsFile(new Uint8Array(Buffer.from(ots_b64, 'base64'))).timestamp)[0]
          ?.message;
      };
      expect(leadsTo('hello-world.txt.ots')).toEqual(merkleRoot);
      expect(leadsTo('bad-stamp.txt.ots')).not.toEqual(merkleRoot);
    });
  },
);
