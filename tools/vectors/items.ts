import type { Data } from './bytes.js';
import { createNoun, type Noun } from './case.js';

const BASE = 'tool:fs/method:t';
const resource = (ptr: string, kind: string, more: { [name: string]: Data } = {}) => ({
  ptr,
  kind,
  required: true,
  ...more,
});

export function itemsNoun(): Noun {
  const n = createNoun(
    'items',
    'a call of tool on server with arguments is decided as expect.items, in any order, by the manifest (CAP-15 to CAP-17).',
  );
  const ok = (id: string, resources: Data[], args: Data, items: [string, string][], op = 'read') =>
    n.ok(
      id,
      'CAP-15',
      id,
      { server: 'fs', tool: 't', manifest: { op, resources }, arguments: args },
      {
        items: items.map(([scope, itemOp]) => ({ scope: `${BASE}${scope}`, op: itemOp })),
      },
    );
  ok('none', [], { a: 1 }, [['', 'read']]);
  ok('path', [resource('/path', 'path')], { path: '/docs/a b.md' }, [['/resource:/docs/a%20b.md', 'read']]);
  ok('root', [resource('/path', 'path')], { path: '/' }, [['/resource:/', 'read']]);
  ok('escaped', [resource('/path', 'path')], { path: '/\u00fc%*:' }, [
    ['/resource:/%C3%BC%25%2A%3A', 'read'],
  ]);
  ok('many', [resource('/paths/*', 'path')], { paths: ['/a', '/b'] }, [
    ['/resource:/a', 'read'],
    ['/resource:/b', 'read'],
  ]);
  ok(
    'two-ops',
    [resource('/from', 'path', { op: 'read' }), resource('/to', 'path')],
    { from: '/a', to: '/b' },
    [
      ['/resource:/a', 'read'],
      ['/resource:/b', 'write'],
    ],
    'write',
  );
  ok('optional', [resource('/path', 'path', { required: false })], {}, [['', 'read']]);
  ok('required-missing', [resource('/path', 'path', { op: 'write' })], {}, [['', 'write']]);
  ok('empty-array', [resource('/paths/*', 'path')], { paths: [] }, [['', 'read']]);
  ok('number', [resource('/path', 'path')], { path: 7 }, [['', 'read']]);
  ok('null-among', [resource('/paths/*', 'path')], { paths: ['/a', null] }, [
    ['/resource:/a', 'read'],
    ['', 'read'],
  ]);
  ok('url', [resource('/url', 'url')], { url: 'https://Example.com:8443/a/b?q#f' }, [
    ['/resource:/https/example.com%3A8443/a/b', 'read'],
  ]);
  ok('url-default-port', [resource('/url', 'url')], { url: 'https://example.com:443/a' }, [
    ['/resource:/https/example.com/a', 'read'],
  ]);
  ok('id', [resource('/id', 'id')], { id: 'a/b' }, [['/resource:/a%2Fb', 'read']]);
  ok('not-an-array', [resource('/paths/*', 'path')], { paths: '/a' }, [['', 'read']]);
  ok('optional-wrong-shape', [resource('/a/b', 'path', { required: false, op: 'write' })], { a: 'x' }, [
    ['', 'write'],
  ]);
  ok('url-decoded', [resource('/url', 'url')], { url: 'https://example.com/a%20b/' }, [
    ['/resource:/https/example.com/a%20b', 'read'],
  ]);
  const near = ['.a', '...', '..a;b', 'a;..', '.#a', 'a..', 'https%3A%2F%2Fexample.com'];
  const escaped = '/.a/.../..a%3Bb/a%3B../.%23a/a../https%253A%252F%252Fexample.com';
  ok('path-no-dots', [resource('/path', 'path')], { path: `/${near.join('/')}` }, [
    [`/resource:${escaped}`, 'read'],
  ]);
  const address = 'https://example.com/a;x/..b;y/...;z/.c/d..;w?x=/../y#/..;/';
  ok('url-no-dots', [resource('/url', 'url')], { url: address }, [
    ['/resource:/https/example.com/a%3Bx/..b%3By/...%3Bz/.c/d..%3Bw', 'read'],
  ]);
  const longest = `/${'\u6587'.repeat(1365)}`;
  ok('path-longest', [resource('/path', 'path')], { path: longest }, [
    [`/resource:/${'%E6%96%87'.repeat(1365)}`, 'read'],
  ]);
  const many = (count: number, length = 1) =>
    Array.from({ length: count }, (_, i) => `/${String(i).padStart(length, '0')}`);
  const bounded = (id: string, paths: string[], more: { [name: string]: Data } = {}) =>
    n.no(
      id,
      'CAP-15',
      id,
      {
        server: 'fs',
        tool: 't',
        manifest: { op: 'read', resources: [resource('/a/*', 'path', more)] },
        arguments: { a: paths },
      },
      'CONSTRAINT_VIOLATED',
    );
  bounded('too-many', many(1025));
  bounded('too-many-to-resolve', many(513), { resolve: 'realpath' });
  bounded('too-long-together', many(25, 4000));
  const no = (id: string, kind: string, value: Data) =>
    n.no(
      id,
      'CAP-17',
      id,
      {
        server: 'fs',
        tool: 't',
        manifest: { op: 'read', resources: [resource('/a', kind)] },
        arguments: { a: value },
      },
      'CONSTRAINT_VIOLATED',
    );
  const paths: [string, string][] = [
    ['relative', 'a'],
    ['empty', ''],
    ['dots', '/a/../b'],
    ['dots-end', '/a/..'],
    ['dots-parameters', '/a/..;x=y/b'],
    ['dots-parameters-empty', '/a/..;'],
    ['dot-parameters', '/.;x/a'],
    ['dots-escaped', '/a/%2e%2E/b'],
    ['dots-escaped-half', '/a/.%2e;/b'],
    ['dots-escaped-twice', '/a/%252e%25252E/b'],
    ['dots-escaped-parameters', '/a/..%3Bx/b'],
    ['dots-escaped-slash', '/a/..%2fb'],
    ['dots-query', '/a/..?b'],
    ['dot', '/./a'],
    ['double', '//a'],
    ['trailing', '/a/'],
    ['tilde', '/~/a'],
    ['tilde-user', '/a/~root'],
    ['backslash', '/a\\b'],
    ['nul', '/a\u0000'],
    ['line-end', '/a\n'],
    ['nfd', '/u\u0308'],
    ['delete', '/\u007f'],
    ['c1', '/\u0085'],
    ['long', `/${'a'.repeat(4096)}`],
    ['long-letters', `${longest}a`],
    ['drive', 'C:\\a'],
    ['file-url', 'file:///a'],
  ];
  for (const [id, path] of paths) no(`path-${id}`, 'path', path);
  for (const [id, url] of [
    ['user', 'https://u:p@example.com/'],
    ['relative', '/a'],
    ['empty-user', 'https://@example.com/'],
    ['dots', 'https://example.com/a/../b'],
    ['dots-parameters', 'https://example.com/a/..;/b'],
    ['dots-parameters-named', 'https://example.com/a/..;x=y/b'],
    ['dots-parameters-end', 'https://example.com/a/..;'],
    ['dot-parameters', 'https://example.com/.;/a'],
    ['dots-parameters-escaped', 'https://example.com/a/..%3B/b'],
    ['dots-parameters-escaped-small', 'https://example.com/a/..%3bx/b'],
    ['dots-escaped-parameters', 'https://example.com/a/%2e%2E;x/b'],
    ['dots-escaped-half', 'https://example.com/a/.%2E;/b'],
    ['dots-escaped-twice', 'https://example.com/a/%252e%252e/b'],
    ['dots-escaped-thrice', 'https://example.com/a/%25252e.;/b'],
    ['dots-escaped-slash', 'https://example.com/a/..%252fb'],
    ['dots-escaped-inside', 'https://example.com/a/b%255C..%255cc'],
    ['dots-escaped-query', 'https://example.com/a/..%3Fb'],
    ['double', 'https://example.com/a//b'],
    ['scheme', 'ftp://example.com/'],
    ['port-zero', 'https://example.com:0443/'],
    ['escaped-slash', 'https://example.com/a%2Fb'],
    ['space', 'https://example.com/ '],
    ['backslash', 'https://example.com\\a'],
    ['none', 'example.com'],
    ['empty', ''],
  ] as const)
    no(`url-${id}`, 'url', url);
  const manifests: [string, Data][] = [
    ['unknown-member', { op: 'read', resources: [], trust: true }],
    ['op', { op: 'delete', resources: [] }],
    ['no-resources', { op: 'read' }],
    ['kind', { op: 'read', resources: [resource('/a', 'file')] }],
    ['no-required', { op: 'read', resources: [{ ptr: '/a', kind: 'path' }] }],
    ['resolve', { op: 'read', resources: [resource('/a', 'path', { resolve: 'yes' })] }],
    ['ptr', { op: 'read', resources: [resource('a', 'path')] }],
    ['17', { op: 'read', resources: Array.from({ length: 17 }, (_, i) => resource(`/${i}`, 'path')) }],
  ];
  for (const [id, manifest] of manifests)
    n.no(
      `manifest-${id}`,
      'DEC-8',
      id,
      { server: 'fs', tool: 't', manifest, arguments: { a: '/a' } },
      'MALFORMED',
    );
  return n.done();
}
