import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnchorSettings, OpenTimestampsProof } from '@talosprotocol/contracts';
import {
  type CosignatureVerifier,
  createCosignatureVerifier,
  createTreeHasher,
  encodeBase64url,
  encodeHex,
  encodeOtsFile,
  encodeUtf8,
  formatNote,
  otsDigest,
  parseNote,
  parseSignatureLines,
  rootOf,
  SHA256_OP,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSecret } from '../../platform/secret.js';
import {
  type LocalCalendar,
  madeUpHeader,
  startLocalCalendar,
  startLocalExplorer,
} from '../anchor/ots/testing/local-calendar.js';
import { AUDIT_LIMITS, type AuditDeps } from '../deps.js';
import { type Audit, createAudit } from '../service.js';
import { type AuditWorld, auditDeps, decision, openAuditWorld } from '../testing/room.js';
import { openTileStore } from '../tile-store.js';
import { type OddWitness, openOddWitness } from '../witness/testing/odd-witness.js';
import { anchorFiles, archiveOf, bringLog, type Files, storedRows } from './testing/archived-log.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);
const ORIGIN = 'talos.test/log/default';
const HEIGHT = 900_000;

let world: AuditWorld;
let place: string;
let folder: string;
let vkey: string;
/** Of a log that two witnesses watched, with three anchors. */
let files: Files;
let size: number;
let roots: (at: number) => Uint8Array;
let anchors: readonly OpenTimestampsProof[];
let watchers: readonly [OddWitness, OddWitness];
let known: readonly CosignatureVerifier[];
let calendar: LocalCalendar;
const open: Audit[] = [];

/** A proof of the kind that a calendar leads to, at once: in a block of which nothing else is. */
function stamped(
  at: number,
  root: Uint8Array,
  origin = ORIGIN,
  height = HEIGHT + at,
): OpenTimestampsProof & { readonly header: string } {
  const message = otsDigest(origin, at, root);
  const branches = [{ attestation: { kind: 'bitcoin' as const, height } }];
  const file = encodeOtsFile({ hash: SHA256_OP.tag, timestamp: { message, branches } });
  const header = encodeBase64url(madeUpHeader(message, 1_790_000_000));
  const claim = { origin, size: at, root: encodeHex(root) };
  return { kind: 'opentimestamps', ...claim, ots: encodeBase64url(file), header };
}

beforeAll(async () => {
  [world, calendar] = await Promise.all([openAuditWorld(), startLocalCalendar()]);
  place = await mkdtemp(join(tmpdir(), 'talos-proofs-'));
  watchers = [await openOddWitness(61), await openOddWitness(62)];
  known = watchers.map((witness) => createCosignatureVerifier(crypto, witness.vkey));
  folder = await world.fresh();
  const audit = await start({ witnesses: watched });
  await Promise.all(Array.from({ length: 300 }, () => audit.record(decision({ effect: 'deny' }))));
  const { id } = await audit.record(decision({ effect: 'deny' }));
  await audit.receipt(`rcp_${id.slice(4)}`, 10_000, 'witnessed');
  await audit.stop();
  open.length = 0;
  size = audit.checkpoint().size;
  vkey = audit.vkey;
  const leaves = (await storedRows(world)).map(({ event }) => hasher.leaf(encodeUtf8(event)));
  roots = (at) => rootOf(hasher, leaves.slice(0, at));
  anchors = [5, 200, size].map((at) => stamped(at, roots(at)));
  files = await archiveOf(world, audit, folder, anchors);
});
beforeEach(async () => {
  folder = await world.fresh();
});
afterEach(async () => {
  for (const audit of open.splice(0)) await audit.stop();
});
afterAll(async () => {
  await Promise.all([world?.close(), calendar?.close(), ...(watchers ?? []).map((one) => one.close())]);
  await rm(place, { recursive: true, force: true });
});

const watched = () => ({ witnesses: watchers.map(({ vkey, url }) => ({ vkey, url })), quorum: 2 });
/** The same keys, and nobody answers there. */
const unreachable = () => ({
  witnesses: watchers.map(({ vkey }) => ({ vkey, url: 'http://127.0.0.1:9/none' })),
  quorum: 2,
});

async function start(changes: Partial<AuditDeps> = {}): Promise<Audit> {
  const witness = { ...AUDIT_LIMITS.witness, roundMs: 20, timeoutMs: 400, askMs: 1_500, waitMs: 2_000 };
  const limits = { ...AUDIT_LIMITS, intervalMs: 10, witness };
  const audit = createAudit(auditDeps(world.sql, folder, { limits, ...changes }));
  open.push(audit);
  await audit.start();
  return audit;
}

const bring = (from: Files, witnesses = known) => bringLog(from, { world, place, folder, vkey, witnesses });
const withFiles = (...changes: readonly (readonly [string, Uint8Array | undefined])[]): Files => {
  const changed = new Map(files);
  for (const [name, bytes] of changes)
    if (bytes === undefined) changed.delete(name);
    else changed.set(name, bytes);
  return changed;
};
const withAnchors = (list: readonly unknown[]): Files =>
  withFiles(['anchors/000.json', undefined], ...anchorFiles(list));
const noteOf = (): string => Buffer.from(files.get('checkpoint')!).toString('utf8');
/** The checkpoint with the log's own line and these others. */
const withLines = (...lines: readonly string[]): Files => {
  const { text, signatures } = parseNote(noteOf());
  const own = signatures.filter(({ name }) => name === ORIGIN);
  const others = lines.flatMap((line) => parseSignatureLines(line));
  return withFiles(['checkpoint', encodeUtf8(formatNote({ text, signatures: [...own, ...others] }))]);
};
const textOf = (): string => parseNote(noteOf()).text;
const namesOf = (note: string | null | undefined): string[] =>
  parseNote(note ?? '').signatures.map(({ name }) => name);

async function kept() {
  const [row] = await world.sql.query<{ note: string; witnessed: string | null }>(
    'SELECT note, witnessed FROM audit_checkpoint',
  );
  return row;
}
const keptAnchors = () =>
  world.sql.query<{ place: string; size: number; imported: boolean }>(
    'SELECT place, size, imported FROM audit_anchor ORDER BY size',
  );

async function bundleOf(audit: Audit, to: number) {
  let text = '';
  for await (const part of await audit.bundle({ from: 0, to })) text += part;
  return JSON.parse(text) as { checkpoint: string; anchors: OpenTimestampsProof[] };
}

async function expectNothing(): Promise<void> {
  expect([await storedRows(world), await keptAnchors()]).toEqual([[], []]);
  expect(await (await openTileStore(folder)).readCheckpoint()).toBeUndefined();
}

function anchoring(more: object = {}): Partial<AuditDeps> {
  const settings = [{ kind: 'opentimestamps', calendars: [calendar.url], everySeconds: 3600, ...more }];
  const key = async () => createSecret(new Uint8Array(32).fill(3));
  return {
    chainAnchors: { settings: settings as AnchorSettings[], key, limits: { otsPollMs: 30, answerMs: 2_000 } },
  };
}

const blocksOf = (proofs: readonly OpenTimestampsProof[], other = 0) =>
  proofs.map((proof) => {
    const header = madeUpHeader(
      otsDigest(ORIGIN, proof.size, Buffer.from(proof.root, 'hex')),
      1_790_000_000 + other,
    );
    const hash = encodeHex(crypto.sha256(crypto.sha256(header)).toReversed());
    return { height: HEIGHT + proof.size, hash, header };
  });

// AUD-129
describe('what proves the past of a log that is imported', () => {
  it('is in what is exported then as it was before, though nobody of outside is there', async () => {
    const { end, imported } = await bring(files);
    expect([end, imported]).toMatchObject([
      'imported',
      { anchors: 3, cosigned: expect.arrayContaining(watchers.map(({ name }) => name)), leftOut: 0 },
    ]);
    const audit = await start({ witnesses: unreachable });
    const { checkpoint, anchors: proofs } = await bundleOf(audit, 100);
    expect(namesOf(checkpoint).sort()).toEqual([...watchers.map(({ name }) => name), ORIGIN].sort());
    expect(proofs).toMatchObject([{ proof: anchors[1], consistency: expect.any(Array) }]);
    expect(audit.witnesses().checkpoint).toMatchObject({ size });
    expect((await audit.anchoring.evidence({ size: 5, kind: undefined })).anchor).toEqual(anchors[0]);
  });

  it('comes from archives that have none of it as well, without it', async () => {
    const old = withFiles(['anchors/000.json', undefined], ['anchors.json', undefined]);
    expect(await bring(old, [])).toMatchObject({
      end: 'imported',
      imported: { anchors: 0, cosigned: [], leftOut: 2 },
    });
    expect(await keptAnchors()).toEqual([]);
  });

  it('is not filled in where there are anchors already', async () => {
    await world.sql.query(
      `INSERT INTO audit_anchor (place, size, root, begun_ms, version) VALUES ('evm x', 1, '', 1, 1)`,
    );
    expect((await bring(files)).end).toBe('CONFLICT');
  });
});

// AUD-129
describe('the cosignatures of an archive', () => {
  it('are left out, counted and told, where talos.yaml does not name who signed', async () => {
    expect((await bring(files, known.slice(0, 1))).imported).toMatchObject({
      cosigned: [watchers[0].name],
      leftOut: 1,
    });
    const row = await kept();
    expect([namesOf(row?.note), namesOf(row?.witnessed)]).toEqual([[ORIGIN], [ORIGIN, watchers[0].name]]);
    // One of two is too few, and so is nobody.
    const audit = await start({ witnesses: unreachable });
    expect(namesOf((await bundleOf(audit, 100)).checkpoint)).toEqual([ORIGIN]);
  });

  it('by another key under the name of a witness are those of somebody who is not known', async () => {
    const [one] = watchers;
    const from = withLines(one.lines(textOf(), undefined, 99));
    expect((await bring(from)).imported).toMatchObject({ cosigned: [], leftOut: 1 });
    expect((await kept())?.witnessed).toBeNull();
  });

  it('count once, however often they are there', async () => {
    const [one] = watchers;
    const from = withLines(one.lines(textOf(), 1_790_000_000), one.lines(textOf(), 1_790_000_001));
    expect((await bring(from)).imported).toMatchObject({ cosigned: [one.name], leftOut: 0 });
    expect(namesOf((await kept())?.witnessed)).toEqual([ORIGIN, one.name]);
  });

  it.each<[string, () => Files]>([
    ['is of another checkpoint', () => withLines(watchers[0].lines(textOf().replace(/\n\d+\n/, '\n7\n')))],
    [
      'has one bit that is another',
      () => {
        const [line] = parseSignatureLines(watchers[0].lines(textOf()));
        const { text, signatures } = parseNote(noteOf());
        const signature = Uint8Array.from(line!.signature);
        signature[70]! ^= 1;
        const own = signatures.filter(({ name }) => name === ORIGIN);
        const note = formatNote({ text, signatures: [...own, { ...line!, signature }] });
        return withFiles(['checkpoint', encodeUtf8(note)]);
      },
    ],
    [
      'states another time than was signed',
      () => {
        const { text, signatures } = parseNote(noteOf());
        const changed = signatures.map((line) => {
          if (line.name !== watchers[0].name) return line;
          const signature = Uint8Array.from(line.signature);
          signature[7]! ^= 1;
          return { ...line, signature };
        });
        return withFiles(['checkpoint', encodeUtf8(formatNote({ text, signatures: changed }))]);
      },
    ],
  ])('refuse it where one by a witness %s', async (_, from) => {
    expect(await bring(from())).toMatchObject({
      end: 'refused',
      faults: [
        { where: 'checkpoint', what: `the cosignature of ${watchers[0].name} is not one of this checkpoint` },
      ],
    });
    await expectNothing();
  });
});

// AUD-129
describe('the anchors of an archive', () => {
  it.each<[string, () => Files, RegExp]>([
    [
      'of another root',
      () => withAnchors([anchors[0], stamped(200, roots(199))]),
      /000\.json: the anchor of 200 events at opentimestamps has another root than the log/,
    ],
    [
      'of more events than there are',
      () => withAnchors([stamped(size + 1, roots(size))]),
      /is of more events than the \d+ of the log/,
    ],
    ['of another log', () => withAnchors([stamped(5, roots(5), 'talos.test/2')]), /is of another log, talos/],
    ['that are there twice', () => withAnchors([anchors[0], anchors[0]]), /is there twice, or not in its/],
    ['out of order', () => withAnchors([anchors[1], anchors[0]]), /is there twice, or not in its order/],
    [
      'whose timestamp is of another one',
      () => withAnchors([{ ...anchors[0], ots: anchors[1]!.ots }]),
      /does not hold: the timestamp is of something else than this checkpoint/,
    ],
    [
      'whose header is that of another block',
      () => withAnchors([{ ...anchors[0], header: anchors[1]!.header }]),
      /does not hold: the timestamp does not lead to the header/,
    ],
    ['that are none', () => withAnchors([{ kind: 'opentimestamps' }]), /an anchor is none: /],
    ['with a member too much', () => withAnchors([{ ...anchors[0], x: 1 }]), /an anchor is none: /],
    [
      'that are cut off',
      () => withFiles(['anchors/000.json', files.get('anchors/000.json')!.subarray(0, 300)]),
      /anchors\/000\.json: cannot be read/,
    ],
    [
      'that are too large',
      () => withFiles(['anchors/000.json', new Uint8Array(9_000_001).fill(32)]),
      /anchors\/000\.json: cannot be read: .* more than it may/,
    ],
    [
      'that are too many for one file',
      () => withFiles(['anchors/000.json', encodeUtf8(JSON.stringify(new Array(33).fill(1)))]),
      /anchors\/000\.json: cannot be read: it has more than 32/,
    ],
    [
      'of which some are not there',
      () => withFiles(['anchors/000.json', anchorFiles(anchors.slice(1)).get('anchors/000.json')]),
      /2 anchors of 3 are there/,
    ],
    ['whose file is gone', () => withFiles(['anchors/000.json', undefined]), /0 anchors of 3 are there/],
    ['whose number is gone', () => withFiles(['anchors.json', undefined]), /is more than the 0 anchors/],
    [
      'of which there are more than it says',
      () => withFiles(['anchors/001.json', encodeUtf8('[]')]),
      /anchors\/001\.json: is more than the 3 anchors/,
    ],
    [
      'that are more than anybody has',
      () => withFiles(['anchors.json', encodeUtf8('{"count":16777217,"format":"talos-log-anchors-v1"}')]),
      /anchors\.json: cannot be read/,
    ],
    [
      'of a form to come',
      () => withFiles(['anchors.json', encodeUtf8('{"count":3,"format":"talos-log-anchors-v2"}')]),
      /anchors\.json: cannot be read/,
    ],
  ])('refuse it: %s', async (_, from, said) => {
    const { end, faults } = await bring(from());
    expect([end, faults.map(({ where, what }) => `${where}: ${what}`)]).toEqual([
      'refused',
      [expect.stringMatching(said)],
    ]);
    await expectNothing();
  });

  it('are blamed for nothing where the tree is damaged: that is named', async () => {
    const tile = Uint8Array.from(files.get('tile/0/000')!);
    tile[33]! ^= 1;
    const { end, faults } = await bring(withFiles(['tile/0/000', tile]));
    expect([end, faults.map(({ where }) => where)]).toEqual(['refused', ['tile/0/000']]);
  });

  it('of a folder that changes after it was examined are not written', async () => {
    let reads = 0;
    const { end } = await bringLog(files, {
      ...{ world, place, folder, vkey, witnesses: known },
      through: (archive) => ({
        ...archive,
        read: async (path, maxBytes) => {
          const bytes = await archive.read(path, maxBytes);
          if (path === 'anchors/000.json' && ++reads > 1) bytes![bytes!.length - 3]! ^= 1;
          return bytes;
        },
      }),
    });
    expect(end).toBe('LOG_CORRUPT');
    await expectNothing();
  });

  it('count neither for the lag nor for pruning before the chain was asked for their blocks', async () => {
    await bring(files);
    const audit = await start(anchoring({ everySeconds: 1 }));
    // By then what is proven was looked at.
    await expect.poll(() => audit.anchoring.status()[0]?.open, { timeout: 5_000 }).toBe(1);
    expect(await audit.anchoring.confirmedSize()).toBe(0);
    expect(audit.anchoring.status()).toMatchObject([
      { proven: undefined, lag: { entries: audit.checkpoint().size } },
    ]);
  });

  it('are gone on from: what is anchored is not anchored again, and the next one comes in its time', async () => {
    await bring(files);
    const explorer = await startLocalExplorer(() => blocksOf(anchors));
    const handed = calendar.received.length;
    const audit = await start(anchoring({ explorer: explorer.url }));
    await expect
      .poll(keptAnchors)
      .toEqual(anchors.map((one) => ({ place: 'opentimestamps', size: one.size, imported: false })));
    expect(await audit.anchoring.confirmedSize()).toBe(size);
    expect(audit.anchoring.status()).toMatchObject([
      { proven: { size }, open: 0, alarms: [], lag: { entries: audit.checkpoint().size - size } },
    ]);
    expect(calendar.received.length).toBe(handed);
    await audit.stop();
    open.length = 0;
    const later = await start(anchoring({ explorer: explorer.url, everySeconds: 1 }));
    await expect.poll(() => later.anchoring.status()[0]?.open, { timeout: 5_000 }).toBe(1);
    expect((await keptAnchors()).map((one) => one.size)).toEqual([5, 200, size, later.checkpoint().size]);
    await explorer.close();
  });

  // AUD-133
  it('stand behind those that the chain has, however small they are', async () => {
    const { header: _, ...bare } = stamped(150, roots(150));
    await bring(withAnchors([anchors[0], bare, ...anchors.slice(1)]));
    const explorer = await startLocalExplorer(() => blocksOf(anchors));
    const audit = await start(anchoring({ explorer: explorer.url }));
    await expect
      .poll(keptAnchors)
      .toEqual(
        [5, 150, 200, size].map((at) => ({ place: 'opentimestamps', size: at, imported: at === 150 })),
      );
    expect((await bundleOf(audit, 100)).anchors).toMatchObject([{ proof: anchors[1] }]);
    expect((await audit.anchoring.evidence({ size: 100, kind: undefined })).anchor).toEqual(anchors[1]);
    await explorer.close();
  });

  // AUD-133
  it('wait for none of a block that is to come', async () => {
    const toCome = stamped(size - 1, roots(size - 1), ORIGIN, 4_000_000_000);
    await bring(withAnchors([anchors[0], anchors[1], toCome]));
    const explorer = await startLocalExplorer(() => blocksOf(anchors));
    const audit = await start(anchoring({ explorer: explorer.url }));
    await expect
      .poll(async () => (await keptAnchors()).map((one) => [one.size, one.imported]))
      .toEqual([
        [5, false],
        [200, false],
        [size - 1, true],
      ]);
    expect(await audit.anchoring.confirmedSize()).toBe(200);
    expect(audit.anchoring.status()).toMatchObject([{ proven: { size: 200 } }]);
    await explorer.close();
  });

  it('are forgotten, and it is said, if the chain has other blocks', async () => {
    await bring(files);
    const blocks = [...blocksOf(anchors.slice(0, 2)), ...blocksOf(anchors.slice(2), 1)];
    const explorer = await startLocalExplorer(() => blocks);
    const audit = await start(anchoring({ explorer: explorer.url }));
    await expect
      .poll(async () => (await keptAnchors()).map((one) => [one.size, one.imported]))
      .toEqual([
        [5, false],
        [200, false],
      ]);
    expect(await audit.anchoring.confirmedSize()).toBe(200);
    expect(audit.anchoring.status()).toMatchObject([
      {
        proven: { size: 200 },
        alarms: [{ code: 'REORG', reason: expect.stringContaining(`imported anchor of size ${size}`) }],
      },
    ]);
    await explorer.close();
  });
});
