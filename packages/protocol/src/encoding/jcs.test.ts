import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalBytes, canonicalize } from './jcs.js';
import { parseJson } from './json.js';
import { encodeUtf8 } from './utf8.js';

describe('canonicalize', () => {
  it('sorts by UTF-16 units, not by code points', () => {
    expect(canonicalize({ '\ufb33': 1, '\u{1f600}': 2, a: 3 })).toBe('{"a":3,"\u{1f600}":2,"\ufb33":1}');
    expect(canonicalize({ b: 1, a: 2, 10: 3, 9: 4 })).toBe('{"10":3,"9":4,"a":2,"b":1}');
  });

  it('escapes as RFC 8785 section 3.2.2.2 does', () => {
    expect(canonicalize('\b\t\n\f\r"\\/\u0000\u001f\u007f\u2028é')).toBe(
      '"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\u007f\u2028é"',
    );
  });

  // RFC 8785 appendix B
  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the double %s as %s', (hex, text) => {
    expect(canonicalize(Buffer.from(hex, 'hex').readDoubleBE())).toBe(text);
  });

  it('writes `__proto__` and objects without a prototype like any other', () => {
    expect(canonicalize(parseJson('{"__proto__":{"b":1,"a":2}}'))).toBe('{"__proto__":{"a":2,"b":1}}');
    expect(canonicalize(Object.assign(Object.create(null), { b: 1, a: [] }))).toBe('{"a":[],"b":1}');
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['an undefined member', { a: undefined }],
    ['a hole', new Array(1)],
    ['NaN', Number.NaN],
    ['infinity', [Number.POSITIVE_INFINITY]],
    ['a bigint', 1n],
    ['a symbol', Symbol('x')],
    ['a function', () => 1],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['bytes', Uint8Array.of(1)],
    ['a boxed string', Object('x')],
    ['an instance', new (class A {})()],
    ['a lone high surrogate', '\ud800'],
    ['a lone low surrogate', 'a\udc00'],
    ['a lone surrogate in a name', { '\ud800': 1 }],
    ['a lone surrogate after a control', '\n\ud800x'],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalize(value)).toThrow('malformed');
  });

  it('refuses cycles and excessive depth instead of overflowing', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle, cycle);
    const ring: Record<string, unknown> = {};
    ring['self'] = ring;
    expect(() => canonicalize(cycle)).toThrow('deeper than 128 levels');
    expect(() => canonicalize(ring)).toThrow('deeper than 128 levels');
    let deep: unknown = 1;
    for (let i = 0; i < 128; i++) deep = [deep];
    expect(canonicalize(deep)).toHaveLength(257);
    expect(() => canonicalize([deep])).toThrow('deeper than 128 levels');
  });

  it('writes what parses to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), (value) => {
        expect(JSON.parse(canonicalize(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('is a fixed point: whatever the parser accepts, it accepts again in canonical form', () => {
    const numbers = fc.oneof(
      fc.double(),
      fc.maxSafeInteger(),
      fc.integer({ min: 1, max: 30 }).map((e) => 10 ** e),
    );
    const texts = fc.array(numbers).map((list) => `[${list.map((n) => n.toExponential())}]`);
    fc.assert(
      fc.property(fc.oneof(texts, fc.json({ stringUnit: 'binary' })), (text) => {
        let parsed: unknown;
        try {
          parsed = parseJson(text, { floats: true });
        } catch {
          return;
        }
        const canonical = canonicalize(parsed);
        expect(canonicalize(parseJson(canonical, { floats: true }))).toBe(canonical);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives the same as bytes, which are of their own', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), (value) => {
        const bytes = canonicalBytes(value);
        const text = canonicalize(value);
        canonicalize('something else');
        expect(bytes).toEqual(encodeUtf8(text));
      }),
    );
  });

  it('writes a value whose getter wants canonical JSON meanwhile', () => {
    const nested = {
      a: 1,
      get b() {
        return canonicalize({ z: [true, false, null, {}], y: 'é' });
      },
      c: 2,
    };
    expect(canonicalize(nested)).toBe('{"a":1,"b":"{\\"y\\":\\"é\\",\\"z\\":[true,false,null,{}]}","c":2}');
    expect(canonicalize([3])).toBe('[3]');
  });

  it('begins anew after a refusal, and after a value that is large', () => {
    expect(() => canonicalize(['kept?', undefined])).toThrow('malformed');
    const large = Array.from({ length: 10_000 }, (_, i) => ({ b: `ä${i}`, a: 'x'.repeat(i % 50) }));
    expect(JSON.parse(canonicalize(large))).toEqual(large);
    expect(canonicalize({ b: 1, a: 'small' })).toBe('{"a":"small","b":1}');
  });
});
