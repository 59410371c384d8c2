import {
  createCosignatureVerifier,
  createWitnessPolicy,
  formatAddCheckpoint,
  formatNote,
  parseNote,
  parseSignatureLines,
  readCosignatures,
  signNote,
  verifySplitView,
} from '@talosprotocol/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../platform/migrations.js';
import { createSql, type Sql } from '../platform/sql.js';
import { openTestDatabase, type TestDatabase } from '../platform/testing/database.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { WITNESS_MIGRATIONS } from './migrations.js';
import { cosignerOf, crypto, forkingLog, hasher } from './testing/forks.js';
import { createWitness, type Witness, type WitnessAnswer, type WitnessDeps } from './witness.js';

const ORIGIN = 'log.example/1';
const log = forkingLog(ORIGIN);
const cosigner = cosignerOf(50);

let database: TestDatabase;
let other: Sql;
let now = 1_790_000_000_000;
let lines: string[];
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, WITNESS_MIGRATIONS);
  other = createSql({ address: database.address });
});
afterAll(async () => {
  await other?.close();
  await database?.close();
});
beforeEach(async () => {
  await database.sql.query('TRUNCATE witness_log, witness_split_view');
  now = 1_790_000_000_000;
  lines = [];
});

function witnessOf(changes: Partial<WitnessDeps> = {}): Witness {
  return createWitness({
    sql: database.sql,
    clock: { now: () => now, monotonic: () => 0 },
    log: createTestLog(lines),
    crypto,
    cosigner,
    logs: () => new Map([[ORIGIN, log.trusted]]),
    ...changes,
  });
}

/** The status, and what says more: the size it must go on from, or the reason. */
function said(answer: WitnessAnswer): [number, (number | string)?] {
  if ('lines' in answer) return [200];
  return 'size' in answer ? [answer.status, answer.size] : [answer.status, answer.reason];
}

/** When the witness signed this checkpoint; fails if it did not. */
function timeOf(answer: WitnessAnswer, checkpoint: string): number {
  if (!('lines' in answer)) throw new Error(`refused: ${JSON.stringify(answer)}`);
  const signatures = parseSignatureLines(answer.lines);
  const note = formatNote({ text: parseNote(checkpoint).text, signatures });
  const policy = createWitnessPolicy(crypto, { witnesses: [cosigner.vkey], quorum: 1 });
  const [cosigned] = readCosignatures(note, policy).cosignatures;
  if (cosigned === undefined) throw new Error('not cosigned');
  return cosigned.time;
}

const SIZE_REFUSED = 'the consistency proof does not hold';

describe('a witness (AUD-30, C2SP tlog-witness)', () => {
  it('cosigns what continues the last checkpoint, and remembers it', async () => {
    const witness = witnessOf();
    for (const [from, to] of [
      [0, 3],
      [3, 4],
      [4, 11],
      [11, 11],
    ] as const) {
      now += 1_000;
      const answer = await witness.addCheckpoint(log.request(from, to));
      expect(timeOf(answer, log.checkpoint(to))).toBe(Math.floor(now / 1000));
    }
    const [seen] = await witness.seen();
    expect(seen).toMatchObject({ origin: ORIGIN, size: 11, time: now / 1000, splitViews: 0 });
    const note = parseNote(seen?.note ?? '');
    expect(note.text).toBe(parseNote(log.checkpoint(11)).text);
    expect(note.signatures.map(({ name }) => name)).toEqual([ORIGIN, 'witness.example/w1']);
    expect(witness.vkey).toBe(cosigner.vkey);
    expect(createCosignatureVerifier(crypto, witness.vkey).name).toBe(witness.name);
  });

  it('says where it stands to whoever does not know, or knows it wrong', async () => {
    const witness = witnessOf();
    expect(said(await witness.addCheckpoint(log.request(5, 9)))).toEqual([409, 0]);
    expect(said(await witness.addCheckpoint(log.request(0, 7)))).toEqual([200]);
    for (const [from, to] of [
      [0, 9],
      [3, 9],
      [8, 9],
      [0, 3],
      [3, 5],
      [5, 5],
    ] as const)
      expect(said(await witness.addCheckpoint(log.request(from, to)))).toEqual([409, 7]);
  });

  it('takes no request twice: the second time the log must go on from what it did', async () => {
    const witness = witnessOf();
    await witness.addCheckpoint(log.request(0, 3));
    const request = log.request(3, 7);
    expect(said(await witness.addCheckpoint(request))).toEqual([200]);
    expect(said(await witness.addCheckpoint(request))).toEqual([409, 7]);
    // An answer that was lost is asked for again.
    now += 60_000;
    expect(timeOf(await witness.addCheckpoint(log.request(7, 7)), log.checkpoint(7))).toBe(now / 1000);
  });

  it('never follows a log back, nor into another history of the same or a greater size', async () => {
    const witness = witnessOf();
    await witness.addCheckpoint(log.request(0, 7));
    expect(said(await witness.addCheckpoint(log.request(0, 5)))).toEqual([409, 7]);
    expect(said(await witness.addCheckpoint(log.request(0, 7, 'other')))).toEqual([409, 7]);
    expect(said(await witness.addCheckpoint(log.request(7, 7, 'other')))).toEqual([
      409,
      'another root was seen at this size',
    ]);
    expect(said(await witness.addCheckpoint(log.request(7, 9, 'other')))).toEqual([422, SIZE_REFUSED]);
    expect(said(await witness.addCheckpoint(log.request(7, 8, 'other')))).toEqual([422, SIZE_REFUSED]);
    expect((await witness.seen())[0]).toMatchObject({ size: 7, note: expect.stringContaining('\n7\n') });
    expect(said(await witness.addCheckpoint(log.request(7, 9)))).toEqual([200]);
  });

  it('keeps the proof that a log showed two histories, and says so', async () => {
    const witness = witnessOf();
    await witness.addCheckpoint(log.request(0, 7));
    for (const request of [
      log.request(0, 7, 'other'),
      log.request(7, 7, 'other'),
      log.request(7, 11, 'other'),
      log.request(7, 11, 'other'),
    ])
      await witness.addCheckpoint(request);
    const proofs = await witness.splitViews(ORIGIN);
    expect(proofs).toHaveLength(2);
    for (const proof of proofs) {
      const { older, newer } = verifySplitView(proof, log.trusted, hasher);
      expect([older.size, [7, 11].includes(newer.size)]).toEqual([7, true]);
    }
    expect((await witness.seen())[0]?.splitViews).toBe(2);
    expect(lines.filter((line) => line.includes('SPLIT_VIEW') && line.includes(ORIGIN))).toHaveLength(4);
    for (let size = 12; size < 40; size += 1) await witness.addCheckpoint(log.request(7, size, 'other'));
    expect(await witness.splitViews(ORIGIN)).toHaveLength(16);
    expect(await witness.splitViews('log.example/2')).toEqual([]);
  });

  it('accuses nobody of a proof that anybody could have sent', async () => {
    const witness = witnessOf();
    await witness.addCheckpoint(log.request(0, 7));
    const checkpoint = log.checkpoint(12);
    for (const proof of [
      [],
      log.proof(6, 12),
      log.proof(7, 11),
      log.proof(7, 12).slice(1),
      log.proof(7, 12, 'other'),
    ])
      expect(
        said(await witness.addCheckpoint(formatAddCheckpoint({ oldSize: 7, proof, checkpoint }))),
      ).toEqual([422, SIZE_REFUSED]);
    expect(await witness.splitViews(ORIGIN)).toEqual([]);
    expect(lines.join('')).not.toContain('SPLIT_VIEW');
  });

  it('demands an empty proof from a log without leaves, and its empty root', async () => {
    const witness = witnessOf();
    const proof = log.proof(3, 7);
    const request = formatAddCheckpoint({ oldSize: 0, proof, checkpoint: log.checkpoint(7) });
    expect(said(await witness.addCheckpoint(request))).toEqual([422, SIZE_REFUSED]);
    const text = `${ORIGIN}\n0\n${Buffer.alloc(32, 1).toString('base64')}\n`;
    const odd = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: resigned(text) });
    expect(said(await witness.addCheckpoint(odd))).toEqual([422, SIZE_REFUSED]);
    expect(said(await witness.addCheckpoint(log.request(0, 0)))).toEqual([200]);
    expect(said(await witness.addCheckpoint(odd))).toEqual([409, expect.any(String)]);
    expect(said(await witness.addCheckpoint(log.request(0, 0)))).toEqual([200]);
    expect(said(await witness.addCheckpoint(log.request(0, 4)))).toEqual([200]);
  });

  it('knows a log by its origin, and its word by its key', async () => {
    const witness = witnessOf();
    const stranger = forkingLog('log.example/2');
    expect(said(await witness.addCheckpoint(stranger.request(0, 3)))).toEqual([404, 'unknown log']);
    const forger = forkingLog(ORIGIN, 9);
    expect(said(await witness.addCheckpoint(forger.request(0, 3)))).toEqual([403, 'invalid signature']);
    const bent = log.request(0, 3).replace('\n3\n', '\n4\n');
    expect(said(await witness.addCheckpoint(bent))).toEqual([403, 'invalid signature']);
    const both = formatNote({
      text: parseNote(log.checkpoint(3)).text,
      signatures: [
        ...parseNote(forger.checkpoint(3)).signatures,
        ...parseNote(log.checkpoint(3)).signatures,
        cosignerOf(51, 'other.example').cosign('x', 1),
      ],
    });
    const request = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: both });
    expect(said(await witness.addCheckpoint(request))).toEqual([200]);
    // What others signed is ignored, and not kept.
    expect(parseNote((await witness.seen())[0]?.note ?? '').signatures).toHaveLength(2);
  });

  it('cosigns extension lines with the rest', async () => {
    const text = parseNote(log.checkpoint(3)).text;
    const checkpoint = resigned(`${text}extension of the log\n`);
    const answer = await witnessOf().addCheckpoint(
      formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint }),
    );
    expect(timeOf(answer, checkpoint)).toBe(now / 1000);
    expect(() => timeOf(answer, log.checkpoint(3))).toThrow('does not verify');
  });

  it('refuses what is malformed, and sizes that run backwards', async () => {
    const witness = witnessOf();
    for (const text of ['', 'old 0\n', 'old x\n\na\n', log.request(0, 3).replace('old 0', 'old 00')])
      expect(said(await witness.addCheckpoint(text))).toEqual([400, expect.stringContaining('malformed')]);
    const odd = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: resigned(`${ORIGIN}\n-1\nAAAA\n`) });
    expect(said(await witness.addCheckpoint(odd))).toEqual([400, expect.stringContaining('malformed')]);
    await witness.addCheckpoint(log.request(0, 7));
    const back = formatAddCheckpoint({ oldSize: 7, proof: [], checkpoint: log.checkpoint(5) });
    expect(said(await witness.addCheckpoint(back))).toEqual([400, expect.stringContaining('old size')]);
  });

  it('makes no cosignature that states an earlier time than one it follows', async () => {
    const witness = witnessOf();
    const first = timeOf(await witness.addCheckpoint(log.request(0, 3)), log.checkpoint(3));
    now -= 3_600_000;
    expect(timeOf(await witness.addCheckpoint(log.request(3, 5)), log.checkpoint(5))).toBe(first);
  });

  it('cosigns one history, however many ask at a time, in however many processes', async () => {
    const witnesses = [witnessOf(), witnessOf({ sql: other })];
    const histories = ['true', 'b', 'c', 'd'];
    const ask = (history: string, at: number, from: number, to: number) =>
      (witnesses[at % 2] as Witness).addCheckpoint(log.request(from, to, history));
    let size = 0;
    for (const next of [3, 6, 7, 11, 16, 17]) {
      const from = size;
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, at) => ask(histories[at % 4] as string, at, from, next)),
      );
      const winners = answers.flatMap((answer, at) => ('lines' in answer ? [histories[at % 4]] : []));
      expect([next, winners.length]).toEqual([next, 1]);
      // Whoever came second is told, or was caught.
      for (const answer of answers) if (!('lines' in answer)) expect([409, 422]).toContain(answer.status);
      const [seen] = await witnesses[0]!.seen();
      expect(seen?.size).toBe(next);
      expect(parseNote(seen?.note ?? '').text).toBe(parseNote(log.checkpoint(next, winners[0])).text);
      // From here on the histories of the losers are gone for good.
      histories.splice(0, 4, winners[0] as string, ...['x', 'y', 'z'].map((name) => name + next));
      size = next;
    }
  });

  it('follows other logs as its settings say, each by itself', async () => {
    const second = forkingLog('log.example/2', 3);
    let logs = new Map([[ORIGIN, log.trusted]]);
    const witness = witnessOf({ logs: () => logs });
    await witness.addCheckpoint(log.request(0, 7));
    expect(said(await witness.addCheckpoint(second.request(0, 3)))).toEqual([404, 'unknown log']);
    logs = new Map([...logs, [second.origin, second.trusted]]);
    expect(said(await witness.addCheckpoint(second.request(0, 3)))).toEqual([200]);
    expect((await witness.seen()).map(({ origin, size }) => [origin, size])).toEqual([
      [ORIGIN, 7],
      ['log.example/2', 3],
    ]);
  });

  it('gives no cosignature out when it cannot remember', async () => {
    const gone = createSql({ address: database.address });
    await gone.close();
    await expect(witnessOf({ sql: gone }).addCheckpoint(log.request(0, 3))).rejects.toThrow();
    expect(await witnessOf().seen()).toEqual([]);
  });
});

/** The log's signature under any text. */
function resigned(text: string): string {
  const [{ keyId } = { keyId: 0 }] = parseNote(log.checkpoint(1)).signatures;
  const sign = (message: Uint8Array) => crypto.ed25519Sign(message, new Uint8Array(32).fill(1));
  return signNote(text, [{ name: ORIGIN, keyId, sign }]);
}
