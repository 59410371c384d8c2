import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8 } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ArchiveReader,
  archiveJson,
  createArchive,
  disclosurePath,
  openArchive,
  readManifest,
} from './index.js';
import { readDisclosures, readPolicies } from './log-archive.js';
import { BLOCK, encodeTarHeader, parseTarHeader } from './tar.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'talos-archive-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
const fresh = (ending: string): string => join(folder, `${++count}${ending}`);
const FILES: readonly [string, Uint8Array][] = [
  ['checkpoint', encodeUtf8('note\n')],
  ['tile/0/x001/234', new Uint8Array(8192).fill(7)],
  ['tile/entries/000.p/3', new Uint8Array(513).fill(1)],
  ['talos-log.json', new Uint8Array(0)],
];

async function written(ending: string, files = FILES): Promise<string> {
  const path = fresh(ending);
  const archive = await createArchive(path);
  await Promise.all(files.map(([name, bytes]) => archive.write(name, bytes)));
  await archive.finish();
  return path;
}

async function use<T>(path: string, read: (archive: ArchiveReader) => Promise<T>): Promise<T> {
  const archive = await openArchive(path);
  return read(archive).finally(() => archive.close());
}
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string; name: string }) => error.code ?? error.name,
  );

// AUD-80
describe.each(['', '.tar'])('an archive%s', (ending) => {
  it('gives back what was written, and nothing else', async () => {
    const path = await written(ending);
    await use(path, async (archive) => {
      for (const [name, bytes] of FILES) expect(await archive.read(name, 10_000)).toEqual(bytes);
      expect(await archive.read('tile/0/000', 100)).toBeUndefined();
      expect(await archive.read('checkpoint/more', 100)).toBeUndefined();
      expect(await codeOf(archive.read('tile/0/x001/234', 8191))).toBe('LOG_CORRUPT');
    });
  });

  it('is for its owner alone, and never written over another one', async () => {
    const path = await written(ending);
    expect((await stat(path)).mode & 0o077).toBe(0);
    expect(await codeOf(createArchive(path))).toBe('CONFLICT');
    expect(await codeOf(createArchive(join(folder, 'nowhere', `x${ending}`)))).toBe('SETTINGS_INVALID');
  });

  it('leaves nothing when it is discarded', async () => {
    const path = fresh(ending);
    const archive = await createArchive(path);
    await archive.write('checkpoint', encodeUtf8('x'));
    await archive.discard();
    expect(await codeOf(openArchive(path))).toBe('NOT_FOUND');
  });

  it.each(['../checkpoint', '/etc/passwd', 'tile//0', 'tile/./0', '.p', ''])(
    'is not asked for what lies outside it: %o',
    async (name) => {
      const path = await written(ending);
      await use(path, async (archive) => expect(await codeOf(archive.read(name, 100))).toBe('TypeError'));
    },
  );
});

describe('a folder', () => {
  it('does not lead out of itself by a link', async () => {
    const path = await written('');
    await symlink('/etc/hostname', join(path, 'policies.json'));
    await use(path, async (archive) =>
      expect(await codeOf(archive.read('policies.json', 1000))).toBe('LOG_CORRUPT'),
    );
  });

  it('does not lead out of itself by a link to another folder', async () => {
    const [path, outside] = [await written('', [['checkpoint', encodeUtf8('x')]]), await written('')];
    await symlink(join(outside, 'tile'), join(path, 'tile'));
    await use(path, async (archive) => {
      expect(await codeOf(archive.read('tile/0/x001/234', 10_000))).toBe('LOG_CORRUPT');
      expect(await archive.read('checkpoint', 100)).toEqual(encodeUtf8('x'));
    });
    const link = fresh('');
    await symlink(path, link);
    await use(link, async (archive) =>
      expect(await archive.read('checkpoint', 100)).toEqual(encodeUtf8('x')),
    );
  });

  it('with a pipe or a folder in place of a file is refused, without a wait for a writer', async () => {
    const path = await written('');
    await mkdir(join(path, 'policies.json'));
    execFileSync('mkfifo', [join(path, 'pipe.json')]);
    await use(path, async (archive) => {
      for (const name of ['policies.json', 'pipe.json'])
        expect([name, await codeOf(archive.read(name, 1000))]).toEqual([name, 'LOG_CORRUPT']);
    });
    expect(await codeOf(openArchive(join(path, 'pipe.json')))).toBe('MALFORMED');
  });
});

describe('a tar file', () => {
  it('is one to the programs of others, and theirs is one to us', async () => {
    const path = await written('.tar');
    const into = await mkdtemp(join(folder, 'into-'));
    execFileSync('tar', ['xf', path, '-C', into]);
    for (const [name, bytes] of FILES)
      expect(new Uint8Array(await readFile(join(into, name)))).toEqual(bytes);
    const theirs = fresh('.tar');
    execFileSync('tar', ['cf', theirs, '-C', into, '.']);
    await use(theirs, async (archive) => {
      for (const [name, bytes] of FILES) expect(await archive.read(name, 10_000)).toEqual(bytes);
    });
  });

  it('that is cut anywhere is no archive', async () => {
    const whole = (await readFile(await written('.tar'))).length;
    for (const length of [0, 1, BLOCK - 1, BLOCK + 1, whole - 2 * BLOCK - 1, whole - 2 * BLOCK]) {
      const path = await written('.tar');
      await truncate(path, length);
      expect([length, await codeOf(openArchive(path))]).toEqual([length, 'MALFORMED']);
    }
  });

  it('with a damaged header, a file twice, or something that is no file, is no archive', async () => {
    const path = await written('.tar');
    const bytes = await readFile(path);
    for (let at = 0; at < 340; at += 7) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 4, at);
      await writeFile(path, damaged);
      expect([at, await codeOf(openArchive(path))]).toEqual([at, 'MALFORMED']);
    }
    const twice = fresh('.tar');
    const head = encodeTarHeader('checkpoint', 0);
    await writeFile(twice, Buffer.concat([head, head, new Uint8Array(2 * BLOCK)]));
    expect(await codeOf(openArchive(twice))).toBe('MALFORMED');
    const linked = await mkdtemp(join(folder, 'linked-'));
    await symlink('/etc/hostname', join(linked, 'checkpoint'));
    const link = fresh('.tar');
    execFileSync('tar', ['cf', link, '-C', linked, 'checkpoint']);
    expect(await codeOf(openArchive(link))).toBe('MALFORMED');
  });

  it('of any bytes is an archive or refused', async () => {
    const path = fresh('.tar');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3 * BLOCK }), async (bytes) => {
        await writeFile(path, bytes);
        const archive = await openArchive(path).catch((error: { code: string }) => error.code);
        if (typeof archive === 'string') expect(archive).toBe('MALFORMED');
        else await archive.close();
      }),
      { numRuns: 60 },
    );
  });

  it('has headers for what fits them', () => {
    expect(parseTarHeader(encodeTarHeader('a/b', 2 ** 33 - 1))).toEqual({
      path: 'a/b',
      size: 2 ** 33 - 1,
      isFile: true,
    });
    for (const [path, size] of [
      ['', 1],
      ['a b', 1],
      ['x'.repeat(101), 1],
      ['x', -1],
      ['x', 2 ** 33],
    ] as const)
      expect(() => encodeTarHeader(path, size)).toThrow(RangeError);
  });
});

describe('what an archive holds beside the tree', () => {
  const HASH = 'ab'.repeat(32);
  const manifest = {
    disclosures: 1,
    format: 'talos-log-v1',
    origin: 'talos.test/1',
    pruned: 0,
    root: HASH,
    size: 3,
    vkey: 'k',
  };
  const disclosure = { pointer: '/items', salt: `${'A'.repeat(42)}A`, value: [1.5] };
  const holding = (name: string, bytes: Uint8Array): Promise<string> => written('.tar', [[name, bytes]]);

  it('is read', async () => {
    const path = await written('.tar', [
      ['talos-log.json', archiveJson(manifest)],
      ['policies.json', archiveJson([{ policy: HASH, anchors: [] }])],
      [disclosurePath(1234), archiveJson([{ index: 5, disclosures: [disclosure] }])],
    ]);
    expect(disclosurePath(1234)).toBe('disclosures/x001/234.json');
    await use(path, async (archive) => {
      expect(await readManifest(archive)).toEqual(manifest);
      expect(await readPolicies(archive)).toEqual([{ policy: HASH, anchors: [] }]);
      expect(await readDisclosures(archive, 1234)).toEqual([{ index: 5, disclosures: [disclosure] }]);
      expect(await readDisclosures(archive, 0)).toEqual([]);
    });
  });

  it.each<[string, Uint8Array, (archive: ArchiveReader) => Promise<unknown>]>([
    ['checkpoint', new Uint8Array(1), readManifest],
    ['talos-log.json', archiveJson({ ...manifest, more: 1 }), readManifest],
    ['talos-log.json', encodeUtf8('{'), readManifest],
    ['policies.json', archiveJson({}), readPolicies],
    ['policies.json', archiveJson([{ policy: 'x', anchors: [] }]), readPolicies],
    [
      'disclosures/000.json',
      archiveJson([{ index: 5, disclosures: [] }]),
      (archive) => readDisclosures(archive, 0),
    ],
  ])('is refused if %s is wrong', async (name, bytes, read) => {
    const path = await holding(name, bytes);
    expect(await use(path, (archive) => codeOf(read(archive)))).toBe('MALFORMED');
  });
});
