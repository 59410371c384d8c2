import type { ToolManifest } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonObject, parseJsonObject } from '../encoding/json.js';
import { TrustError } from '../error.js';
import { createNodeCrypto } from '../node/index.js';
import {
  itemsOfCall,
  itemsOfRealCall,
  joinItems,
  parseItems,
  pathsToResolve,
  type ToolCall,
  withRealPaths,
} from './items.js';
import { parseManifest, toolPin } from './manifest.js';
import { parseScope } from './scope.js';

const crypto = createNodeCrypto();
const BARE = 'tool:fs/method:t';

function call(
  resources: ToolManifest['resources'],
  args: unknown,
  op: ToolManifest['op'] = 'read',
): ToolCall {
  const manifest = parseManifest({ op, resources });
  return { server: 'fs', tool: 't', manifest, arguments: args as JsonObject };
}

function scopes(...given: Parameters<typeof call>): readonly string[] {
  return itemsOfCall(call(...given)).map(({ op, scope }) => `${op} ${scope.replace(BARE, '')}`);
}

describe('itemsOfCall', () => {
  const path = { ptr: '/path', kind: 'path', required: false } as const;
  const each = { ptr: '/edits/*/path', kind: 'path', required: true } as const;

  it('CAP-15 repeats no item', () => {
    expect(scopes([path, { ...path, ptr: '/other' }], { path: '/a', other: '/a' })).toEqual([
      'read /resource:/a',
    ]);
  });

  it('CAP-16 asks for the whole tool where any element lacks a required value', () => {
    expect(scopes([each], { edits: [{ path: '/a' }, {}] })).toEqual(['read ', 'read /resource:/a']);
    expect(scopes([{ ...each, required: false }], { edits: [{ path: '/a' }, {}] })).toEqual([
      'read /resource:/a',
    ]);
  });

  it.each<[string, unknown]>([
    ['an object in the place of an array', { edits: { '*': { path: '/a' } } }],
    ['text in the place of an array', { edits: '/a' }],
    ['null in the place of an array', { edits: null }],
    ['text in the place of an object', { edits: ['/a'] }],
    ['a list in the place of text', { edits: [{ path: ['/a'] }] }],
    ['null in the place of text', { edits: [{ path: null }] }],
  ])('CAP-16 asks for the whole tool for %s, required or not', (_, args) => {
    expect(scopes([{ ...each, required: false }], args)).toEqual(['read ']);
    expect(scopes([each], args)).toEqual(['read ']);
  });

  it('CAP-15 finds own members only', () => {
    const inherited = { ptr: '/constructor/name', kind: 'path', required: true } as const;
    expect(scopes([inherited], {})).toEqual(['read ']);
    const proto = { ptr: '/__proto__', kind: 'path', required: false } as const;
    expect(scopes([proto], parseJsonObject('{"__proto__":"/a"}'))).toEqual(['read /resource:/a']);
    expect(scopes([proto], {})).toEqual(['read ']);
  });

  it('CAP-17 maps an id as one segment, and refuses what none can hold', () => {
    const id = { ptr: '/id', kind: 'id', required: true } as const;
    expect(scopes([id], { id: '../a b' })).toEqual(['read /resource:/..%2Fa%20b']);
    for (const bad of ['', '.', '..', 'a\n', 'u\u0308', 'a'.repeat(12_800), '\ud800']) {
      expect(() => scopes([id], { id: bad }), bad).toThrow(
        expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }),
      );
    }
  });

  it('CAP-17 maps URLs that every parser reads alike, and refuses the others', () => {
    const url = { ptr: '/u', kind: 'url', required: true } as const;
    expect(scopes([url], { u: 'https://a.example' })).toEqual(['read /resource:/https/a.example']);
    expect(scopes([url], { u: 'HTTPS://a.example/x%20y/' })).toEqual([
      'read /resource:/https/a.example/x%20y',
    ]);
    expect(scopes([url], { u: 'http://[::1]:81/' })).toEqual(['read /resource:/http/%5B%3A%3A1%5D%3A81']);
    for (const bad of [
      'ftp://a.example/',
      'https:a.example',
      'https:///a.example',
      'https:\\\\a.example\\',
      ' https://a.example',
      'https://a.exa\tmple/',
      'https://a.example/a//b',
      'https://a.example/../b',
      'https://a.example/%2e%2E/b',
      'https://a.example/a%2Fb',
      'https://a.example/a%5Cb',
      'https://a.example/a%00',
      'https://a.example/%FF',
      'https://a.example/%',
      'https://a.example/u%CC%88',
      'https://a.example/ü',
      'https://u@a.example/',
      'https://@a.example/',
      'https://a.example:/',
      'https://a.example:08443/',
      'https://a.example:99999/',
      'http://0x7f.1/',
      'http://127.1/',
      'http://[::ffff:127.0.0.1]/',
      `https://a.example/${'a'.repeat(4096)}`,
    ]) {
      expect(() => scopes([url], { u: bad }), bad).toThrow(
        expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }),
      );
    }
  });

  it('CAP-17 refuses what some server reads as dots, as a path and as a URL', () => {
    const dots = [
      '..;',
      '..;x=y',
      '.;',
      '.;x',
      '%2e%2E',
      '.%2e;',
      '%252e%252e',
      '..%252f',
      '..%255cx',
      '..%3fx',
      // Twice encoded, as one who takes each character for itself would write it.
      '%25%32%65%25%32%65',
      '%2%65.',
      '.%%32E;x',
      '..%25%35c',
      '..%%33%66',
    ];
    for (const segment of dots) {
      const texts = [`/a/${segment}`, `/a/${segment}/b`, `/${segment}/b`];
      for (const text of texts)
        for (const [kind, value] of [
          ['path', text],
          ['url', `https://a.example${text}`],
          ['url', `https://a.example${text.replace(';', '%3B')}?q`],
        ] as const)
          expect(() => scopes([{ ptr: '/u', kind, required: true }], { u: value }), value).toThrow(
            expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }),
          );
    }
  });

  it('CAP-17 looks at the longest path for dots once', () => {
    const path = { ptr: '/a/*', kind: 'path', required: true } as const;
    const long = ['%25', '%', '25', '..', '/%2', '/.%25'].map((part) =>
      `/x${part.repeat(4000 / part.length)}`.slice(0, 4090),
    );
    const start = performance.now();
    for (let i = 0; i < 5; i += 1) scopes([path], { a: long });
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it('CAP-15 is bounded', () => {
    const many = { ptr: '/a/*/*', kind: 'id', required: true } as const;
    const list = Array.from({ length: 40 }, (_, i) => Array.from({ length: 40 }, (_, j) => `${i}-${j}`));
    expect(() => scopes([many], { a: list })).toThrow(
      expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }),
    );
    expect(() => scopes([many], { a: [Array(100_000).fill('x')] })).toThrow(TrustError);
    expect(scopes([many], { a: [Array(1024).fill('x')] })).toEqual(['read /resource:/x']);
    const half = Array.from({ length: 600 }, (_, i) => `${i}`);
    const one = { kind: 'id', required: true } as const;
    const two = [
      { ...one, ptr: '/a/*' },
      { ...one, ptr: '/b/*', op: 'write' as const },
    ];
    expect(() => scopes(two, { a: half, b: half })).toThrow('1024');
  });

  it('CAP-15 counts a path that is to be resolved twice, so that what it leads to finds room', () => {
    const paths = (count: number) => Array.from({ length: count }, (_, i) => `/${i}`);
    const resolved = { ptr: '/a/*', kind: 'path', required: true, resolve: 'realpath' } as const;
    expect(scopes([resolved], { a: paths(512) })).toHaveLength(512);
    expect(() => scopes([resolved], { a: paths(513) })).toThrow('1024');
    expect(() => scopes([resolved], { a: Array(1024).fill('/x') })).toThrow('1024');
  });

  it('CAP-17 makes an item of the longest path, whatever its letters', () => {
    const each = { ptr: '/a/*', kind: 'path', required: true } as const;
    const longest = `/${'\u6587'.repeat(1365)}`;
    expect(new TextEncoder().encode(longest)).toHaveLength(4096);
    expect(scopes([each], { a: [longest] })).toEqual([`read /resource:/${'%E6%96%87'.repeat(1365)}`]);
    expect(() => scopes([each], { a: [`${longest}a`] })).toThrow(TrustError);
  });

  it('CAP-15 bounds what the items of a call hold together', () => {
    const each = { ptr: '/a/*', kind: 'path', required: true } as const;
    const long = (count: number) => Array.from({ length: count }, (_, i) => `/${i}${'\u6587'.repeat(1360)}`);
    expect(scopes([each], { a: long(7) })).toHaveLength(7);
    expect(() => scopes([each], { a: long(9) })).toThrow(
      expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }),
    );
  });

  it('makes canonical items or a typed refusal, whatever the arguments', () => {
    const resources = ['/a', '/a/*', '/a/b/*/c'].flatMap((ptr) =>
      (['path', 'url', 'id'] as const).map((kind) => ({ ptr, kind, required: false })),
    );
    const text = fc.constantFrom('/a', '/a/../b', 'https://x.example/a', 'é', '');
    const leaf = fc.oneof(text, fc.string(), fc.integer(), fc.constant(null));
    const inner = fc.oneof(
      leaf,
      fc.array(fc.record({ c: leaf })),
      fc.array(leaf),
      fc.record({ b: fc.array(leaf) }),
    );
    fc.assert(
      fc.property(fc.record({ a: inner }), fc.nat(8), (args, index) => {
        const resource = resources[index];
        try {
          const items = itemsOfCall(call(resource === undefined ? [] : [resource], args));
          expect(items.length).toBeGreaterThan(0);
          for (const { scope } of items) expect(parseScope(scope, 'item').text).toBe(scope);
        } catch (error) {
          expect(error).toBeInstanceOf(TrustError);
        }
      }),
    );
  });
});

describe('CAP-18', () => {
  const resources: ToolManifest['resources'] = [
    { ptr: '/from', kind: 'path', required: true, op: 'read', resolve: 'realpath' },
    { ptr: '/to/*/path', kind: 'path', required: true, resolve: 'realpath' },
    { ptr: '/to/1/path', kind: 'path', required: true, resolve: 'realpath' },
    { ptr: '/label', kind: 'path', required: true },
  ];
  const args = { from: '/a', to: [{ path: '/b', n: 1 }, { path: '/a' }], label: '/a' };

  it('lists the paths whose manifest says so, each once', () => {
    expect(pathsToResolve(call(resources, args))).toEqual(['/a', '/b']);
  });

  it('makes the call what it comes to: arguments and items, and nothing but what is resolved', () => {
    const made = call(resources, args, 'write');
    const real = withRealPaths(made, new Map([['/a', '/etc/x']]));
    expect(real.arguments).toEqual({
      from: '/etc/x',
      to: [{ path: '/b', n: 1 }, { path: '/etc/x' }],
      label: '/a',
    });
    expect(made.arguments['from']).toBe('/a');
    expect(itemsOfRealCall(real)).toEqual([
      { scope: `${BARE}/resource:/etc/x`, op: 'read' },
      { scope: `${BARE}/resource:/b`, op: 'write' },
      { scope: `${BARE}/resource:/etc/x`, op: 'write' },
      { scope: `${BARE}/resource:/a`, op: 'write' },
    ]);
  });

  it('takes a member named __proto__ for one, and leaves alone what is no string or not there', () => {
    const odd = parseJsonObject('{"__proto__":{"path":"/a"},"n":7}');
    const named = (ptr: string) => ({ ptr, kind: 'path', required: false, resolve: 'realpath' }) as const;
    const pointers = ['/__proto__/path', '/n', '/none', '/n/*'].map(named);
    const real = withRealPaths(call(pointers, odd), new Map([['/a', '/b']]));
    expect(JSON.stringify(real.arguments)).toBe('{"__proto__":{"path":"/b"},"n":7}');
  });

  it('a real path that is no normal path is refused', () => {
    const real = withRealPaths(call(resources, args), new Map([['/a', 'C:\\x']]));
    expect(() => itemsOfRealCall(real)).toThrow('normal path');
  });
});

describe('joinItems', () => {
  const items = (count: number, length: number, op = 'read') =>
    parseItems(
      Array.from({ length: count }, (_, i) => {
        const start = `${BARE}/resource:/${i}`;
        return { scope: start + 'a'.repeat(length - start.length), op };
      }),
    );

  it('CAP-15 bounds what a call names and where that leads together, equal items counting once', () => {
    const half = items(48, 1024);
    expect(joinItems(half, half)).toEqual(half);
    expect(joinItems(half, items(48, 1024, 'write'))).toHaveLength(96);
    expect(() => joinItems(half, [...items(48, 1024, 'write'), ...items(1, 40)])).toThrow('98304');
    expect(() => joinItems([], items(8, 12_800))).toThrow(TrustError);
    expect(() => joinItems(items(600, 40), items(600, 40, 'write'))).toThrow('1024');
  });
});

describe('parseItems', () => {
  it('DEC-11 accepts canonical items only', () => {
    const item = { scope: `${BARE}/resource:/a`, op: 'read' };
    expect(parseItems([item])).toEqual([item]);
    for (const bad of [
      [],
      [{ ...item, op: 'x' }],
      [{ ...item, scope: `${BARE}/resource:/a/../b` }],
      [null],
      Array(1025).fill(item),
    ]) {
      expect(() => parseItems(bad)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
    }
  });
});

describe('manifests', () => {
  const manifest = { op: 'read', resources: [{ ptr: '/path', kind: 'path', required: true }] } as const;

  it('DEC-8 resolve paths only', () => {
    const bad = { op: 'read', resources: [{ ptr: '/u', kind: 'url', required: true, resolve: 'realpath' }] };
    expect(() => parseManifest(bad)).toThrow('resolves');
  });

  it('DEC-8 pin server, tool and manifest, in any order of members', () => {
    const tool = { name: 't', description: 'reads', inputSchema: { type: 'object', maximum: 0.5 } };
    const pin = toolPin({ server: 'fs', tool, manifest: parseManifest(manifest) }, crypto);
    const { resources, op } = manifest;
    const swapped = { inputSchema: { maximum: 0.5, type: 'object' }, description: 'reads', name: 't' };
    expect(toolPin({ server: 'fs', tool: swapped, manifest: parseManifest({ resources, op }) }, crypto)).toBe(
      pin,
    );
    const text =
      '{"manifest":{"op":"read","resources":[{"kind":"path","ptr":"/path","required":true}]},"server":"fs","tool":{"description":"reads","inputSchema":{"maximum":0.5,"type":"object"},"name":"t"}}';
    expect(crypto.sha256Hex(Buffer.from(text))).toBe(pin);
    const others = [
      { server: 'git', tool, manifest },
      { server: 'fs', tool: { ...tool, description: 'reads all' }, manifest },
      { server: 'fs', tool: { ...tool, annotations: {} }, manifest },
      { server: 'fs', tool, manifest: { ...manifest, op: 'write' as const } },
    ];
    const pins = others.map((other) =>
      toolPin({ ...other, manifest: parseManifest(other.manifest) }, crypto),
    );
    expect(new Set([pin, ...pins]).size).toBe(5);
  });
});
