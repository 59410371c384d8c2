import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Listener } from '../platform/http.js';
import { ADMIN_TOKEN, openTestListener } from '../platform/testing/listener.js';
import { needed } from '../platform/testing/needed.js';
import { createAuditRoutes } from './routes.js';
import { type Audit, createAudit } from './service.js';
import { type AuditWorld, auditDeps, decision, openAuditWorld } from './testing/room.js';

const SOURCE = join(import.meta.dirname, 'testing', 'tlog-client');
/** Enough for three bundles and a partial one; more by hand. */
const EVENTS = Number(process.env['TALOS_TEST_TLOG_EVENTS'] ?? 900);
const run = promisify(execFile);

/** Why the clients cannot be built here; undefined if they can. Their modules are pinned by go.sum, and may have to be
 *  fetched once. */
function obstacle(): string | undefined {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
  } catch {
    return 'go is not installed';
  }
  try {
    execFileSync('go', ['mod', 'download'], { cwd: SOURCE, stdio: 'ignore', timeout: 120_000 });
    return undefined;
  } catch {
    return 'the modules of the Go clients are not at hand and cannot be fetched';
  }
}

// AUD-12, AUD-13, AUD-78
describe('clients that others wrote, unmodified (tessera fsck, torchwood)', () => {
  const missing = needed('Go and the modules of its tlog clients', obstacle());
  let folder: string;
  let tiles: string;
  let world: AuditWorld;
  let audit: Audit;
  let listener: Listener;

  beforeAll(async () => {
    if (missing !== undefined) return;
    folder = await mkdtemp(join(tmpdir(), 'talos-tlog-client-'));
    const built = run('go', ['build', '-o', join(folder, 'client'), '.'], { cwd: SOURCE });
    // Awaited below; until then a failure is nobody's.
    built.catch(() => undefined);
    world = await openAuditWorld();
    tiles = await world.fresh();
    const deps = auditDeps(world.sql, tiles);
    audit = createAudit(deps);
    await audit.start();
    listener = await openTestListener({ routes: createAuditRoutes(audit) });
    for (let left = EVENTS; left > 0; left -= 4_000) await record(Math.min(left, 4_000));
    await built;
  }, 300_000);
  afterAll(async () => {
    await listener?.closeGracefully(1_000);
    await audit?.stop();
    await world?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  async function record(count: number): Promise<void> {
    const recorded = await Promise.all(Array.from({ length: count }, () => audit.record(decision())));
    await audit.receipt(`rcp_${recorded.at(-1)!.id.slice(4)}`, 60_000);
  }
  const read = (token = ADMIN_TOKEN) =>
    run(join(folder, 'client'), [`${listener.url}/tlog/`, audit.vkey, token]);

  it('read the whole log, and find every tile and every entry under its checkpoint', async (context) => {
    if (missing !== undefined) return context.skip(missing);
    for (const more of [0, 1, 130]) {
      if (more > 0) await record(more);
      const { size } = audit.checkpoint();
      const found = JSON.parse((await read()).stdout) as Record<string, unknown>;
      expect(found).toMatchObject({ origin: 'talos.test/log/default', size, entries: size });
      const [newest] = await world.sql.query<{ event: string }>(
        'SELECT event FROM audit_event ORDER BY idx DESC LIMIT 1',
      );
      expect(found['last']).toBe(newest?.event);
    }
  }, 300_000);

  it('are refused the entries without permission', async (context) => {
    if (missing !== undefined) return context.skip(missing);
    await expect(read('nobody')).rejects.toMatchObject({ stderr: expect.stringContaining('401') });
  }, 60_000);

  it('find a flipped bit', async (context) => {
    if (missing !== undefined) return context.skip(missing);
    const path = join(tiles, 'tile', '0', '001');
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    await writeFile(path, bytes);
    await expect(read()).rejects.toMatchObject({ stderr: expect.stringContaining('fsck') });
  }, 60_000);
});
