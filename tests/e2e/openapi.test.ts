import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openListeners } from '../../packages/server/src/main/listeners.js';
import { openWorld, type World } from '../support/world.js';

// Only watched: it runs as it is, and tells which routes the rooms declared.
vi.mock('../../packages/server/src/main/listeners.js', { spy: true });

interface Operation {
  readonly operationId: string;
  /** The services that serve it. */
  readonly tags: readonly string[];
  readonly security?: readonly object[];
}

let world: World;
let operations: readonly (readonly [name: string, operation: Operation])[];

beforeAll(async () => {
  const url = new URL('../../packages/contracts/schemas/openapi.json', import.meta.url);
  const { paths } = JSON.parse(await readFile(url, 'utf8')) as {
    paths: Record<string, Record<string, Operation>>;
  };
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      operation.tags.map((service) => {
        return [`${service} ${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`, operation] as const;
      }),
    ),
  );
  world = await openWorld();
});
afterAll(() => world?.close());

const served = () => {
  const [declared] = vi.mocked(openListeners).mock.calls[0]!;
  return Object.entries(declared).flatMap(([service, routes]) =>
    routes.map((route) => {
      const path = route.path.replace(/:[A-Za-z]+|\*/g, '{}');
      return { name: `${service} ${route.method} ${path}`, surface: route.surface };
    }),
  );
};

it('every route that is served is in the published document, and the other way round', () => {
  const published = operations.map(([name]) => name).sort();
  expect(
    served()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(published);
  const ids = new Set(operations.map(([, { operationId }]) => operationId));
  expect(ids.size).toBe(new Set(operations.map(([, operation]) => operation)).size);
});

it('and the document says which of them need the administrator', () => {
  const needs = operations.flatMap(([name, { security = [] }]) =>
    security.some((one) => 'administrator' in one) ? [name] : [],
  );
  const admin = served().flatMap(({ name, surface }) => (surface === 'admin' ? [name] : []));
  expect(needs.sort()).toEqual(admin.sort());
});
