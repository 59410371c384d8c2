import { parseManifest } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { suggestManifest } from './suggest.js';

const tool = (properties: object, required: string[] = [], annotations?: object) =>
  ({
    name: 't',
    inputSchema: { type: 'object', properties, required },
    ...(annotations === undefined ? {} : { annotations }),
  }) as never;
const text = { type: 'string' };

describe('suggestManifest', () => {
  it('takes a tool for a write unless it says otherwise', () => {
    expect(suggestManifest(tool({})).manifest.op).toBe('write');
    expect(suggestManifest(tool({}, [], { readOnlyHint: true })).manifest.op).toBe('read');
    const both = { readOnlyHint: true, destructiveHint: true };
    expect(suggestManifest(tool({}, [], both)).manifest.op).toBe('write');
    expect(suggestManifest({ name: 'get_all', inputSchema: {} }).manifest.op).toBe('write');
  });

  it('finds paths, URLs and ids by name and format, also in arrays', () => {
    const properties = {
      filePath: text,
      paths: { type: 'array', items: text },
      homepage: { type: 'string', format: 'uri' },
      repo_id: text,
      moves: { type: 'array', items: { type: 'object', properties: { source: text }, required: ['source'] } },
      'a/b~path': { type: ['string', 'null'] },
      pathology: text,
      count: { type: 'integer' },
    };
    const { manifest } = suggestManifest(tool(properties, ['filePath', 'moves']));
    expect(manifest.resources).toEqual([
      { ptr: '/filePath', kind: 'path', required: true, resolve: 'realpath' },
      { ptr: '/paths/*', kind: 'path', required: false, resolve: 'realpath' },
      { ptr: '/homepage', kind: 'url', required: false },
      { ptr: '/repo_id', kind: 'id', required: false },
      { ptr: '/moves/*/source', kind: 'path', required: true, resolve: 'realpath' },
    ]);
    expect(() => parseManifest(manifest)).not.toThrow();
  });

  it('survives any schema, and proposes no more than a manifest may hold', () => {
    for (const inputSchema of [null, 1, [], { properties: 1 }, { properties: { a: null } }]) {
      expect(suggestManifest({ inputSchema } as never).manifest.resources).toEqual([]);
    }
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`p${i}_path`, text]));
    const { manifest, notes } = suggestManifest(tool(many));
    expect(manifest.resources).toHaveLength(16);
    expect(notes.at(-1)).toContain('16');
  });
});
