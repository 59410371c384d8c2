import type { Data } from './bytes.js';

/** One constraint on `/a`, the arguments as text over the wire, and what must come of it. */
export type HostileRow = [id: string, op: string, value: Data, text: string, outcome: Outcome];
type Outcome = 'holds' | 'CONSTRAINT_VIOLATED' | 'MALFORMED';

const FAILS = 'CONSTRAINT_VIOLATED';

/** What looks like a number to someone and is none of ours, for all four orderings; `holds` with none of them. */
const NO_INTEGERS: [string, string][] = [
  ['string', '{"a":"4"}'],
  ['huge-string', '{"a":"9007199254740993"}'],
  ['fraction', '{"a":4.5}'],
  ['tiny', '{"a":5e-324}'],
  ['true', '{"a":true}'],
  ['null', '{"a":null}'],
  ['array', '{"a":[4]}'],
  ['object', '{"a":{"valueOf":4}}'],
  ['arabic-digit', '{"a":"\u0664"}'],
  ['below-proto', '{"a":{"__proto__":4}}'],
];

const ORDERINGS: HostileRow[] = ['lt', 'le', 'gt', 'ge'].flatMap((op) =>
  NO_INTEGERS.map(([id, text]): HostileRow => [`${op}-${id}`, op, op.startsWith('l') ? 9 : 0, text, FAILS]),
);

const NUMBERS: HostileRow[] = [
  ['eq-minus-zero', 'eq', 0, '{"a":-0}', 'holds'],
  ['eq-exponent', 'eq', 1000, '{"a":1e3}', 'holds'],
  ['ne-minus-zero', 'ne', 0, '{"a":-0}', FAILS],
  ['in-minus-zero', 'in', [0], '{"a":-0.0}', 'holds'],
  ['nin-minus-zero', 'nin', [0], '{"a":-0}', FAILS],
  ['lt-minus-zero', 'lt', 0, '{"a":-0}', FAILS],
  ['gt-minus-zero', 'gt', 0, '{"a":-0}', FAILS],
  ['le-minus-zero', 'le', 0, '{"a":-0}', 'holds'],
  ['ge-minus-zero', 'ge', 0, '{"a":-0}', 'holds'],
  ['lt-most-negative', 'lt', 0, '{"a":-9007199254740991}', 'holds'],
  ['eq-huge-string', 'eq', '9007199254740992', '{"a":"9007199254740993"}', FAILS],
  ['in-huge-string', 'in', ['9007199254740992'], '{"a":"9007199254740993"}', FAILS],
  ['in-number-string', 'in', [1], '{"a":"1"}', FAILS],
  ['in-number-space', 'in', ['1'], '{"a":"1 "}', FAILS],
  ['nin-string-huge', 'nin', ['1e400'], '{"a":"1e400"}', FAILS],
  ['gt-too-large', 'gt', 0, '{"a":9007199254740992}', 'MALFORMED'],
  ['lt-too-small', 'lt', 0, '{"a":-9007199254740992}', 'MALFORMED'],
  ['gt-infinite', 'gt', 0, '{"a":1e400}', 'MALFORMED'],
  ['eq-not-a-number', 'eq', 0, '{"a":NaN}', 'MALFORMED'],
  ['eq-plus', 'eq', 1, '{"a":+1}', 'MALFORMED'],
  ['eq-hexadecimal', 'eq', 1, '{"a":0x1}', 'MALFORMED'],
];

const CHARACTERS: HostileRow[] = [
  ['eq-lone-high', 'eq', '\ufffd', String.raw`{"a":"\ud800"}`, 'MALFORMED'],
  ['ne-lone-low', 'ne', 'a', String.raw`{"a":"\udc00"}`, 'MALFORMED'],
  ['nin-swapped-pair', 'nin', ['a'], String.raw`{"a":"\ude00\ud83d"}`, 'MALFORMED'],
  ['glob-lone', 'glob', '*', String.raw`{"a":"x\udfff"}`, 'MALFORMED'],
  ['maxLength-lone', 'maxLength', 3, String.raw`{"a":"\ud800"}`, 'MALFORMED'],
  ['exists-lone-name', 'exists', true, String.raw`{"a":1,"\ud800":1}`, 'MALFORMED'],
  ['eq-escaped-pair', 'eq', '\u{1f600}', String.raw`{"a":"\ud83d\ude00"}`, 'holds'],
  ['eq-escaped-letter', 'eq', 'a', String.raw`{"a":"\u0061"}`, 'holds'],
  ['eq-escaped-name', 'eq', 1, String.raw`{"\u0061":1}`, 'holds'],
  ['eq-name-twice', 'eq', 1, '{"a":1,"a":2}', 'MALFORMED'],
  ['eq-name-twice-escaped', 'eq', 1, String.raw`{"a":1,"\u0061":2}`, 'MALFORMED'],
  ['eq-isolate', 'eq', 'admin', '{"a":"\u2066admin\u2069"}', FAILS],
  ['ne-override', 'ne', 'txt', '{"a":"\u202etxt"}', 'holds'],
  ['in-override', 'in', ['txt'], '{"a":"\u202etxt"}', FAILS],
  ['in-homoglyph', 'in', ['paypal'], '{"a":"p\u0430ypal"}', FAILS],
  ['in-soft-hyphen', 'in', ['ab'], '{"a":"a\u00adb"}', FAILS],
  ['nin-same-escaped', 'nin', ['a'], String.raw`{"a":"\u0061"}`, FAILS],
  ['prefix-override', 'prefix', 'ab', '{"a":"\u202eabc"}', FAILS],
  ['prefix-combining', 'prefix', '\u00e9', '{"a":"e\u0301x"}', FAILS],
  ['prefix-combining-after', 'prefix', 'e', '{"a":"e\u0301x"}', 'holds'],
  ['prefix-homoglyph', 'prefix', 'ab', '{"a":"\u0430bc"}', FAILS],
  ['prefix-space', 'prefix', 'ab', '{"a":" abc"}', FAILS],
  ['prefix-nul', 'prefix', 'ab', String.raw`{"a":"\u0000abc"}`, FAILS],
  ['prefix-cut', 'prefix', 'ab', '{"a":"a"}', FAILS],
  ['glob-override', 'glob', '*.md', '{"a":"x.\u202emd"}', FAILS],
  ['glob-full-width-dot', 'glob', '*.md', '{"a":"x\uff0emd"}', FAILS],
  ['glob-combining', 'glob', 'caf\u00e9', '{"a":"cafe\u0301"}', FAILS],
  ['glob-any-mark', 'glob', 'e*', '{"a":"e\u0301"}', 'holds'],
  ['within-division-slash', 'within', '/a', '{"a":"/a\u2215b"}', FAILS],
  ['within-one-dot-leader', 'within', '/a', '{"a":"/a/\u2024\u2024/b"}', 'holds'],
  ['within-full-width-slash', 'within', '/a', '{"a":"\uff0fa"}', FAILS],
  ['within-escaped-nul', 'within', '/a', String.raw`{"a":"/a/\u0000"}`, FAILS],
  ['within-c1', 'within', '/a', String.raw`{"a":"/a/\u0085"}`, FAILS],
  ['within-override', 'within', '/a', '{"a":"/\u202ea/b"}', FAILS],
  ['host-homoglyph', 'host', 'example.com', '{"a":"https://ex\u0430mple.com/"}', FAILS],
  ['host-override', 'host', 'example.com', '{"a":"https://\u202eexample.com/"}', FAILS],
  ['host-soft-hyphen', 'host', 'example.com', '{"a":"https://exam\u00adple.com/"}', FAILS],
  ['host-kelvin', 'host', 'kelvin.org', '{"a":"https://\u212aelvin.org/"}', FAILS],
  ['host-long-s', 'host', 's.org', '{"a":"https://\u017f.org/"}', FAILS],
  ['url-homoglyph-path', 'url', 'https://example.com/a', '{"a":"https://example.com/\u0430"}', FAILS],
  ['url-nfd-escaped', 'url', 'https://example.com/', '{"a":"https://example.com/u%CC%88"}', FAILS],
  ['url-overlong', 'url', 'https://example.com/', '{"a":"https://example.com/%C0%AF"}', FAILS],
  ['url-nul', 'url', 'https://example.com/', '{"a":"https://example.com/%00"}', FAILS],
  ['cidr-arabic', 'cidr', '10.0.0.0/8', '{"a":"\u0661\u0660.0.0.1"}', FAILS],
  ['cidr-ideographic-dot', 'cidr', '10.0.0.0/8', '{"a":"10\u30020\u30020\u30021"}', FAILS],
  ['maxLength-combining', 'maxLength', 3, '{"a":"e\u0301x"}', FAILS],
  ['maxLength-override', 'maxLength', 3, '{"a":"\u202ea"}', FAILS],
  ['maxLength-number', 'maxLength', 3, '{"a":1}', FAILS],
  ['maxLength-null', 'maxLength', 3, '{"a":null}', FAILS],
  ['maxLength-length-member', 'maxLength', 3, '{"a":{"length":1}}', FAILS],
];

const PROTOTYPES: HostileRow[] = [
  ['eq-proto-object', 'eq', 'x', '{"a":{"__proto__":"x"}}', FAILS],
  ['ne-proto-object', 'ne', 'x', '{"a":{"__proto__":{"toString":"y"}}}', FAILS],
  ['in-proto-name', 'in', ['a'], '{"a":"__proto__"}', FAILS],
  ['nin-proto-object', 'nin', ['a'], '{"a":{"__proto__":{"a":"b"}}}', FAILS],
  ['exists-not-inherited', 'exists', true, '{"__proto__":{"a":1}}', FAILS],
  ['exists-not-by-constructor', 'exists', true, '{"constructor":{"prototype":{"a":1}}}', FAILS],
  ['exists-absent-inherited', 'exists', false, '{"__proto__":{"a":1}}', 'holds'],
  ['exists-too-deep', 'exists', true, `{"a":${'['.repeat(64)}${']'.repeat(64)}}`, 'MALFORMED'],
];

export const HOSTILE_ROWS: readonly HostileRow[] = [...ORDERINGS, ...NUMBERS, ...CHARACTERS, ...PROTOTYPES];

/** Arguments with another hash, or in other words with the same, than `{"a":"x","b":[1,{"c":"\u20ac"}]}`. */
export const HASHED_ROWS: readonly [id: string, text: string, outcome: Outcome][] = [
  ['order', String.raw`{"b":[1.0,{"c":"\u20ac"}],"a":"x"}`, 'holds'],
  ['exponent', '{"a":"x","b":[10e-1,{"c":"\u20ac"}]}', 'holds'],
  ['number-string', '{"a":"x","b":["1",{"c":"\u20ac"}]}', FAILS],
  ['array-order', '{"a":"x","b":[{"c":"\u20ac"},1]}', FAILS],
  ['null-member', '{"a":"x","b":[1,{"c":"\u20ac"}],"d":null}', FAILS],
  ['missing-member', '{"a":"x"}', FAILS],
  ['no-arguments', '{}', FAILS],
  ['nested-proto', '{"a":"x","b":[1,{"c":"\u20ac","__proto__":{"d":1}}]}', FAILS],
  ['homoglyph', '{"a":"\u0445","b":[1,{"c":"\u20ac"}]}', FAILS],
  ['combining', '{"a":"x\u0308","b":[1,{"c":"\u20ac"}]}', FAILS],
  ['empty-name', '{"":"x","b":[1,{"c":"\u20ac"}]}', FAILS],
  ['lone', String.raw`{"a":"x","b":[1,{"c":"\ud800"}]}`, 'MALFORMED'],
];

/** Nested members of dangerous names: pointers into them find what stands there, and nothing else. */
export const NESTED_ROWS: readonly [id: string, constraint: Data, text: string, outcome: Outcome][] = [
  [
    'proto-is-a-member',
    { ptr: '/a/__proto__/b', op: 'eq', value: 1 },
    '{"a":{"__proto__":{"b":1}}}',
    'holds',
  ],
  ['proto-not-through', { ptr: '/a/b', op: 'eq', value: 1 }, '{"a":{"__proto__":{"b":1}}}', FAILS],
  [
    'proto-twice',
    { ptr: '/a/__proto__/__proto__', op: 'exists', value: true },
    '{"a":{"__proto__":{}}}',
    FAILS,
  ],
  ['proto-of-text', { ptr: '/a/__proto__', op: 'exists', value: true }, '{"a":"x"}', FAILS],
  ['proto-of-number', { ptr: '/a/constructor/name', op: 'exists', value: true }, '{"a":1}', FAILS],
  ['proto-same-name-twice', { ptr: '/a', op: 'exists', value: true }, '{"a":{"b":1,"b":2}}', 'MALFORMED'],
  ['name-nfd', { ptr: '/\u00fc', op: 'exists', value: true }, '{"u\u0308":1}', FAILS],
  ['name-homoglyph', { ptr: '/a', op: 'exists', value: true }, '{"\u0430":1}', FAILS],
  ['name-override', { ptr: '/a', op: 'exists', value: true }, '{"\u202ea":1}', FAILS],
];
