import { inflateSync } from 'node:zlib';
import type { StatusBits } from '@talosprotocol/contracts';
import { createStatusList, decodeStatusList, encodeStatusList } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { readStandard, standardsFolder } from '../support/standards.js';

/** The examples of draft-ietf-oauth-status-list: a JSON text with white space for print, after a note or not. */
function readExample(name: string): { bits: StatusBits; lst: string } {
  const { text } = readStandard<{ text: string }>(`standards/token-status-list/${name}`);
  return JSON.parse(text.slice(text.indexOf('{')).replace(/\s+/g, ''));
}

const inflate = (bytes: Uint8Array, maxOutputLength: number): Uint8Array =>
  new Uint8Array(inflateSync(bytes, { maxOutputLength }));
const allOf = (list: ReturnType<typeof createStatusList>): number[] =>
  Array.from({ length: list.size }, (_, index) => list.get(index));

describe.skipIf(standardsFolder() === undefined)('draft-ietf-oauth-status-list', () => {
  it('REV-12 the list of one bit', () => {
    const list = decodeStatusList(readExample('status_list_encoding_json.json'), inflate);
    expect(allOf(list)).toEqual([1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]);
    expect([...list.bytes]).toEqual([0xb9, 0xa3]);
  });

  it('REV-12 the list of two bits', () => {
    const list = decodeStatusList(readExample('status_list_encoding2_json.json'), inflate);
    expect(list.bits).toBe(2);
    expect(allOf(list)).toEqual([1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]);
  });

  it('REV-12 the long list of two bits, and what we write of it', () => {
    const list = decodeStatusList(readExample('status_list_encoding2_long_json.json'), inflate);
    expect(list.size).toBeGreaterThan(1_000);
    const again = createStatusList(list.bits, list.size);
    for (const [index, status] of allOf(list).entries()) again.set(index, status);
    expect(again.bytes).toEqual(list.bytes);
    const written = encodeStatusList(again, (bytes) => bytes);
    expect(decodeStatusList(written, (bytes) => bytes).bytes).toEqual(list.bytes);
  });
});
