import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findDrift, writeFiles } from './drift.js';
import { SCHEMA_FOLDER, schemaFiles } from './emit-schemas.js';
import { openApiDocument } from './openapi.js';

describe('published schemas', () => {
  it('are the committed files', () => {
    expect(findDrift(SCHEMA_FOLDER, schemaFiles())).toEqual([]);
  });

  it('close every object with named members and anchor every pattern', () => {
    for (const [name, content] of schemaFiles()) {
      if (name === 'openapi.json') continue;
      for (const schema of walk(JSON.parse(content))) {
        if ('properties' in schema) expect(schema['additionalProperties'], name).toBe(false);
        if (schema['type'] === 'array') expect(schema['maxItems'], name).toBeGreaterThan(0);
        if (schema['type'] === 'string' && !('const' in schema)) expect(isBounded(schema), name).toBe(true);
        if (typeof schema['pattern'] === 'string') expect(schema['pattern']).toMatch(/^\^/);
      }
    }
  });

  it('reference only components that exist', () => {
    const text = JSON.stringify(openApiDocument());
    const { components } = JSON.parse(text) as { components: { schemas: object } };
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(Object.keys(components.schemas)).toContain(name);
    }
  });
});

describe('drift', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'talos-drift-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('names what differs, what is missing and what should not be there', () => {
    const files = new Map([
      ['a.json', '1\n'],
      ['deep/b.json', '2\n'],
      ['c.json', '3\n'],
    ]);
    writeFiles(folder, files);
    expect(findDrift(folder, files)).toEqual([]);
    writeFileSync(join(folder, 'a.json'), '4\n');
    rmSync(join(folder, 'c.json'));
    writeFileSync(join(folder, 'd.json'), '5\n');
    expect(findDrift(folder, files)).toEqual(['a.json', 'c.json', 'd.json']);
  });
});

function isBounded(schema: Record<string, unknown>): boolean {
  return typeof schema['maxLength'] === 'number' || Array.isArray(schema['enum']);
}

function walk(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(walk);
  return Array.isArray(value) ? inner : [value as Record<string, unknown>, ...inner];
}
