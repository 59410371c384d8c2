import { type Data, hex, jcs, sha256 } from './bytes.js';
import { createNoun, type Noun } from './case.js';

type Row = [id: string, op: string, value: Data, argument: Data];

const TRUE: Row[] = [
  ['eq-string', 'eq', 'a', 'a'],
  ['eq-integer', 'eq', 1, 1],
  ['eq-boolean', 'eq', false, false],
  ['ne', 'ne', 'a', 'b'],
  ['in', 'in', ['a', 1], 1],
  ['nin', 'nin', ['a', 1], 'b'],
  ['lt', 'lt', 5, 4],
  ['le', 'le', 5, 5],
  ['gt', 'gt', -1, 0],
  ['ge', 'ge', 5, 5],
  ['prefix', 'prefix', 'ab', 'abc'],
  ['glob', 'glob', '*.md', 'a.md'],
  ['glob-empty-run', 'glob', 'a*b', 'ab'],
  ['glob-two', 'glob', '*/*.md', 'a/b.md'],
  ['glob-literal', 'glob', 'a?[b]', 'a?[b]'],
  ['within-same', 'within', '/a', '/a'],
  ['within', 'within', '/a', '/a/b'],
  ['within-root', 'within', '/', '/x'],
  ['host', 'host', 'example.com', 'https://example.com/x'],
  ['host-case', 'host', 'example.com', 'https://EXAMPLE.com/'],
  ['host-suffix', 'host', '*.example.com', 'https://a.b.example.com'],
  ['host-port', 'host', 'example.com', 'https://example.com:8443/'],
  ['url', 'url', 'https://example.com/a', 'https://example.com/a/b?q=1'],
  ['url-default-port', 'url', 'https://example.com/', 'https://example.com:443/x'],
  ['cidr4', 'cidr', '10.0.0.0/8', '10.255.0.1'],
  ['cidr6', 'cidr', '2001:db8::/32', '2001:db8:1::1'],
  ['cidr-0', 'cidr', '0.0.0.0/0', '8.8.8.8'],
  ['maxLength', 'maxLength', 4, '\u00fc\u00fc'],
  ['exists', 'exists', true, null],
];

const FALSE: Row[] = [
  ['eq-type', 'eq', '1', 1],
  ['eq-bool-int', 'eq', 1, true],
  ['eq-case', 'eq', 'a', 'A'],
  ['eq-null', 'eq', '', null],
  ['eq-nfc', 'eq', '\u00fc', 'u\u0308'],
  ['ne-same', 'ne', 'a', 'a'],
  ['ne-type', 'ne', 'a', 1],
  ['ne-null', 'ne', 'a', null],
  ['in-type', 'in', ['1'], 1],
  ['in-not', 'in', ['a'], 'b'],
  ['in-array', 'in', ['a'], ['a']],
  ['nin-in', 'nin', ['a'], 'a'],
  ['nin-boolean', 'nin', ['a'], true],
  ['nin-object', 'nin', ['a'], {}],
  ['lt-equal', 'lt', 5, 5],
  ['lt-string', 'lt', 5, '4'],
  ['lt-fraction', 'lt', 5, 4.5],
  ['le-more', 'le', 5, 6],
  ['gt-equal', 'gt', 5, 5],
  ['ge-less', 'ge', 5, 4],
  ['ge-null', 'ge', 0, null],
  ['prefix-not', 'prefix', 'ab', 'ba'],
  ['prefix-type', 'prefix', '1', 12],
  ['glob-slash', 'glob', '*.md', 'a/b.md'],
  ['glob-case', 'glob', '*.md', 'a.MD'],
  ['glob-anchored', 'glob', 'a', 'xa'],
  ['glob-dot', 'glob', 'a.md', 'axmd'],
  ['glob-question', 'glob', 'a?c', 'abc'],
  ['glob-dots', 'glob', '*/b', '../b'],
  ['glob-dot-segment', 'glob', '*/*', 'a/..'],
  ['host-trailing-dot', 'host', 'example.com', 'https://example.com./'],
  ['host-space', 'host', 'example.com', ' https://example.com/'],
  ['host-tab', 'host', 'example.com', 'https://exam\tple.com/'],
  ['host-empty-user', 'host', 'example.com', 'https://@example.com/'],
  ['host-full-width', 'host', 'example.com', 'https://\uff45xample.com/'],
  ['url-localhost', 'url', 'http://localhost/', 'http://localhost/'],
  ['url-below-localhost', 'url', 'http://a.localhost/', 'http://a.localhost/'],
  ['url-empty-segment', 'url', 'https://example.com/', 'https://example.com/a//b'],
  ['url-escaped-slash', 'url', 'https://example.com/a', 'https://example.com/a/%2F'],
  ['glob-hostile', 'glob', `${'*a'.repeat(100)}b`, 'a'.repeat(4000)],
  ['within-sibling', 'within', '/a', '/ab'],
  ['within-dots', 'within', '/a', '/a/../b'],
  ['within-double', 'within', '/a', '/a//b'],
  ['within-relative', 'within', '/', 'a'],
  ['within-trailing', 'within', '/a', '/a/'],
  ['within-tilde', 'within', '/a', '/a/~root'],
  ['within-backslash', 'within', '/a', '/a/..\\b'],
  ['within-nul', 'within', '/a', '/a/\u0000'],
  ['within-nfd', 'within', '/a', '/a/u\u0308'],
  ['within-dot', 'within', '/a', '/a/.'],
  ['host-suffix-itself', 'host', '*.example.com', 'https://example.com'],
  ['host-suffix-glued', 'host', '*.example.com', 'https://badexample.com'],
  ['host-user', 'host', 'example.com', 'https://a@example.com/'],
  ['host-user-trick', 'host', 'example.com', 'https://example.com@evil.org/'],
  ['host-backslash', 'host', 'example.com', 'https://evil.org\\@example.com/'],
  ['host-fragment', 'host', 'example.com', 'https://evil.org#@example.com'],
  ['host-scheme', 'host', 'example.com', 'ftp://example.com/'],
  ['host-file', 'host', 'example.com', 'file://example.com/'],
  ['host-none', 'host', 'example.com', 'example.com'],
  ['url-sibling', 'url', 'https://example.com/a', 'https://example.com/ab'],
  ['url-scheme', 'url', 'https://example.com/', 'http://example.com/'],
  ['url-port', 'url', 'https://example.com/', 'https://example.com:444/'],
  ['url-user', 'url', 'https://example.com/', 'https://u:p@example.com/'],
  ['url-dots', 'url', 'https://example.com/a', 'https://example.com/a/../b'],
  ['url-escaped-dots', 'url', 'https://example.com/a', 'https://example.com/a/%2e%2e/b'],
  ['url-loopback', 'url', 'http://127.0.0.1/', 'http://127.0.0.1/x'],
  ['url-private', 'url', 'http://10.0.0.1/', 'http://10.0.0.1/'],
  ['url-metadata', 'url', 'http://169.254.169.254/', 'http://169.254.169.254/latest'],
  ['url-decimal', 'url', 'http://2130706433/', 'http://2130706433/'],
  ['url-ipv6-loopback', 'url', 'http://[::1]/', 'http://[::1]/'],
  ['url-mapped', 'url', 'http://[::ffff:127.0.0.1]/', 'http://[::ffff:127.0.0.1]/'],
  ['cidr-outside', 'cidr', '10.0.0.0/8', '11.0.0.1'],
  ['cidr-family', 'cidr', '0.0.0.0/0', '::1'],
  ['cidr-mapped', 'cidr', '10.0.0.0/8', '::ffff:10.0.0.1'],
  ['cidr-octal', 'cidr', '10.0.0.0/8', '012.0.0.1'],
  ['cidr-short', 'cidr', '10.0.0.0/8', '10.1'],
  ['cidr-zone', 'cidr', 'fe80::/10', 'fe80::1%eth0'],
  ['cidr-number', 'cidr', '10.0.0.0/8', 167772161],
  ['maxLength-bytes', 'maxLength', 3, '\u00fc\u00fc'],
  ['maxLength-array', 'maxLength', 3, ['a']],
  ['exists-false', 'exists', false, null],
];

const REFUSED: [string, Data][] = [
  ['unknown-op', { ptr: '/a', op: 'regex', value: '.*' }],
  ['inherited-op', { ptr: '/a', op: 'constructor', value: 1 }],
  ['proto-op', { ptr: '/a', op: '__proto__', value: 1 }],
  ['unknown-member', { ptr: '/a', op: 'eq', value: 1, not: true }],
  ['no-value', { ptr: '/a', op: 'eq' }],
  ['no-ptr', { op: 'eq', value: 1 }],
  ['ptr-relative', { ptr: 'a', op: 'eq', value: 1 }],
  ['ptr-escape', { ptr: '/~2', op: 'eq', value: 1 }],
  ['ptr-tilde', { ptr: '/~', op: 'eq', value: 1 }],
  ['ptr-long', { ptr: `/${'a'.repeat(256)}`, op: 'eq', value: 1 }],
  ['eq-null', { ptr: '/a', op: 'eq', value: null }],
  ['eq-array', { ptr: '/a', op: 'eq', value: [] }],
  ['in-empty', { ptr: '/a', op: 'in', value: [] }],
  ['in-65', { ptr: '/a', op: 'in', value: Array.from({ length: 65 }, (_, i) => i) }],
  ['in-boolean', { ptr: '/a', op: 'in', value: [true] }],
  ['in-string', { ptr: '/a', op: 'in', value: 'abc' }],
  ['lt-string', { ptr: '/a', op: 'lt', value: '5' }],
  ['prefix-empty', { ptr: '/a', op: 'prefix', value: '' }],
  ['glob-long', { ptr: '/a', op: 'glob', value: '*'.repeat(257) }],
  ['within-relative', { ptr: '/a', op: 'within', value: 'a' }],
  ['within-dots', { ptr: '/a', op: 'within', value: '/a/..' }],
  ['within-trailing', { ptr: '/a', op: 'within', value: '/a/' }],
  ['host-url', { ptr: '/a', op: 'host', value: 'https://example.com' }],
  ['host-star', { ptr: '/a', op: 'host', value: '*' }],
  ['host-inner-star', { ptr: '/a', op: 'host', value: 'a.*.com' }],
  ['url-user', { ptr: '/a', op: 'url', value: 'https://u@example.com/' }],
  ['url-query', { ptr: '/a', op: 'url', value: 'https://example.com/?a' }],
  ['url-fragment', { ptr: '/a', op: 'url', value: 'https://example.com/#a' }],
  ['url-relative', { ptr: '/a', op: 'url', value: '/a' }],
  ['host-capitals', { ptr: '/a', op: 'host', value: 'Example.com' }],
  ['host-address', { ptr: '/a', op: 'host', value: '10.0.0.1' }],
  ['url-trailing-slash', { ptr: '/a', op: 'url', value: 'https://example.com/a/' }],
  ['cidr-host-bits', { ptr: '/a', op: 'cidr', value: '10.0.0.1/8' }],
  ['cidr-33', { ptr: '/a', op: 'cidr', value: '10.0.0.0/33' }],
  ['cidr-129', { ptr: '/a', op: 'cidr', value: '::/129' }],
  ['cidr-no-bits', { ptr: '/a', op: 'cidr', value: '10.0.0.0' }],
  ['cidr-zero', { ptr: '/a', op: 'cidr', value: '10.0.0.0/08' }],
  ['maxLength-string', { ptr: '/a', op: 'maxLength', value: '3' }],
  ['exists-string', { ptr: '/a', op: 'exists', value: 'true' }],
  ['argsHash-ptr', { ptr: '/a', op: 'argsHash', value: '0'.repeat(64) }],
  ['argsHash-short', { ptr: '', op: 'argsHash', value: '00' }],
  ['argsHash-upper', { ptr: '', op: 'argsHash', value: 'A'.repeat(64) }],
];

export function constraintNoun(): Noun {
  const n = createNoun(
    'constraint',
    'constraint is judged on the arguments of a call (CAP-12). Valid: it holds. Invalid: CONSTRAINT_VIOLATED, it does not hold; MALFORMED, a link that states it is refused.',
  );
  for (const [id, op, value, a] of TRUE)
    n.ok(id, 'CAP-12', id, { constraint: { ptr: '/a', op, value }, arguments: { a } }, { holds: true });
  const args = { b: [1, { c: '\u20ac' }], a: 'x' };
  const argsHash = { ptr: '', op: 'argsHash', value: hex(sha256(jcs(args))) };
  n.ok(
    'argsHash',
    'CAP-12',
    'hash of the whole arguments',
    { constraint: argsHash, arguments: args },
    { holds: true },
  );
  n.ok(
    'absent',
    'CAP-12',
    'exists false on nothing',
    { constraint: { ptr: '/b', op: 'exists', value: false }, arguments: { a: 1 } },
    { holds: true },
  );
  n.ok(
    'pointer-escape',
    'CAP-12',
    'a pointer with ~0 and ~1',
    { constraint: { ptr: '/~1~0', op: 'eq', value: 1 }, arguments: { '/~': 1 } },
    { holds: true },
  );
  n.ok(
    'pointer-array',
    'CAP-12',
    'a pointer into an array',
    { constraint: { ptr: '/a/1', op: 'eq', value: 2 }, arguments: { a: [1, 2] } },
    { holds: true },
  );
  for (const [id, op, value, a] of FALSE)
    n.no(
      `false-${id}`,
      'CAP-12',
      id,
      { constraint: { ptr: '/a', op, value }, arguments: { a } },
      'CONSTRAINT_VIOLATED',
    );
  const missing: [string, Data, Data][] = [
    ['missing', { ptr: '/b', op: 'ne', value: 1 }, { a: 1 }],
    ['missing-nin', { ptr: '/b', op: 'nin', value: [1] }, { a: 1 }],
    ['inherited', { ptr: '/constructor', op: 'exists', value: true }, { a: 1 }],
    ['proto', { ptr: '/__proto__', op: 'exists', value: true }, { a: 1 }],
    ['array-length', { ptr: '/a/length', op: 'exists', value: true }, { a: [1] }],
    ['array-zeros', { ptr: '/a/00', op: 'exists', value: true }, { a: [1] }],
    ['array-end', { ptr: '/a/-', op: 'exists', value: true }, { a: [1] }],
    ['string-index', { ptr: '/a/0', op: 'exists', value: true }, { a: 'xy' }],
    ['argsHash', { ...argsHash }, { ...args, c: 1 }],
  ];
  for (const [id, constraint, given] of missing)
    n.no(`false-${id}`, 'CAP-12', id, { constraint, arguments: given }, 'CONSTRAINT_VIOLATED');
  for (const [id, constraint] of REFUSED)
    n.no(
      `refused-${id}`,
      id.endsWith('op') ? 'CAP-13' : 'CAP-12',
      id,
      { constraint, arguments: { a: 1 } },
      'MALFORMED',
    );
  return n.done();
}

export function onlyNoun(): Noun {
  const n = createNoun('only', 'arguments hold nothing outside the pointers of only (CAP-14).');
  const good: [string, string[], Data][] = [
    ['one', ['/a'], { a: 1 }],
    ['empty-arguments', ['/a', ''], {}],
    ['below', ['/a'], { a: { b: [1, { c: 2 }] } }],
    ['whole', [''], { a: 1, b: 2 }],
    ['element', ['/a/0'], { a: [1] }],
    ['escaped', ['/~1'], { '/': 1 }],
    ['parts', ['/a/x', '/a/y'], { a: { x: 1, y: 2 } }],
  ];
  for (const [id, only, args] of good) n.ok(id, 'CAP-14', id, { only, arguments: args }, { holds: true });
  const bad: [string, string[], Data][] = [
    ['other', ['/a'], { a: 1, b: 2 }],
    ['prefix', ['/a'], { ab: 1 }],
    ['null', ['/a'], { b: null }],
    ['empty-object', ['/a'], { b: {} }],
    ['empty-array', ['/a'], { a: 1, b: [] }],
    ['sibling', ['/a/x'], { a: { x: 1, y: 2 } }],
    ['second-element', ['/a/0'], { a: [1, 2] }],
    ['proto', ['/a'], JSON.parse('{"a":1,"__proto__":{"b":1}}')],
    ['empty-above', ['/a/x'], { a: {} }],
    ['empty-name', ['/a'], { '': 1 }],
  ];
  for (const [id, only, args] of bad)
    n.no(id, 'CAP-14', id, { only, arguments: args }, 'CONSTRAINT_VIOLATED');
  return n.done();
}
