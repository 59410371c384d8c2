import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import {
  type Checkpoint,
  formatCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  verifyCheckpoint,
} from './checkpoint.js';
import { signNote } from './note.js';
import { sampleKey } from './testing/reference.js';

const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
const TEXT = `example.com/behind-the-sofa\n20852163\n${ROOT}\n`;
const CHECKPOINT: Checkpoint = { ...parseCheckpoint(TEXT) };
const key = sampleKey('example.com/behind-the-sofa', 7);
const witness = sampleKey('witness.example', 8);
const log = { origin: CHECKPOINT.origin, keys: [key.verifier] };

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isTrustError(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('checkpoint', () => {
  it('is read back as written: the example of C2SP tlog-checkpoint', () => {
    expect(CHECKPOINT).toMatchObject({
      origin: 'example.com/behind-the-sofa',
      size: 20852163,
      extensions: [],
    });
    expect(formatCheckpoint(CHECKPOINT)).toBe(TEXT);
    const extended = parseCheckpoint(`${TEXT}one\ntwo words\n`);
    expect(extended.extensions).toEqual(['one', 'two words']);
    expect(formatCheckpoint(extended)).toBe(`${TEXT}one\ntwo words\n`);
  });

  it('is refused unless each line is what it must be', () => {
    const wrong = [
      '',
      '\n',
      'a\n',
      `a\n1\n`,
      `a\n1\n${ROOT}`,
      `\n1\n${ROOT}\n`,
      `a\n\n${ROOT}\n`,
      `a\n01\n${ROOT}\n`,
      `a\n-1\n${ROOT}\n`,
      `a\n1 \n${ROOT}\n`,
      `a\n9007199254740992\n${ROOT}\n`,
      `a\n1\n\n`,
      `a\n1\n${ROOT.slice(0, -1)}\n`,
      `a\n1\n${ROOT}=\n`,
      `a\n1\nAAAA\n`,
      `a\n1\n${ROOT}\n\n`,
      `a\n1\n${ROOT}\nx\n\n`,
      `a\n1\n${ROOT}\n\nx\n`,
      `a\n1\n${ROOT} \n`,
    ];
    for (const text of wrong) expect(codeOf(() => parseCheckpoint(text))).toBe('MALFORMED');
  });

  it('is read or refused, whatever it holds, and means one thing', () => {
    const line = fc.oneof(fc.string(), fc.constantFrom('', '0', '7', ROOT, 'log', '18446744073709551615'));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const text = lines.join('\n');
        try {
          expect(formatCheckpoint(parseCheckpoint(text))).toBe(text);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
    );
  });

  it('is not written so that it could not be read', () => {
    for (const change of [
      { origin: '' },
      { origin: 'a\nb' },
      { size: -1 },
      { size: 2 ** 53 },
      { root: new Uint8Array(31) },
      { extensions: [''] },
      { extensions: ['a\n'] },
    ]) {
      expect(() => formatCheckpoint({ ...CHECKPOINT, ...change })).toThrow(TypeError);
    }
  });

  it('verifies under a key of its log, whatever witnesses add', () => {
    const note = signCheckpoint(CHECKPOINT, [witness.signer, key.signer]);
    const verified = verifyCheckpoint(note, log);
    expect(verified).toMatchObject(CHECKPOINT);
    expect(verified.note.unverified.map((line) => line.name)).toEqual(['witness.example']);
  });

  it('is refused without a signature of its log, or with a false one', () => {
    expect(codeOf(() => verifyCheckpoint(signCheckpoint(CHECKPOINT, [witness.signer]), log))).toBe(
      'PROOF_NOT_PROVEN',
    );
    const forged = signCheckpoint(CHECKPOINT, [sampleKey('example.com/behind-the-sofa', 9).signer]);
    expect(codeOf(() => verifyCheckpoint(forged, log))).toBe('PROOF_NOT_PROVEN');
    const grown = signCheckpoint(CHECKPOINT, [key.signer]).replace('20852163', '20852164');
    expect(codeOf(() => verifyCheckpoint(grown, log))).toBe('SIGNATURE_INVALID');
  });

  it('of another log is refused, also when the same key signed it', () => {
    const other = signCheckpoint({ ...CHECKPOINT, origin: 'example.com/other' }, [key.signer]);
    expect(codeOf(() => verifyCheckpoint(other, log))).toBe('PROOF_NOT_PROVEN');
  });

  it('is not any text the key signed', () => {
    expect(codeOf(() => verifyCheckpoint(signNote('hello\n', [key.signer]), log))).toBe('MALFORMED');
  });
});
