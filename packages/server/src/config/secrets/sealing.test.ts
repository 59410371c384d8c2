import { describe, expect, it } from 'vitest';
import { createSecret } from '../../platform/secret.js';
import { random } from '../../platform/system.js';
import { createSealing, type SealedPlace } from './sealing.js';

const kek = createSecret(random(32));
const sealing = createSealing(kek, random);
const place: SealedPlace = { id: 'sec_1', name: 'openai-key', version: 3 };
const refused = { code: 'UNAVAILABLE' };

// SEC-2, SEC-3
describe('a sealed value', () => {
  it.each(['k', 'sk-ключ-🔑', 'x'.repeat(8192)])('opens to what it was: %#', (value) => {
    expect(sealing.open(place, sealing.seal(place, value)).reveal()).toBe(value);
  });

  it('opens in another process with the same key, and shows itself nowhere', () => {
    const sealed = sealing.seal(place, 'sk-live-1');
    const other = createSealing(createSecret(kek.reveal().slice()), random);
    const opened = other.open(place, sealed);
    expect([opened.reveal(), String(opened), JSON.stringify({ opened })]).toEqual([
      'sk-live-1',
      '[redacted]',
      '{"opened":"[redacted]"}',
    ]);
    expect(Buffer.from(sealed.bytes).toString('latin1')).not.toContain('sk-live-1');
  });

  it('is another one each time, so that nobody sees what is equal', () => {
    expect(sealing.seal(place, 'same').bytes).not.toEqual(sealing.seal(place, 'same').bytes);
  });

  it.each<[string, Partial<SealedPlace>]>([
    ['id', { id: 'sec_2' }],
    ['name', { name: 'other' }],
    ['version', { version: 2 }],
    ['split', { id: 'sec_1\nopenai-key', name: '3' }],
  ])('does not open in another place: %s', (_, other) => {
    const sealed = sealing.seal(place, 'value');
    expect(() => sealing.open({ ...place, ...other }, sealed)).toThrow(expect.objectContaining(refused));
  });

  it('does not open with any of its bits changed, cut off or added', () => {
    const { kek: name, bytes } = sealing.seal(place, 'value');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => sealing.open(place, { kek: name, bytes: changed }), `bit ${bit}`).toThrow();
    }
    for (let length = 0; length < bytes.length; length += 1)
      expect(() => sealing.open(place, { kek: name, bytes: bytes.subarray(0, length) })).toThrow(
        expect.objectContaining(refused),
      );
    const longer = Uint8Array.from([...bytes, 0]);
    expect(() => sealing.open(place, { kek: name, bytes: longer })).toThrow(expect.objectContaining(refused));
  });

  it('does not open under another key, and says which is wanted', () => {
    const sealed = sealing.seal(place, 'value');
    const other = createSealing(createSecret(random(32)), random);
    expect(() => other.open(place, sealed)).toThrow(
      expect.objectContaining({ code: 'UNAVAILABLE', message: expect.stringContaining('another key') }),
    );
    // Nor if somebody wrote the name of this one beside it.
    expect(() => other.open(place, { ...sealed, kek: other.kek })).toThrow(expect.objectContaining(refused));
  });

  it('needs a key of 32 bytes', () => {
    expect(() => createSealing(createSecret(random(31)), random)).toThrow(RangeError);
  });

  it('is named by no part of its key', () => {
    expect(sealing.kek).toMatch(/^[0-9a-f]{32}$/);
    expect(Buffer.from(kek.reveal()).toString('hex')).not.toContain(sealing.kek);
  });
});
