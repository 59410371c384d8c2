import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../encoding/utf8.js';
import { kindOfFile } from './file-kind.js';

describe('what a file is, by its looks', () => {
  it.each([
    ['{"anchors":[],"format":"talos-trust-v1"}', 'bundle'],
    ['{"checkpoint":"', 'bundle'],
    ['{ "format": "talos-bundle-v2" }', 'bundle'],
    [' {"format":"talos-receipt-v1","x":0.5}', 'receipt'],
    ['{"format":"talos-trust-v1"}', 'trust'],
    ['{"format":"constructor"}', 'unknown'],
    ['{"format":1}', 'unknown'],
    ['{"format":"talos-trust-v1"', 'unknown'],
    ['log.example\n1\nAAAA\n\n\u2014 log.example AAAA\n', 'checkpoint'],
    ['# README', 'unknown'],
    ['', 'unknown'],
  ])('%j is a %s', (text, kind) => {
    expect(kindOfFile(encodeUtf8(text))).toBe(kind);
  });

  it('nothing can be said of bytes that are no text, or too many', () => {
    expect(kindOfFile(Uint8Array.of(0xff, 0xfe))).toBe('unknown');
    const large = new Uint8Array(4 * 1024 * 1024 + 1).fill(32);
    expect(kindOfFile(large)).toBe('unknown');
    large.set(encodeUtf8('{"checkpoint":'));
    expect(kindOfFile(large)).toBe('bundle');
  });
});
