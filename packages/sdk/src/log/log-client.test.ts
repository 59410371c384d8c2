import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import {
  createTreeHasher,
  decodeUtf8,
  encodeUtf8,
  isTrustError,
  parseSplitView,
  rootOf,
  type TrustError,
  verifyConsistency,
  verifyInclusion,
  verifySplitView,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogClient, type LogClientOptions, splitViewOf } from './log-client.js';
import {
  entries,
  type History,
  history,
  type LyingLog,
  noteKey,
  ORIGIN,
  openLyingLog,
} from './testing/lying-log.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);
/** Several levels of tiles, and a partial one at each. */
const SIZE = 256 * 256 + 3 * 256 + 7;

let big: History;
let server: LyingLog;
beforeEach(async () => {
  big ??= history().append(...entries(SIZE));
  server = await openLyingLog();
});
afterEach(() => server.close());

const clientOf = (options: Partial<LogClientOptions> = {}) =>
  createLogClient({ url: server.url, log: server.log, crypto, ...options });

/** What a promise was refused with. */
async function refusal(promise: Promise<unknown>): Promise<TrustError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isTrustError(error)) throw error ?? new Error('it was not refused');
  return error;
}

describe('a log that is read from its tiles', () => {
  it('proves entries and what it was before, over all sizes of edges', async () => {
    server.show(big);
    const client = clientOf();
    const tree = client.tree(await client.checkpoint());
    for (const index of [0, 1, 255, 256, 65_535, 65_536, SIZE - 1]) {
      const leafHash = hasher.leaf(encodeUtf8(`entry ${index}`));
      expect(await tree.leafHash(index)).toEqual(leafHash);
      const proof = await tree.inclusion(index);
      verifyInclusion(hasher, { index, size: SIZE, leafHash, root: big.root, proof });
    }
    const leaves = entries(SIZE).map((entry) => hasher.leaf(encodeUtf8(entry)));
    for (const oldSize of [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, SIZE - 1, SIZE]) {
      const oldRoot = await tree.rootAt(oldSize);
      expect(oldRoot).toEqual(rootOf(hasher, leaves.slice(0, oldSize)));
      const proof = await tree.consistency(oldSize);
      verifyConsistency(hasher, { oldSize, oldRoot, newSize: SIZE, newRoot: big.root, proof });
    }
  });

  it('hands out the entries themselves, proven', async () => {
    server.show(big);
    const client = clientOf();
    const tree = client.tree(await client.checkpoint());
    const read: string[] = [];
    for await (const { index, bytes } of tree.entries(65_530, SIZE)) {
      expect(decodeUtf8(bytes)).toBe(`entry ${index}`);
      read.push(decodeUtf8(bytes));
    }
    expect(read).toEqual(entries(SIZE).slice(65_530));
  });

  it('asks for each tile once, while it is kept', async () => {
    server.show(big);
    const client = clientOf();
    const at = await client.checkpoint();
    await client.tree(at).inclusion(7);
    const full = server.asked.filter((path) => /^tile\/0\/\d{3}$/.test(path));
    expect(full).toEqual(['tile/0/000']);
    server.asked.length = 0;
    await client.tree(at).inclusion(9);
    expect(server.asked.filter((path) => /^tile\/\d\/(x\d{3}\/)*\d{3}$/.test(path))).toEqual([]);
  });

  it('keeps as many tiles as it was told, whatever is asked for', async () => {
    server.show(big);
    const client = clientOf({ cachedTiles: 2 });
    const tree = client.tree(await client.checkpoint());
    for (const index of [0, 256, 512, 0]) await tree.leafHash(index);
    expect(server.asked.filter((path) => path === 'tile/0/000').length).toBe(2);
  });

  it('needs no partial tile that was replaced by the full one', async () => {
    const grown = big.append(...entries(256, 'more'));
    const files = new Map([...grown.files].filter(([path]) => !path.endsWith('.p/7')));
    const note = server.show({ ...big, files });
    const client = clientOf();
    const tree = client.tree(client.verify(note));
    await tree.inclusion(SIZE - 1);
    const read = [];
    for await (const entry of tree.entries(SIZE - 2, SIZE)) read.push(decodeUtf8(entry.bytes));
    expect(read).toEqual(entries(SIZE).slice(-2));
  });

  it('knows an empty log and one of a single entry', async () => {
    server.show(history());
    const client = clientOf();
    const empty = await client.checkpoint();
    expect(await client.tree(empty).rootAt(0)).toEqual(hasher.empty());
    server.show(history().append('first'));
    const one = await client.advance(empty);
    expect(await client.tree(one).inclusion(0)).toEqual([]);
    expect(await client.tree(one).consistency(0)).toEqual([]);
  });

  it('refuses what the tree does not have', async () => {
    server.show(big);
    const client = clientOf();
    const tree = client.tree(await client.checkpoint());
    await expect(tree.inclusion(SIZE)).rejects.toThrow(RangeError);
    await expect(tree.consistency(SIZE + 1)).rejects.toThrow(RangeError);
    await expect(tree.entries(0, SIZE + 1).next()).rejects.toThrow(RangeError);
  });

  it.each([
    'ftp://log.test',
    'http://user:secret@log.test',
    'http://log.test/?a=1',
    'http://log.test/#a',
    'log.test',
  ])('has an address: %s is none', (url) => {
    expect(() => clientOf({ url })).toThrow(TypeError);
  });

  it('shows its token to nobody else', async () => {
    const seen: (string | undefined)[] = [];
    server.show(history().append('first'));
    server.lie('checkpoint', (request, response) => {
      seen.push(request.headers.authorization);
      response.end();
    });
    await refusal(clientOf({ token: 'tal_svc_canary' }).checkpoint());
    await refusal(clientOf().checkpoint());
    expect(seen).toEqual(['Bearer tal_svc_canary', undefined]);
  });
});

// AUD-96
describe('a server that lies', () => {
  it.each(['tile/0/003', 'tile/1/000', 'tile/1/001.p/3', 'tile/2/000.p/1', 'tile/0/259.p/7'])(
    'in one bit of %s is caught before anything is believed',
    async (path) => {
      server.show(big);
      const honest = big.files.get(path);
      if (honest === undefined) throw new Error(`the log has no ${path}`);
      const bytes = honest.slice();
      bytes[17] = (bytes[17] as number) ^ 1;
      server.lie(path, bytes);
      const client = clientOf();
      const at = await client.checkpoint();
      const error = await refusal(client.tree(at).inclusion(3 * 256 + 5));
      expect([error.code, error.data.caveat]).toEqual(['PROOF_NOT_PROVEN', 'tile']);
      server.honest();
      // And what it said before is not kept.
      await client.tree(at).inclusion(3 * 256 + 5);
    },
  );

  it.each([
    ['that is too short', (honest: Uint8Array) => honest.subarray(0, 8_160)],
    ['that ends within a hash', (honest: Uint8Array) => honest.subarray(0, 8_191)],
    ['that is empty', () => new Uint8Array()],
    ['of hashes of another place', () => big.files.get('tile/0/004') as Uint8Array],
  ])('with a tile %s is caught', async (_, change) => {
    server.show(big);
    server.lie('tile/0/003', change(big.files.get('tile/0/003') as Uint8Array));
    const client = clientOf();
    const error = await refusal(client.tree(await client.checkpoint()).inclusion(3 * 256 + 5));
    expect([error.code, error.data.caveat]).toEqual(['PROOF_NOT_PROVEN', 'tile']);
  });

  it('with a tile that is missing is caught', async () => {
    server.show(big);
    server.lie('tile/0/003', (_, response) => void response.writeHead(404).end());
    const client = clientOf();
    const error = await refusal(client.tree(await client.checkpoint()).inclusion(3 * 256 + 5));
    expect([error.code, error.data.caveat]).toEqual(['NOT_FOUND', 'tile']);
  });

  it('and sends without end is left after what a file may have, also if it is packed', async () => {
    server.show(big);
    let sent = 0;
    const endless = (response: ServerResponse, chunk: Uint8Array): void => {
      const more = (): void => {
        while (!response.destroyed && sent < 2 ** 28) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    };
    server.lie('tile/0/003', (_, response) => endless(response, new Uint8Array(65_536)));
    const client = clientOf();
    const tree = client.tree(await client.checkpoint());
    expect((await refusal(tree.inclusion(3 * 256 + 5))).code).toBe('UPSTREAM_FAILED');
    expect(sent).toBeLessThan(2 ** 26);
    // 64 MiB of zeros in 64 KiB.
    const bomb = gzipSync(new Uint8Array(2 ** 26));
    for (const path of ['tile/0/003', 'checkpoint'])
      server.lie(
        path,
        (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
      );
    expect((await refusal(tree.inclusion(3 * 256 + 5))).code).toBe('UPSTREAM_FAILED');
    expect((await refusal(client.checkpoint())).code).toBe('UPSTREAM_FAILED');
  });

  it('may pack what it sends', async () => {
    server.show(big);
    server.lie('tile/0/003', (_, response) => {
      const packed = gzipSync(big.files.get('tile/0/003') as Uint8Array);
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
    });
    const client = clientOf();
    await client.tree(await client.checkpoint()).inclusion(3 * 256 + 5);
  });

  it.each([
    ['says nothing', () => undefined],
    [
      'sends a byte now and then',
      (response: ServerResponse) => {
        const timer = setInterval(() => response.write('a'), 50);
        response.on('close', () => clearInterval(timer));
      },
    ],
    [
      'breaks off',
      (response: ServerResponse) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('log.test', () => response.destroy());
      },
    ],
  ])('and %s is not waited for', async (_, answer) => {
    server.lie('checkpoint', (_request, response) => answer(response));
    expect((await refusal(clientOf({ timeoutMs: 300 }).checkpoint())).code).toBe('UNAVAILABLE');
  });

  it('is left when its reader stops', async () => {
    const stopping = new AbortController();
    server.lie('checkpoint', () => stopping.abort());
    const client = clientOf({ signal: stopping.signal });
    expect((await refusal(client.checkpoint())).code).toBe('UNAVAILABLE');
    expect((await refusal(client.checkpoint())).code).toBe('UNAVAILABLE');
    expect(server.asked.length).toBe(1);
  });

  it.each(['http://169.254.169.254/latest/meta-data', 'http://other.test/checkpoint', '/tlog/elsewhere'])(
    'and sends its reader on to %s is not followed',
    async (location) => {
      server.lie('checkpoint', (_, response) => void response.writeHead(302, { location }).end());
      const error = await refusal(clientOf().checkpoint());
      expect([error.code, error.data.reason]).toEqual([
        'UPSTREAM_FAILED',
        expect.stringContaining('redirect'),
      ]);
      expect(server.asked).toEqual(['checkpoint']);
    },
  );

  it.each([500, 503, 403])('and answers %d is said to have failed', async (status) => {
    server.lie('checkpoint', (_, response) => void response.writeHead(status).end('no'));
    expect((await refusal(clientOf().checkpoint())).code).toBe('UPSTREAM_FAILED');
  });

  it('with a checkpoint of another log, of another key, or of none is caught', async () => {
    const small = history().append('first');
    const other = noteKey(ORIGIN, 99);
    server.show(small, { origin: 'log.test/other' });
    expect((await refusal(clientOf().checkpoint())).code).toBe('PROOF_NOT_PROVEN');
    server.show(small, { signers: [other.signer] });
    expect((await refusal(clientOf().checkpoint())).code).toBe('PROOF_NOT_PROVEN');
    const note = server.show(small);
    for (const text of ['', 'rubbish', note.slice(0, -3), note.replace('\n1\n', '\n2\n')]) {
      server.lie('checkpoint', text);
      expect(['MALFORMED', 'SIGNATURE_INVALID']).toContain((await refusal(clientOf().checkpoint())).code);
    }
    server.lie('checkpoint', (_, response) => void response.writeHead(404).end());
    expect((await refusal(clientOf().checkpoint())).code).toBe('NOT_FOUND');
  });

  it.each([
    ['another entry', (text: string) => text.replace('entry 770', 'entry 77O')],
    ['an entry less', (text: string) => text.slice(0, -11)],
    ['more behind the entries', (text: string) => `${text}\u0000\u0000`],
  ])('with %s in a bundle is caught', async (_, change) => {
    server.show(big);
    const path = 'tile/entries/003';
    server.lie(
      path,
      Buffer.from(change(Buffer.from(big.files.get(path) as Uint8Array).toString('latin1')), 'latin1'),
    );
    const client = clientOf();
    const tree = client.tree(await client.checkpoint());
    const error = await refusal(tree.entries(770, 771).next());
    expect([error.code, error.data.caveat]).toEqual(['PROOF_NOT_PROVEN', 'entries']);
  });

  it('and has no entries any more says so', async () => {
    server.show(big);
    server.lie('tile/entries/003', (_, response) => void response.writeHead(404).end());
    const client = clientOf();
    const tree = client.tree(await client.checkpoint());
    expect((await refusal(tree.entries(770, 771).next())).code).toBe('NOT_FOUND');
  });
});

// AUD-96, AUD-29
describe('a log that is followed', () => {
  it('goes on from what it was', async () => {
    let now = history().append(...entries(5));
    server.show(now);
    const client = clientOf();
    let known = await client.checkpoint();
    for (const count of [0, 1, 250, 1, 255, 600]) {
      now = now.append(...entries(count, `round ${count}`));
      server.show(now);
      known = await client.advance(known);
      expect(known.checkpoint.size).toBe(now.size);
    }
  });

  it('and shrinks is caught', async () => {
    const before = history().append(...entries(5));
    server.show(before.append('sixth'));
    const client = clientOf();
    const known = await client.checkpoint();
    server.show(before);
    const error = await refusal(client.advance(known));
    expect([error.code, error.data.caveat]).toEqual(['PROOF_NOT_PROVEN', 'rollback']);
  });

  // The size of a power of two is in no consistency proof: it is compared with the root from the tiles.
  it.each([1, 4, 5, 256, 300, 65_536])(
    'and is another one after %d entries is proven to others',
    async (size) => {
      const shared = history().append(...entries(size - 1));
      const known = server.show(shared.append('the true one'));
      const client = clientOf();
      const older = client.verify(known);
      for (const more of [[], ['and on'], entries(300, 'more')]) {
        server.show(shared.append('a false one', ...more));
        const evidence = splitViewOf(await refusal(client.advance(older)));
        const bytes = encodeUtf8(JSON.stringify(evidence));
        const { newer } = verifySplitView(parseSplitView(bytes), server.log, hasher);
        expect(newer.size).toBe(size + more.length);
      }
    },
  );

  it('and is another one is caught also with tiles of the first one at hand', async () => {
    const shared = history().append(...entries(600));
    server.show(shared.append(...entries(100, 'true')));
    const client = clientOf();
    const known = await client.checkpoint();
    // Fills what is kept with tiles of this history.
    await client.tree(known).inclusion(10);
    server.show(history().append('false', ...entries(999, 'false')));
    const error = await refusal(client.advance(known));
    expect(error.data.caveat).toBe('fork');
    const shown = verifySplitView(splitViewOf(error)!, server.log, hasher);
    expect([shown.older.size, shown.newer.size]).toEqual([700, 1_000]);
    expect(splitViewOf(new Error('another'))).toBeUndefined();
    const fork = client.tree(await client.checkpoint());
    expect(await fork.leafHash(10)).toEqual(hasher.leaf(encodeUtf8('false 9')));
  });

  it('and does not show its tiles proves nothing', async () => {
    const before = history().append(...entries(5));
    server.show(before);
    const client = clientOf();
    const known = await client.checkpoint();
    server.show({ ...before.append('sixth'), files: new Map() });
    const error = await refusal(client.advance(known));
    expect([error.code, error.data.caveat]).toEqual(['NOT_FOUND', 'tile']);
  });

  it('and has another root for nothing is caught', async () => {
    const note = server.show({ ...history(), root: new Uint8Array(32) });
    const client = clientOf();
    server.show(history().append('first'));
    const error = await refusal(client.advance(client.verify(note)));
    expect([error.code, error.data.caveat]).toEqual(['PROOF_NOT_PROVEN', 'fork']);
    expect(splitViewOf(error)).toBeUndefined();
  });
});
