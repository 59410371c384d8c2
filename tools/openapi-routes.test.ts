import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ROUTES } from './openapi-routes.js';

const SERVER = fileURLToPath(new URL('../packages/server/src', import.meta.url));

/** A route is declared by its path in quotes: as a member, or as the first text of a call that makes it. A target that
 *  is compared or sent to would look the same, and does not occur in the server. */
const DECLARED =
  /'(\/(?:talos\/v1|access\/v1|tlog|mcp|v1|anthropic\/v1|health|metrics|verify|\.well-known)(?:\/[^']+)?)'/g;

/** Routes that nodes of one platform call on each other, and nobody else may: where they are declared, and called. */
const BETWEEN_NODES: readonly string[] = ['audit/intake-routes.ts', 'main/audit-link/wire.ts'];

function sources(): string[] {
  const names = readdirSync(SERVER, { recursive: true, encoding: 'utf8' });
  const isOurs = (name: string): boolean => /\.ts$/.test(name) && !BETWEEN_NODES.includes(name);
  return names.filter((name) => isOurs(name) && !/\.test\.ts$|(?:^|\/)testing\//.test(name));
}

/** `:name` and `*` of our router are `{name}` in OpenAPI; only where a value stands matters here. */
function shapeOf(path: string): string {
  return path.replace(/\{\w+\}|:\w+|\*/g, '{}');
}

describe('the OpenAPI document', () => {
  it('has every route that is served, and no other', () => {
    const served = sources().flatMap((name) =>
      [...readFileSync(`${SERVER}/${name}`, 'utf8').matchAll(DECLARED)].map(([, path]) =>
        shapeOf(path as string),
      ),
    );
    expect(served.length).toBeGreaterThan(20);
    const documented = ROUTES.map(({ path }) => shapeOf(path));
    expect([...new Set(served)].sort()).toEqual([...new Set(documented)].sort());
  });

  it('names each operation once', () => {
    expect(new Set(ROUTES.map(({ id }) => id)).size).toBe(ROUTES.length);
    expect(new Set(ROUTES.map(({ method, path }) => `${method} ${path}`)).size).toBe(ROUTES.length);
  });
});
