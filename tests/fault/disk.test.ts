import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attenuateToBearer, parseTrustFile, verifyBundle } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOnce, connect } from '../support/mcp-clients.js';
import {
  buildServer,
  endAllPlatforms,
  failToStart,
  type PlatformProcess,
  startPlatform,
} from '../support/platform-process.js';
import {
  type Cast,
  castOf,
  crypto,
  deps,
  ODD_TOOLS,
  oddServer,
  pinServers,
  seconds,
} from '../support/world.js';

const GRANTS = [{ scope: 'tool:odd', ops: ['read' as const, 'write' as const] }];
const MIB = 1024 * 1024;
const RESERVE = 48 * MIB;

const mount = (path: string) =>
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=320m,mode=0755', 'talos-test', path], {
    stdio: 'ignore',
  });
const unmount = (path: string) => execFileSync('umount', [path]);

/** Where a file system of our own may be mounted: as root, outside a strict container. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const path = mkdtempSync('/tmp/talos-disk-');
  try {
    mount(path);
    unmount(path);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { recursive: true });
  }
}

// ARCHITECTURE, failure policy: below the reserve writes are refused, reads go on, nothing is lost.
describe.skipIf(!canMount())('a nearly full disk', () => {
  let program: Awaited<ReturnType<typeof buildServer>>;
  let platform: PlatformProcess;
  let key: string;
  let holder: Cast;
  let spare: string;
  let folder: string;
  let filler: string;

  beforeAll(async () => {
    folder = mkdtempSync('/tmp/talos-disk-');
    filler = join(folder, 'filler');
    mount(folder);
    program = await buildServer();
    mkdirSync(join(folder, 'data'), { mode: 0o711 });
    const env = { TALOS_DISK_RESERVE: String(RESERVE) };
    platform = await startPlatform(program.path, join(folder, 'data'), env);
    await pinServers(platform, { odd: oddServer('/dev/null') }, { odd: ODD_TOOLS });
    holder = await issue();
    const options = { aud: 'same', grants: 'same', exp: seconds() + 600 } as const;
    key = attenuateToBearer(holder.agentChain, options, holder.agent.signer, deps);
    spare = (await issue()).agentLid;
  });
  afterAll(async () => {
    await platform?.end('SIGTERM');
    await endAllPlatforms();
    await program?.remove();
    unmount(folder);
    rmSync(folder, { recursive: true });
  });

  /** Leaves so many bytes free. */
  function fill(free: number): void {
    rmSync(filler, { force: true });
    const { bavail, bsize } = statfsSync(folder);
    try {
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - free)));
    } catch (error) {
      // The platform took the last of it at the same moment.
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }

  const issue = () => castOf(platform, { docs: '/' }, { grants: GRANTS });
  const write = () => callOnce(platform.ready.gateway, { key }, 'odd__note', { text: 'x' });
  const read = () => callOnce(platform.ready.gateway, { key }, 'odd__look', {});

  it('refuses writes and not reads, and takes writes again when there is room', async () => {
    expect(await write()).toEqual({ text: 'noted x' });
    fill(RESERVE - 8 * MIB);
    await expect.poll(async () => (await write()).denial?.code, { timeout: 5_000 }).toBe('DISK_FULL');
    const refused = await fetch(new URL('/mcp', platform.ready.gateway), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 7,
        method: 'tools/call',
        params: { name: 'odd__note', arguments: {} },
      }),
    });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await refused.json()).toMatchObject({
      id: 7,
      error: { code: -32010, data: { code: 'DISK_FULL' } },
    });
    // Nothing new is issued, and what was issued can be taken back.
    await expect(issue()).rejects.toMatchObject({ code: 'DISK_FULL' });
    // Whoever watches is told, and reads go on: no load balancer is to look elsewhere.
    const health = await fetch(new URL('/health/ready', platform.ready.gateway));
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ ready: true, checks: { audit: 'disk' } });
    await platform.kernel.revoke({ lid: spare });
    const session = { identity: holder.agent, chain: holder.agentChain };
    expect(await callOnce(platform.ready.gateway, session, 'odd__look', {})).toEqual({ text: 'looked' });

    const caller = await connect(platform.ready.gateway, { key });
    const receipts: string[] = [];
    for (let call = 0; call < 20; call += 1) {
      expect(await caller.call('odd__look')).toEqual({ text: 'looked' });
      receipts.push(caller.last().headers.get('x-talos-receipt')!);
    }
    await caller.close();

    rmSync(filler);
    await expect.poll(async () => 'text' in (await write()), { timeout: 5_000 }).toBe(true);
    await issue();
    const trust = parseTrustFile(Buffer.from(JSON.stringify(await platform.audit.trust())), crypto);
    const bytes = await platform.audit.bundle();
    expect(verifyBundle(bytes, trust, crypto).counts.unchecked).toBe(0);
    const text = Buffer.from(bytes).toString();
    for (const receipt of receipts) expect(text).toContain(`evt_${receipt.slice(4)}`);
  }, 60_000);

  it('that is full to the last byte loses nothing and needs no more than room to go on', async () => {
    rmSync(filler, { force: true });
    await expect.poll(async () => 'text' in (await write()), { timeout: 5_000 }).toBe(true);
    const caller = await connect(platform.ready.gateway, { key });
    const acknowledged: string[] = [];
    fill(0);
    for (let call = 0; call < 10; call += 1) {
      // What still finds room in files that are there already may pass; it must then be kept.
      const { denial } = await caller.call('odd__note', { text: `${call}` });
      if (denial === undefined) acknowledged.push(caller.last().headers.get('x-talos-receipt')!);
      else expect(['DISK_FULL', 'UNAVAILABLE']).toContain(denial.code);
    }
    await expect
      .poll(async () => (await write()).denial?.code, { timeout: 5_000 })
      .toMatch(/DISK_FULL|UNAVAILABLE/);
    await caller.close();
    rmSync(filler);
    // Either it goes on, or its database ended on the full disk and the next start recovers.
    const lives = await Promise.race([
      platform.ended.then(() => false),
      expect
        .poll(async () => 'text' in (await read()), { timeout: 15_000 })
        .toBe(true)
        .then(() => true),
    ]);
    if (!lives)
      platform = await startPlatform(program.path, join(folder, 'data'), {
        TALOS_DISK_RESERVE: String(RESERVE),
      });
    await expect.poll(async () => 'text' in (await write()), { timeout: 5_000 }).toBe(true);
    const trust = parseTrustFile(Buffer.from(JSON.stringify(await platform.audit.trust())), crypto);
    const bytes = await platform.audit.bundle();
    verifyBundle(bytes, trust, crypto);
    const text = Buffer.from(bytes).toString();
    for (const receipt of acknowledged) expect(text).toContain(`evt_${receipt.slice(4)}`);
  }, 60_000);

  it('is named by a start that it has no room for, with how much is needed and where', async () => {
    await platform.end('SIGTERM');
    fill(RESERVE - 8 * MIB);
    const data = join(folder, 'data');
    const env = { TALOS_DISK_RESERVE: String(RESERVE) };
    const { error, end } = await failToStart(program.path, data, env);
    expect(error).toMatchObject({ code: 'DISK_FULL' });
    expect(error.reason).toContain(`are free on the disk of ${data}, and 48 MiB are kept in reserve`);
    expect(error.hint).toMatch(new RegExp(`^free [1-9][0-9]* MiB on the file system of ${data} `));
    expect(end.code).not.toBe(0);
    rmSync(filler);
    platform = await startPlatform(program.path, data, env);
    await expect.poll(async () => 'text' in (await write()), { timeout: 5_000 }).toBe(true);
  }, 120_000);
});
