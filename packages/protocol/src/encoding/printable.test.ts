import { describe, expect, it } from 'vitest';
import { printable } from './printable.js';

describe('printable text', () => {
  it('shows what would rewrite the text around it, and is cut', () => {
    expect(printable('plain é 漢')).toBe('plain é 漢');
    expect(printable('a\u202eb\u0000c\u2066')).toBe('a\\u{202e}b\\u{0}c\\u{2066}');
    expect(printable('x'.repeat(3_000))).toBe(`${'x'.repeat(2_000)}...`);
    expect(printable('abcdef', 3)).toBe('abc...');
  });
});
