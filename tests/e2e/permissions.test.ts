import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ROUTED_ATTRIBUTES } from '../../packages/cli/src/commands/rbac/routed-place.js';
import { openListeners } from '../../packages/server/src/main/listeners.js';
import { type DeclaredRoute, permissionPage } from '../support/permission-table.js';
import { openWorld, type World } from '../support/world.js';

// Only watched: it runs as it is, and tells which routes the rooms declared.
vi.mock('../../packages/server/src/main/listeners.js', { spy: true });

const PAGE = new URL('../../docs/permissions.md', import.meta.url);

let world: World;
let services: Readonly<Record<string, readonly DeclaredRoute[]>>;
beforeAll(async () => {
  world = await openWorld();
  services = vi.mocked(openListeners).mock.calls[0]![0];
  if (process.env['TALOS_WRITE_DOCS'] === '1') await writeFile(PAGE, permissionPage(services));
});
afterAll(() => world?.close());

// RBAC-8, RBAC-9
it('the page of permissions is what the routes declare', async () => {
  expect(await readFile(PAGE, 'utf8')).toBe(permissionPage(services));
});

it('and the command line knows the places in which they act', () => {
  const places = Object.values(services).flatMap((routes) => routes.flatMap(({ place }) => place ?? []));
  const found: Record<string, Set<string>> = {};
  for (const { kind, attributes } of places)
    found[kind] = new Set([...(found[kind] ?? []), ...Object.keys(attributes)]);
  expect(found).toEqual(
    Object.fromEntries(Object.entries(ROUTED_ATTRIBUTES).map(([kind, names]) => [kind, new Set(names)])),
  );
});

it('and whoever holds no role gets nowhere on any of them, whoever is nobody neither', async () => {
  const { key } = (await (
    await fetch(`${world.ready.kernel}/talos/v1/rbac/service-accounts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'without a role' }),
    })
  ).json()) as { readonly key: string };
  let asked = 0;
  for (const [service, routes] of Object.entries(services))
    for (const { method, path, surface, permission } of routes) {
      if (surface !== 'admin' || permission === 'rbac:self') continue;
      const url = `${world.ready[service as 'kernel']}${path.replace(/:[a-zA-Z]+|\*/g, 'x')}`;
      const status = async (headers: Record<string, string>) =>
        (await fetch(url, { method, headers })).status;
      expect(await status({ authorization: `Bearer ${key}` }), `${method} ${path}`).toBe(403);
      expect(await status({}), `${method} ${path}`).toBe(401);
      asked += 1;
    }
  expect(asked).toBeGreaterThan(20);
});
