import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalize, encodeUtf8, type LogFault, parseJson } from '@talosprotocol/protocol';
import { type ArchiveReader, archiveJson, disclosurePath } from '@talosprotocol/sdk/archive';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Audit, createAudit } from '../service.js';
import {
  type AuditWorld,
  agent,
  auditDeps,
  chain,
  chainDraft,
  decision,
  openAuditWorld,
  outcome,
} from '../testing/room.js';
import { openTileStore } from '../tile-store.js';
import { archiveOf, bringLog, type Files, storedRows } from './testing/archived-log.js';

let world: AuditWorld;
let place: string;
let vkey: string;
let files: Files;
let events: readonly { readonly event: unknown; readonly disclosures: unknown }[];
/** An allowed write that has no outcome. */
let owed: string;
const open: Audit[] = [];

beforeAll(async () => {
  world = await openAuditWorld();
  place = await mkdtemp(join(tmpdir(), 'talos-import-'));
  ({ files, events, owed, vkey } = await makeLog(300));
});
let folder: string;
beforeEach(async () => {
  folder = await world.fresh();
});
afterEach(async () => {
  for (const audit of open.splice(0)) await audit.stop();
});
afterAll(async () => {
  await world.close();
  await rm(place, { recursive: true, force: true });
});

/** A log of so many decisions and its archive, as files. */
async function makeLog(decisions: number) {
  const tilesFolder = await world.fresh();
  const audit = createAudit(auditDeps(world.sql, tilesFolder));
  await audit.start();
  const { cth, chain: text } = chain('of the agent');
  await audit.record(chainDraft(cth, text));
  const done = decision({ op: 'write', cth });
  const left = decision({ op: 'write', cth });
  for (const draft of [done, left]) await audit.record(draft);
  const drafts = Array.from({ length: decisions }, (_, i) =>
    decision({ effect: i % 3 === 0 ? 'deny' : 'allow', cth }),
  );
  await Promise.all([audit.record(outcome(done)), ...drafts.map((draft) => audit.record(draft))]);
  await audit.stop();
  const made = await archiveOf(world, audit, tilesFolder);
  const rows = await storedRows(world);
  return { files: made, events: rows, owed: left.members.request, vkey: audit.vkey };
}

async function bring(
  from: Files,
  own = vkey,
  tenant = 'default',
  through = (archive: ArchiveReader): ArchiveReader => archive,
) {
  const { end, faults } = await bringLog(from, { world, place, folder, vkey, own, tenant, through });
  return { end, faults };
}

async function start(): Promise<Audit> {
  const audit = createAudit(auditDeps(world.sql, folder));
  open.push(audit);
  await audit.start();
  return audit;
}

const changed = (name: string, change: (bytes: Uint8Array) => Uint8Array): Files =>
  new Map(files).set(name, change(Uint8Array.from(files.get(name)!)));
const flipped = (name: string, at: number): Files =>
  changed(name, (bytes) => {
    bytes[at]! ^= 1;
    return bytes;
  });
const json = (name: string, change: (value: Record<string, unknown>) => unknown): Files =>
  changed(name, (bytes) => archiveJson(change(parseJson(bytes) as Record<string, unknown>)));

function anchorOf(iss: string) {
  return { iss, tenant: 'default', grants: [{ scope: 'tool:files', ops: ['read'] }] };
}
function twice() {
  return anchorOf('did:web:idp.example');
}

/** An archive of which a file is another one when it is read again. */
function changing(archive: ArchiveReader, name: string): ArchiveReader {
  let reads = 0;
  return {
    ...archive,
    read: async (path, maxBytes) => {
      const bytes = await archive.read(path, maxBytes);
      if (path !== name || ++reads === 1) return bytes;
      bytes![bytes!.length - 3]! ^= 1;
      return bytes;
    },
  };
}

async function expectNothing(): Promise<void> {
  expect(await storedRows(world)).toEqual([]);
  expect(await (await openTileStore(folder)).readCheckpoint()).toBeUndefined();
}

// AUD-81
describe('an import', () => {
  it('brings back the log as it was, and the platform goes on with it', async () => {
    expect(await bring(files)).toEqual({ end: 'imported', faults: [] });
    expect(await storedRows(world)).toEqual(events);
    const audit = await start();
    const stats = await audit.stats();
    expect(stats.sequenced).toBe(events.length + 2);
    // What was owed is known again, and what was counted.
    expect((await audit.findRequest(owed))?.outcome).toMatchObject({ status: 'lost' });
    expect(stats.decisions).toEqual({ allowed: 202, denied: 100 });
    const page = await audit.events({ filter: { agent: agent.did }, order: 'oldest', limit: 1 });
    expect(page.events[0]).toMatchObject({ event: { type: 'decision', principal: { pseq: 1 } } });
    const { cth } = chain('of the agent');
    const { index } = await audit.record(decision({ cth }));
    expect((await audit.event(String(index))).event.principal).toMatchObject({ pseq: 305 });
  });

  it('fills nothing that is not empty', async () => {
    await bring(files);
    expect((await bring(files)).end).toBe('CONFLICT');
    folder = await mkdtemp(join(place, 'tiles-'));
    expect((await bring(files)).end).toBe('CONFLICT');
  });

  it('is for whoever has the key of the log, and its tenant', async () => {
    expect((await bring(files, vkey.replace('talos', 'solat'))).end).toBe('SETTINGS_INVALID');
    expect((await bring(files, vkey, 'acme')).end).toBe('SETTINGS_INVALID');
    await expectNothing();
  });

  it.each<[string, () => Files, Partial<LogFault>]>([
    ['an entry', () => flipped('tile/entries/000', 300), { where: 'tile/entries/000' }],
    ['a hash', () => flipped('tile/0/000', 300), { where: 'tile/0/000', index: 9 }],
    ['an upper hash', () => flipped('tile/1/000.p/1', 3), { where: 'tile/1/000.p/1', index: 0 }],
    [
      'what opens a commitment',
      () =>
        changed(disclosurePath(0), (bytes) =>
          encodeUtf8(canonicalize(parseJson(bytes)).replace('tool:files', 'tool:mails')),
        ),
      { where: 'disclosure', index: 2 },
    ],
    [
      'what opens none',
      () =>
        changed(disclosurePath(1), (bytes) =>
          encodeUtf8(canonicalize(parseJson(bytes)).replace(/"index":\d+/, '"index":9999')),
        ),
      { where: 'disclosure', index: 9999 },
    ],
    [
      'a file of them that is none',
      () => new Map(files).set(disclosurePath(0), encodeUtf8('{')),
      { where: 'disclosure', index: 0 },
    ],
  ])('of an archive in which %s was changed writes nothing', async (_, archive, fault) => {
    const { end, faults } = await bring(archive());
    expect([end, faults]).toEqual(['refused', expect.arrayContaining([expect.objectContaining(fault)])]);
    await expectNothing();
    expect((await bring(files)).end).toBe('imported');
  });

  it('takes over the anchors of a policy that the log names, and of no other', async () => {
    const policies = [
      { policy: 'ab'.repeat(32), anchors: [] },
      { policy: 'cd'.repeat(32), anchors: [anchorOf('did:web:evil.example')] },
    ];
    expect((await bring(new Map(files).set('policies.json', archiveJson(policies)))).end).toBe('imported');
    const rows = await world.sql.query<{ hash: string }>('SELECT hash FROM audit_policy');
    expect(rows).toEqual([{ hash: 'ab'.repeat(32) }]);
    expect(JSON.stringify(await (await start()).trust())).not.toContain('evil.example');
  });

  it.each([
    ['two anchors of one issuer', [{ policy: 'cd'.repeat(32), anchors: [twice(), twice()] }]],
    ['other anchors than talos.yaml, under its hash', [{ policy: 'ab'.repeat(32), anchors: [twice()] }]],
    ['a hash twice', ['cd', 'cd'].map((hex) => ({ policy: hex.repeat(32), anchors: [] }))],
  ])('of an archive whose policies have %s writes nothing', async (_, policies) => {
    const { end, faults } = await bring(new Map(files).set('policies.json', archiveJson(policies)));
    expect([end, faults]).toEqual(['refused', [expect.objectContaining({ where: 'policies.json' })]]);
    await expectNothing();
  });

  it.each(['tile/entries/000', 'tile/0/000', 'checkpoint', disclosurePath(0)])(
    'of a folder in which %s changes after it was examined writes nothing of it',
    async (name) => {
      const { end } = await bring(files, vkey, 'default', (archive) => changing(archive, name));
      expect(end).toBe('LOG_CORRUPT');
      await expectNothing();
      expect((await bring(files)).end).toBe('imported');
    },
  );

  it('of an archive in which a file is missing writes nothing', async () => {
    for (const name of files.keys()) {
      if (name === 'policies.json') continue;
      const less = new Map(files);
      less.delete(name);
      const { end } = await bring(less);
      expect([name, ['refused', 'MALFORMED']]).toEqual([name, expect.arrayContaining([end])]);
    }
    await expectNothing();
  });

  // AUD-115
  it('of an archive of a log that was pruned is refused in plain words, and writes nothing', async () => {
    const { end } = await bring(json('talos-log.json', (manifest) => ({ ...manifest, pruned: 256 })));
    expect(end).toBe('PRUNED');
    await expectNothing();
  });

  it('of an archive that says of itself what its checkpoint does not, writes nothing', async () => {
    for (const change of [
      { size: 5 },
      { root: 'cd'.repeat(32) },
      { origin: 'talos.test/2' },
      { format: 'v2' },
    ]) {
      const { end } = await bring(json('talos-log.json', (manifest) => ({ ...manifest, ...change })));
      expect(['MALFORMED', 'PROOF_NOT_PROVEN']).toContain(end);
    }
    expect((await bring(flipped('checkpoint', 40))).end).toMatch(
      /MALFORMED|SIGNATURE_INVALID|PROOF_NOT_PROVEN/,
    );
    await expectNothing();
  });
});
