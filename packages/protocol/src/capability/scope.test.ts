import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrustError } from '../error.js';
import {
  coversScope,
  decodeScopeValue,
  encodeResource,
  encodeScopeValue,
  formatScope,
  parseScope,
} from './scope.js';

/** Text a value can hold: NFC, no control characters, not empty, no dot segments. */
const value = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .map((text) => text.normalize('NFC'))
  .filter((text) => !/\p{Cc}|\p{Surrogate}/u.test(text) && text !== '.' && text !== '..');

describe('scope values', () => {
  it('CAP-9 come back as they were', () => {
    fc.assert(
      fc.property(value, (text) => {
        const encoded = encodeScopeValue(text);
        expect(encoded).toMatch(/^(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})+$/);
        expect(decodeScopeValue(encoded)).toBe(text);
      }),
    );
    expect(encodeScopeValue("a!'()*/b")).toBe('a%21%27%28%29%2A%2Fb');
  });

  it.each(['', 'a\u0000', '\u0085', 'u\u0308', '\ud800'])('CAP-9 cannot hold %j', (text) => {
    expect(() => encodeScopeValue(text)).toThrow(TrustError);
  });
});

describe('scopes', () => {
  it('CAP-8 come back as they were', () => {
    fc.assert(
      fc.property(value, value, fc.array(value, { maxLength: 4 }), (server, tool, path) => {
        const scope = formatScope('tool', [server, tool, path]);
        expect(parseScope(scope.text, 'item')).toEqual(scope);
        expect(scope.values).toEqual([
          encodeScopeValue(server),
          encodeScopeValue(tool),
          encodeResource(path),
        ]);
      }),
    );
  });

  it('CAP-8 have no more segments than their root, and no dot segments', () => {
    expect(() => formatScope('admin', ['a', 'b', 'c'])).toThrow(TrustError);
    expect(() => formatScope('tool', [])).toThrow(TrustError);
    expect(() => formatScope('tool', ['fs', 'read', ['..']])).toThrow(TrustError);
  });

  it('CAP-8 an item is longer than a grant by its resource only', () => {
    const start = 'tool:fs/method:a/resource:/';
    const longest = `${start}${'a'.repeat(12_800 - start.length)}`;
    expect(parseScope(longest, 'item').text).toBe(longest);
    for (const [text, use] of [
      [`${longest}a`, 'item'],
      [longest, 'grant'],
      [`${start}${'a'.repeat(1025 - start.length)}`, 'grant'],
      [`tool:${'a'.repeat(1020)}`, 'item'],
      [`tool:fs/method:${'a'.repeat(1009)}/resource:/a`, 'item'],
      [`llm:${'a'.repeat(1021)}/resource:/a`, 'item'],
    ] as const) {
      expect(() => parseScope(text, use), text).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
    }
  });

  it('CAP-10 a star may cut a character, but hold no needless escape', () => {
    expect(parseScope('tool:%E2%82*', 'grant').values).toEqual(['%E2%82*']);
    for (const start of ['%C3', '%E0%A4', '%ED%9F', '%F0%9F%98', '%F4%8F', 'u%CC', '%E2%82%AC%F1%80'])
      expect(parseScope(`tool:${start}*`, 'grant').values).toEqual([`${start}*`]);
    // Nothing that is spelled as it must be starts like these.
    for (const bad of [
      '%FF*',
      '%C0*',
      '%80*',
      '%E0%80*',
      '%ED%A0*',
      '%F0%80*',
      '%F4%90*',
      'u%CC%88*',
      '%C2%85*',
      '%DZ*',
      '%C3%BZ*',
      '%E2%8*',
    ])
      expect(() => parseScope(`tool:${bad}`, 'grant')).toThrow(TrustError);
    for (const bad of ['%0A*', '%61*', '%7E*', '%7F*', '%2D*', '%e2*', '%E*', '%*', 'a b*']) {
      expect(() => parseScope(`tool:${bad}`, 'grant'), bad).toThrow(TrustError);
    }
  });

  it('CAP-11 cover as the text of the specification says', () => {
    const part = fc.constantFrom('a', 'ab', 'b');
    const starred = fc.constantFrom('a', 'ab', 'b', 'a*', '*', 'ab*');
    const path = fc.option(fc.array(part, { maxLength: 3 }), { nil: undefined });
    fc.assert(
      fc.property(starred, starred, path, part, part, path, (gs, gm, gp, is, im, ip) => {
        const grant = parseScope(`tool:${gs}/method:${gm}${resource(gp)}`, 'grant');
        const item = parseScope(`tool:${is}/method:${im}${resource(ip)}`, 'item').text;
        const expected = matches(gs, is) && matches(gm, im) && isUnder(gp, ip);
        expect(coversScope(grant, item)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('refuse any other text with a typed error', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => parseScope(`tool:\u0001${text}`, 'grant')).toThrow(TrustError);
      }),
    );
  });
});

function resource(path: readonly string[] | undefined): string {
  return path === undefined ? '' : `/resource:/${path.join('/')}`;
}

function matches(pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

function isUnder(grant: readonly string[] | undefined, item: readonly string[] | undefined): boolean {
  if (grant === undefined) return true;
  return item !== undefined && grant.every((segment, index) => segment === item[index]);
}
