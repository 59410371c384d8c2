import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCli, type Ran, type TestCli } from '../../testing/cli.js';
import { makeEvidence } from '../../testing/evidence.js';

let cli: TestCli;
beforeEach(() => {
  cli = createTestCli();
  for (const [name, content] of Object.entries(makeEvidence())) write(name, content);
});
afterEach(() => cli.remove());

const write = (name: string, content: string | Uint8Array): void =>
  writeFileSync(join(cli.folder, name), content);
const verify = (...argv: string[]): Promise<Ran> => cli.run(['audit', 'verify', ...argv]);

describe('talos audit verify', () => {
  it('proves a bundle and a receipt, and says whom it trusted and what it did not prove', async () => {
    const bundle = await verify('bundle', '--trust', 'trust');
    expect(bundle.code).toBe(0);
    expect(bundle.stdout).toContain('PROVEN');
    expect(bundle.stdout).toContain('Not proven by it:');
    expect(bundle.stdout).toContain('may export did:key:');
    const receipt = await verify('receipt', '--trust', 'trust', '--json');
    expect(receipt.code).toBe(0);
    expect(receipt.json()).toMatchObject({ ok: true, proven: true, kind: 'receipt', index: 0 });
  });

  it.each(['bundle', 'receipt'])('proves nothing without a trust file: %s', async (file) => {
    const { code, stdout } = await verify(file);
    expect(code).toBe(3);
    expect(stdout).toContain('NOT PROVEN');
    const json = await verify(file, '--json');
    expect(json.json()).toMatchObject({ ok: false, proven: false, error: { code: 'PROOF_NOT_PROVEN' } });
  });

  it('does not prove a log that was forged and signed with other keys', async () => {
    const forged = makeEvidence(50);
    write('bundle', forged.bundle);
    write('receipt', forged.receipt);
    expect((await verify('bundle', '--trust', 'trust')).code).toBe(3);
    expect((await verify('receipt', '--trust', 'trust')).code).toBe(3);
  });

  it('does not prove a bundle with any one byte changed', async () => {
    const { bundle } = makeEvidence();
    for (let at = 0; at < bundle.length; at += 37) {
      const altered = Uint8Array.from(bundle);
      altered[at]! ^= 1;
      write('altered', altered);
      const { code, stdout, stderr } = await verify('altered', '--trust', 'trust');
      expect([at, code, stderr]).toEqual([at, 3, '']);
      expect(stdout).toMatch(/^NOT PROVEN: /);
    }
  });

  it('does not prove rubbish, also not in the shape of a receipt', async () => {
    for (const text of [
      '',
      '{}',
      'null',
      '{"format":"talos-receipt-v1"}',
      '["talos-receipt-v1"]',
      '\u0000',
    ]) {
      write('rubbish', text);
      expect([text, (await verify('rubbish', '--trust', 'trust')).code]).toEqual([text, 3]);
      expect([text, (await verify('rubbish')).code]).toEqual([text, 3]);
    }
  });

  it('says which witnesses had seen it, and when (AUD-28)', async () => {
    const evidence = makeEvidence(1, { by: [1, 3], time: 1_795_000_000, quorum: 2 });
    for (const [name, content] of Object.entries(evidence)) write(name, content);
    for (const file of ['bundle', 'receipt']) {
      const { code, stdout } = await verify(file, '--trust', 'trust');
      expect([file, code]).toEqual([file, 0]);
      expect(stdout).toContain(
        '(w1.example and w3.example) had seen this very state by 2026-11-18 11:06:40 UTC, by their own clocks',
      );
      expect(stdout).not.toContain('w2.example');
      expect(stdout).not.toContain('everybody was shown the same history');
    }
    const { json } = await verify('receipt', '--trust', 'trust', '--json');
    expect(json()).toMatchObject({ cosignatures: [{ name: 'w1.example' }, { name: 'w3.example' }] });
  });

  it('says that nobody else saw it where no witness had to, and refuses where too few did (AUD-28)', async () => {
    for (const file of ['bundle', 'receipt'])
      expect((await verify(file, '--trust', 'trust')).stdout).toContain(
        'that everybody was shown the same history',
      );
    const evidence = makeEvidence(1, { by: [2], time: Number.MAX_SAFE_INTEGER, quorum: 2 });
    for (const [name, content] of Object.entries(evidence)) write(name, content);
    for (const file of ['bundle', 'receipt']) {
      const { code, stdout } = await verify(file, '--trust', 'trust');
      expect([file, code]).toEqual([file, 3]);
      expect(stdout).toContain(
        '2 of 3 witnesses must have cosigned the checkpoint: this one is signed by only w2.example',
      );
    }
    const { trust } = makeEvidence(1, { by: [], time: 0, quorum: 0 });
    write('trust', trust);
    const asked = await verify('bundle', '--trust', 'trust');
    expect([asked.code, asked.stdout]).toEqual([
      0,
      expect.stringContaining('had seen this very state by 9007199254740991 s'),
    ]);
  });

  it('says which file belongs where, and what is for another command', async () => {
    const evidence = makeEvidence();
    for (const [name, content] of Object.entries(evidence)) write(name, content);
    write('log.tar', Buffer.concat([Buffer.alloc(257), Buffer.from('ustar\0'), Buffer.alloc(512)]));
    const told = async (...args: [string, ...string[]]) => {
      const { code, stderr } = await verify(...args);
      return [code, stderr];
    };
    const swapped = expect.stringContaining('swap the two: talos audit verify bundle --trust trust');
    expect(await told('trust', '--trust', 'bundle')).toEqual([1, swapped]);
    const alone = expect.stringContaining('trust is a trust file, and no evidence');
    expect(await told('trust', '--trust', 'trust')).toEqual([1, alone]);
    expect(await told('trust')).toEqual([1, alone]);
    const twice = expect.stringContaining('receipt is a receipt, and no trust file');
    expect(await told('bundle', '--trust', 'receipt')).toEqual([1, twice]);
    const archive = expect.stringContaining('talos audit fsck log.tar');
    expect(await told('log.tar', '--trust', 'trust')).toEqual([1, archive]);
  });

  it('says of a bundle that was changed what may have happened', async () => {
    const text = new TextDecoder().decode(makeEvidence().bundle);
    write('altered', text.replace(/"to":1/, '"to":2'));
    const { code, stdout } = await verify('altered', '--trust', 'trust');
    expect(code).toBe(3);
    expect(stdout).toContain('was changed after it was made');
    expect((await verify('altered', '--trust', 'trust', '--json')).stdout).toContain('changed after');
  });

  it('names the file that is no bundle, and the one that is no trust file', async () => {
    write('notes.txt', 'hello');
    expect((await verify('notes.txt', '--trust', 'trust')).stdout).toMatch(/^NOT PROVEN: notes\.txt: /);
    expect((await verify('notes.txt')).stdout).toMatch(/^NOT PROVEN: notes\.txt: /);
    const { stderr } = await verify('bundle', '--trust', 'notes.txt');
    expect(stderr).toMatch(/^talos: MALFORMED: notes\.txt: /);
    for (const argv of [
      ['cap', 'inspect', 'notes.txt'],
      ['cap', 'verify', 'notes.txt', '--trust', 'trust'],
    ]) {
      expect((await cli.run(argv)).stderr).toMatch(/^talos: MALFORMED: notes\.txt: /);
    }
  });

  it('tells files that cannot be read, and a wrong trust file, from evidence that proves nothing', async () => {
    expect((await verify('nowhere', '--trust', 'trust')).code).toBe(1);
    expect((await verify('bundle', '--trust', 'nowhere')).code).toBe(1);
    expect((await verify('bundle', '--trust', 'bundle')).code).toBe(1);
    expect((await verify('.', '--trust', 'trust')).code).toBe(1);
    expect((await verify('bundle', 'bundle', '--trust', 'trust')).code).toBe(1);
    expect((await verify()).code).toBe(1);
  });
});

describe('talos audit verify --since', () => {
  it('proves that the history somebody kept is the beginning of the bundle (AUD-60)', async () => {
    for (const kept of ['bundle', 'receipt']) {
      const { code, stdout } = await verify('bundle', '--trust', 'trust', '--since', kept);
      expect([kept, code]).toEqual([kept, 0]);
      expect(stdout).toContain('The history of 1 record that you kept is the beginning of this one');
    }
    const { checkpoint } = JSON.parse(new TextDecoder().decode(makeEvidence().bundle)) as {
      checkpoint: string;
    };
    write('note', checkpoint);
    expect((await verify('bundle', '--trust', 'trust', '--since', 'note')).code).toBe(0);
  });

  it('does not prove it of another history, nor of a file that holds none', async () => {
    write('other', makeEvidence(50).bundle);
    const { code, stdout } = await verify('bundle', '--trust', 'trust', '--since', 'other');
    expect(code).toBe(3);
    expect(stdout).toContain('may have been rewritten since');
    write('rubbish', '{}');
    expect((await verify('bundle', '--trust', 'trust', '--since', 'rubbish')).stderr).toMatch(
      /MALFORMED: rubbish/,
    );
    expect((await verify('bundle', '--trust', 'trust', '--since', 'nowhere')).code).toBe(1);
    expect((await verify('receipt', '--trust', 'trust', '--since', 'bundle')).code).toBe(1);
  });
});
