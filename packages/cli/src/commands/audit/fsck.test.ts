import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  canonicalBytes,
  commit,
  createCosigner,
  createNoteSigner,
  createSigner,
  createTreeHasher,
  disclose,
  encodeBase64url,
  encodeEntryBundle,
  encodeHashTile,
  encodeHex,
  encodeOtsFile,
  encodeUtf8,
  eventBytes,
  eventHash,
  formatNote,
  formatVerifierKey,
  otsDigest,
  parseEvent,
  parseNote,
  rootOf,
  SHA256_OP,
  signCheckpoint,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { createArchive } from '@talosprotocol/sdk/archive';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCli, type TestCli } from '../../testing/cli.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);
const ORIGIN = 'talos.test/1/default';
const POLICY = 'ab'.repeat(32);
const [log, gateway, other] = [1, 2, 3].map((byte) => createSigner(new Uint8Array(32).fill(byte), crypto));
const vkey = formatVerifierKey(crypto.sha256, ORIGIN, log!.publicKey);
const actor = { kind: 'service', id: 'svc_01890000-0000-7000-8000-000000000001', how: 'key' };
const salt = new Uint8Array(32).fill(9);

/** A log that was opened, and counted for somebody. */
function twoEvents() {
  const common = { v: 1, origin: ORIGIN, tenant: 'default', emitter: gateway!.did, principal: null };
  const id = (n: number): string => `evt_01890a5d-ac96-774b-bcce-b302099a805${n}`;
  const time = '2026-11-23T12:00:00.000Z';
  const opened = { type: 'log.opened', boot: 1, policy: POLICY, size: 0 };
  const first = parseEvent({ ...common, ...opened, id: id(7), time, eseq: 1, prev: null });
  const counted = { type: 'log.counted', size: 1, agents: [], endings: [] };
  const second = parseEvent({
    ...{ ...common, ...counted, id: id(8), time, eseq: 2, prev: eventHash(first, crypto) },
    actor: commit('/actor', actor, salt, crypto),
  });
  return [first, second];
}

const leaves = twoEvents().map(eventBytes);
const hashes = leaves.map((leaf) => hasher.leaf(leaf));
const root = rootOf(hasher, hashes);
const { publicKey, sign } = log!;
const note = signCheckpoint({ origin: ORIGIN, size: 2, root, extensions: [] }, [
  createNoteSigner(crypto.sha256, { name: ORIGIN, publicKey, sign }),
]);
const json = (value: unknown): Uint8Array => canonicalBytes(value);
const MANIFEST = {
  ...{ format: 'talos-log-v1', origin: ORIGIN, vkey, size: 2, root: encodeHex(root) },
  ...{ pruned: 0, disclosures: 1 },
};
const disclosed = [{ index: 1, disclosures: [disclose('/actor', actor, salt)] }];
const WHOLE: Readonly<Record<string, Uint8Array>> = {
  checkpoint: encodeUtf8(note),
  'tile/0/000.p/2': encodeHashTile(hashes),
  'tile/entries/000.p/2': encodeEntryBundle(leaves),
  'disclosures/000.json': json(disclosed),
  'policies.json': json([{ policy: POLICY, anchors: [] }]),
  'talos-log.json': json(MANIFEST),
};
const said = (change: object): Record<string, Uint8Array> => ({
  'talos-log.json': json({ ...MANIFEST, ...change }),
});

/** An anchor that names a block, on the word of a calendar. */
function anchored(size: number, of: Uint8Array, origin = ORIGIN) {
  const branches = [{ attestation: { kind: 'bitcoin' as const, height: 900_000 } }];
  const timestamp = { message: otsDigest(origin, size, of), branches };
  const ots = encodeBase64url(encodeOtsFile({ hash: SHA256_OP.tag, timestamp }));
  return { kind: 'opentimestamps', origin, size, root: encodeHex(of), ots };
}
const withAnchors = (...list: readonly object[]): Record<string, Uint8Array> => ({
  'anchors/000.json': json(list),
  'anchors.json': json({ format: 'talos-log-anchors-v1', count: list.length }),
});

const watcher = createSigner(new Uint8Array(32).fill(4), crypto);
const cosigner = createCosigner(crypto.sha256, {
  name: 'witness.test/w',
  publicKey: watcher.publicKey,
  sign: (message) => watcher.sign(message),
});
/** The checkpoint with a cosignature, of its text or of another. */
const cosigned = (text = parseNote(note).text): Record<string, Uint8Array> => {
  const { text: own, signatures } = parseNote(note);
  const lines = [...signatures, cosigner.cosign(text, 1_790_000_000)];
  return { checkpoint: encodeUtf8(formatNote({ text: own, signatures: lines })) };
};

let cli: TestCli;
let count = 0;
beforeAll(() => {
  cli = createTestCli();
});
afterAll(() => cli.remove());

/** Examines an archive in which some files are others, or not there. */
async function fsck(changes: Readonly<Record<string, Uint8Array | undefined>>, ...more: string[]) {
  return fsckBy(['--vkey', vkey], changes, ...more);
}

/** By a trust file that names a witness, and who may record events. */
async function fsckWatched(
  changes: Readonly<Record<string, Uint8Array | undefined>>,
  quorum: number,
  emitters = [gateway!.did],
) {
  const logs = [{ origin: ORIGIN, vkey, witnesses: [cosigner.vkey], quorum }];
  const trust = { format: 'talos-trust-v1', logs, exporters: [], emitters, anchors: [] };
  await writeFile(join(cli.folder, 'trust.json'), JSON.stringify(trust));
  return fsckBy(['--trust', 'trust.json'], changes);
}

async function fsckBy(
  whose: readonly string[],
  changes: Readonly<Record<string, Uint8Array | undefined>>,
  ...more: string[]
) {
  const name = `${++count}.tar`;
  const archive = await createArchive(join(cli.folder, name));
  for (const [path, bytes] of Object.entries({ ...WHOLE, ...changes }))
    if (bytes !== undefined) await archive.write(path, bytes);
  await archive.finish();
  return cli.run(['audit', 'fsck', name, ...whose, ...more]);
}

// AUD-79
describe('audit fsck of an archive', () => {
  it('says of a whole one that nothing is wrong, and what it cannot tell', async () => {
    const { code, stdout } = await fsck({});
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing is wrong: the files agree, and lead to the signed root.');
    expect(stdout).toContain('disclosed  1 files opened');
    expect(stdout).toContain('not looked at: whether what opens single commitments was left out');
    expect(stdout).toContain('not looked at: whether policies had the anchors that policies.json says');
  });

  const forged = [{ index: 1, disclosures: [disclose('/actor', { ...actor, how: 'session' }, salt)] }];
  const anchor = { iss: other!.did, tenant: 'default', grants: [{ scope: 'tool:files', ops: ['read'] }] };
  const otherKey = formatVerifierKey(crypto.sha256, ORIGIN, other!.publicKey);
  it.each<[string, Record<string, Uint8Array | undefined>, RegExp]>([
    [
      'a disclosure that opens nothing',
      { 'disclosures/000.json': json(forged) },
      /disclosure at 1: does not open/,
    ],
    ['no disclosures', { 'disclosures/000.json': undefined }, /disclosure: 0 files of 1 are there/],
    [
      'disclosures that are none',
      { 'disclosures/000.json': encodeUtf8('{') },
      /disclosure at 0: cannot be read/,
    ],
    [
      'a disclosure of no event',
      { 'disclosures/000.json': json([{ ...disclosed[0], index: 9 }]) },
      /at 9: is of no event/,
    ],
    ['another size', said({ size: 3 }), /talos-log\.json: the checkpoint of the archive is not that/],
    ['another root', said({ root: 'cd'.repeat(32) }), /talos-log\.json: the checkpoint/],
    ['another origin', said({ origin: 'talos.test/2' }), /talos-log\.json: the checkpoint/],
    ['another key', said({ vkey: otherKey }), /talos-log\.json: its vkey is not the key that signed/],
    ['a key that is none', said({ vkey: `${vkey}x` }), /talos-log\.json: its vkey is not/],
    ['policies that are none', { 'policies.json': encodeUtf8('[{') }, /policies\.json: cannot be read/],
    [
      'two anchors of one issuer',
      { 'policies.json': json([{ policy: POLICY, anchors: [anchor, anchor] }]) },
      /policies\.json: the policy .* has anchors that no talos\.yaml can have/,
    ],
    // AUD-129
    [
      'an anchor of another root',
      withAnchors(anchored(1, hashes[1]!), anchored(2, root)),
      /anchors\/000\.json: the anchor of 1 events at opentimestamps has another root/,
    ],
    ['an anchor of events to come', withAnchors(anchored(3, root)), /is of more events than the 2/],
    ['an anchor of another log', withAnchors(anchored(2, root, 'talos.test/2')), /is of another log/],
    [
      'an anchor that is there twice',
      withAnchors(anchored(2, root), anchored(2, root)),
      /is there twice, or not in its order/,
    ],
    [
      'anchors that are gone',
      { ...withAnchors(anchored(2, root)), 'anchors/000.json': undefined },
      /anchors\/000\.json: 0 anchors of 1 are there/,
    ],
    // AUD-115
    [
      'a pruning that is not on record',
      said({ pruned: 256 }),
      /talos-log\.json: has bodies below 256 as pruned/,
    ],
  ])('finds %s', async (_, changes, fault) => {
    const { code, stdout } = await fsck(changes);
    expect([code, stdout]).toEqual([3, expect.stringMatching(fault)]);
    expect(stdout).not.toMatch(/^ {2}pruned/m);
  });

  // AUD-129
  it('says how many anchors are of its tree, and that their blocks are for others to look up', async () => {
    const { code, stdout } = await fsck(withAnchors(anchored(1, hashes[0]!), anchored(2, root)));
    expect([code, stdout]).toEqual([0, expect.stringContaining('anchors    2 of this tree')]);
    expect(stdout).toContain('not looked at: whether the chains have the blocks of the 2 anchors');
  });

  // AUD-129
  it('verifies the cosignatures of witnesses that are known, and counts the others', async () => {
    const unknown = await fsck(cosigned());
    expect([unknown.code, unknown.stdout]).toEqual([
      0,
      expect.stringContaining('not looked at: 1 cosignatures by keys that are not known here'),
    ]);
    const known = await fsckWatched(cosigned(), 1);
    expect([known.code, known.stdout]).toEqual([0, expect.stringContaining('cosigned   by witness.test/w')]);
    const other = await fsckWatched(cosigned(parseNote(note).text.replace('\n2\n', '\n1\n')), 1);
    expect([other.code, other.stdout]).toEqual([
      3,
      expect.stringContaining('checkpoint: the cosignature of witness.test/w is not one of this checkpoint'),
    ]);
    expect((await fsckWatched({}, 0)).code).toBe(0);
    const tooFew = await fsckWatched({}, 1);
    expect([tooFew.code, tooFew.stderr]).toEqual([3, expect.stringContaining('1 of 1 witnesses must have')]);
  });

  it('holds events against those that may record them, if a trust file says who', async () => {
    const { code, stdout } = await fsckWatched({}, 0, [other!.did]);
    expect([code, stdout]).toEqual([
      3,
      expect.stringContaining(`event at 0: its emitter ${gateway!.did} is none that is trusted`),
    ]);
    const nobodySaid = 'not looked at: whether those who recorded the events may';
    expect((await fsck({})).stdout).toContain(nobodySaid);
    expect((await fsckWatched({}, 0)).stdout).not.toContain(nobodySaid);
  });

  it('gives the same as data', async () => {
    const { code, ...ran } = await fsck(said({ pruned: 256 }), '--json');
    expect([code, ran.json()]).toMatchObject([3, { ok: false, count: 1, pruned: 0, disclosures: 1 }]);
  });

  it('is not fooled by bundles that are gone, either', async () => {
    const gone = { 'tile/entries/000.p/2': undefined, ...said({ pruned: 256 }) };
    expect((await fsck(gone)).stdout).toMatch(/tile\/entries\/000\.p\/2: is missing/);
  });
});
