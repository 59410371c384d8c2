import {
  createCosigner,
  createNoteVerifier,
  createWitnessPolicy,
  formatNote,
  formatVerifierKey,
  parseAddCheckpoint,
  parseNote,
  parseSignatureLines,
  readCosignatures,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../packages/server/src/platform/migrations.js';
import { clock } from '../../packages/server/src/platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../packages/server/src/platform/testing/database.js';
import { createTestLog } from '../../packages/server/src/platform/testing/test-log.js';
import { WITNESS_MIGRATIONS } from '../../packages/server/src/witness/migrations.js';
import {
  createWitness,
  type Witness,
  type WitnessAnswer,
} from '../../packages/server/src/witness/witness.js';
import { readStandard, standardsFolder } from '../support/standards.js';

const present = standardsFolder() !== undefined;
if (!present) console.warn('standards data is missing: the witness is not checked against it');
const crypto = createNodeCrypto();

interface WitnessCases {
  readonly log_key_hex: string;
  readonly sequence: readonly {
    readonly request: string;
    readonly status: number;
    readonly asserts: string[];
  }[];
}

describe.skipIf(!present)('a witness (torchwood litewitness, AUD-30)', () => {
  const { log_key_hex, sequence } = present
    ? readStandard<WitnessCases>('standards/tlog-witness/add-checkpoint.json')
    : { log_key_hex: '', sequence: [] };
  const seed = new Uint8Array(32).fill(4);
  const cosigner = createCosigner(crypto.sha256, {
    name: 'example.com/witness',
    publicKey: crypto.ed25519PublicKey(seed),
    sign: (message) => crypto.ed25519Sign(message, seed),
  });

  let database: TestDatabase;
  let witness: Witness;
  beforeAll(async () => {
    database = await openTestDatabase();
    await migrate(database.sql, WITNESS_MIGRATIONS);
    const origin = sequence[0]?.request.split('\n')[2] ?? '';
    const publicKey = Uint8Array.from(Buffer.from(log_key_hex, 'hex'));
    const keys = [createNoteVerifier(crypto, formatVerifierKey(crypto.sha256, origin, publicKey))];
    const logs = new Map([[origin, { origin, keys }]]);
    const { sql } = database;
    witness = createWitness({ sql, clock, log: createTestLog(), crypto, cosigner, logs: () => logs });
  });
  afterAll(() => database?.close());

  const bodyOf = (answer: WitnessAnswer): string => {
    if ('lines' in answer) return answer.lines;
    return 'size' in answer ? `${answer.size}\n` : `${answer.reason}\n`;
  };

  it('answers every request of the sequence as it must', async () => {
    expect(sequence).toHaveLength(9);
    for (const [at, { request, status, asserts }] of sequence.entries()) {
      const answer = await witness.addCheckpoint(request);
      // The script asks for 403 of an unknown log; C2SP tlog-witness says 404, as its later text does.
      const isUnknown = asserts.some((one) => one.includes('unknown log'));
      expect([at, answer.status]).toEqual([at, isUnknown ? 404 : status]);
      for (const assertion of asserts) {
        const [, kind, text = ''] = /^body (contains|==) (".*")$/.exec(assertion) ?? [];
        const wanted = JSON.parse(text) as string;
        const body = bodyOf(answer);
        expect([at, kind === '==' ? body === wanted : body.includes(wanted), body]).toEqual([at, true, body]);
      }
      if (!('lines' in answer)) continue;
      const { text } = parseNote(parseAddCheckpoint(request).checkpoint);
      const note = formatNote({ text, signatures: parseSignatureLines(answer.lines) });
      const policy = createWitnessPolicy(crypto, { witnesses: [cosigner.vkey], quorum: 1 });
      expect(readCosignatures(note, policy).isReached).toBe(true);
    }
  });
});
