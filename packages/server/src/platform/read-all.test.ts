import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readAll } from './read-all.js';

const MOST = { maxBytes: 10 };

describe('a stream that is read whole', () => {
  it.each<[string, readonly (string | Buffer)[], string]>([
    ['nothing', [], ''],
    ['one piece', ['abc'], 'abc'],
    ['as many bytes as it may have', ['01234', '56789'], '0123456789'],
    ['a character in two pieces', [Buffer.from([0xc3]), Buffer.from([0xa4])], 'ä'],
  ])('%s', async (_, pieces, text) => {
    expect(await readAll(Readable.from(pieces.map((piece) => Buffer.from(piece))), MOST)).toBe(text);
  });

  it('is given up on, and destroyed, beyond its bound', async () => {
    const source = new PassThrough();
    source.write(Buffer.alloc(11));
    await expect(readAll(source, MOST)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(source.destroyed).toBe(true);
  });

  it('may say that it was given up on', async () => {
    const source = new Readable({
      read: () => undefined,
      destroy: (_, done) => done(new Error('aborted')),
    });
    source.push(Buffer.alloc(11));
    await expect(readAll(source, MOST)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('is refused if it is not UTF-8', async () => {
    const source = Readable.from([Buffer.from([0xff])]);
    await expect(readAll(source, MOST)).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  it('rejects with what broke it', async () => {
    const source = new PassThrough();
    const read = readAll(source, MOST);
    source.write('abc');
    source.destroy(new Error('reset'));
    await expect(read).rejects.toThrow('reset');
  });

  it('rejects if it is closed before its end', async () => {
    const source = new PassThrough();
    const read = readAll(source, MOST);
    source.write('abc');
    source.destroy();
    await expect(read).rejects.toThrow('before its end');
  });

  it('rejects if it was over before', async () => {
    const broken = new PassThrough().on('error', () => undefined);
    broken.destroy(new Error('reset'));
    await expect(readAll(broken, MOST)).rejects.toThrow('reset');
    const read = Readable.from([Buffer.from('a')]);
    await readAll(read, MOST);
    await expect(readAll(read, MOST)).rejects.toThrow('over');
  });

  it('leaves no listener behind', async () => {
    const source = Readable.from([Buffer.from('a')]);
    await readAll(source, MOST);
    for (const event of ['data', 'error', 'close']) expect(source.listenerCount(event), event).toBe(0);
  });
});
