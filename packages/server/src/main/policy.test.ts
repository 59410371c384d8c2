import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compilePolicy } from '../gateway/service.js';
import { createLog } from '../platform/log.js';
import { clock } from '../platform/system.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { openPolicies } from './policy.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'talos-policy-'));
  path = join(folder, 'talos.yaml');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const log = createLog({ level: 'silent', format: 'json', clock });
const base = { variables: {}, crypto: createNodeCrypto(), compileGateway: compilePolicy };
const open = (environment: 'development' | 'production' = 'development') =>
  openPolicies({ ...base, path, log, environment });
/** Policies that differ in one number. */
const write = (perMinute: number) =>
  writeFile(path, `version: 1\nservers: {}\nlimits: { denialsPerMinute: ${perMinute} }\n`);
const inForce = async () => undefined;

describe('a trust anchor whose grant lets neighbours pass (CAP-27)', () => {
  it('is in force, and warned of at the start and at each reload', async () => {
    const lines: string[] = [];
    const anchors = (op: string) =>
      `anchors: [{ iss: "did:web:example.org", tenant: a, grants: [{ scope: "tool:*", ops: [read], where: [{ ptr: /path, op: ${op}, value: /docs }] }] }]`;
    const yaml = (op: string) => writeFile(path, `version: 1\n${anchors(op)}\nservers: {}\n`);
    await yaml('within');
    const own = { ...base, path, log: createTestLog(lines), environment: 'development' as const };
    const policies = await openPolicies(own);
    const warnings = () => lines.filter((line) => line.includes('grants more than it seems to'));
    expect(warnings()).toEqual([]);
    await yaml('prefix');
    await policies.reload(inForce);
    expect(warnings()).toEqual([expect.stringContaining('did:web:example.org, grants[0].where[0]')]);
    await openPolicies(own);
    expect(warnings()).toHaveLength(2);
  });
});

describe('rates', () => {
  const withRates = (...rates: string[]) =>
    writeFile(path, `version: 1\nservers: {}\nrates:\n${rates.map((rate) => `  - ${rate}\n`).join('')}`);
  const OPEN = '{ per: principal, concurrent: 2, onDown: allow }';

  it('LIM-6 may not be left uncounted in production, neither at the start nor by a reload', async () => {
    await withRates('{ per: key, concurrent: 1 }', OPEN);
    await expect(open('production')).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      data: { reason: expect.stringContaining('rates[1].onDown') },
    });
    expect((await open()).gateway().rates).toHaveLength(2);
    await withRates('{ per: key, concurrent: 1 }');
    const policies = await open('production');
    await withRates(OPEN);
    await expect(policies.reload(inForce)).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(policies.gateway().rates).toHaveLength(1);
  });

  it('are warned of where each node would count by itself', async () => {
    const lines: string[] = [];
    await withRates('{ per: key, concurrent: 1 }');
    const shared = { ...base, path, log: createTestLog(lines), environment: 'development' as const };
    await openPolicies(shared);
    expect(lines).toEqual([]);
    await openPolicies({ ...shared, countsAlone: true });
    expect(lines.join()).toContain('TALOS_REDIS_URL');
  });
});

describe('a reload of talos.yaml', () => {
  it('changes every view once it was admitted, not before', async () => {
    await write(1);
    const policies = await open();
    const before = policies.current().hash;
    await write(2);
    const seen: string[] = [];
    const hash = await policies.reload(async (policy) => {
      seen.push(policy.hash, policies.current().hash, policies.kernel().hash, policies.gateway().hash);
    });
    expect(seen).toEqual([hash, before, before, before]);
    expect(hash).not.toBe(before);
    expect([policies.current().hash, policies.kernel().hash, policies.gateway().hash]).toEqual([
      hash,
      hash,
      hash,
    ]);
  });

  it('that the log cannot record leaves the policy that is in force', async () => {
    await write(1);
    const policies = await open();
    const before = policies.current().hash;
    await write(2);
    const refused = policies.reload(async () => Promise.reject(new Error('no database')));
    await expect(refused).rejects.toThrow('no database');
    expect(policies.kernel().hash).toBe(before);
    expect(await policies.reload(inForce)).toBe(policies.current().hash);
    expect(policies.current().hash).not.toBe(before);
  });

  it('that moves the log to another place is refused: the log is open where it is', async () => {
    await write(1);
    const policies = await open();
    const before = policies.current().hash;
    await writeFile(path, 'version: 1\nservers: {}\naudit: { storage: { s3: { bucket: another } } }\n');
    await expect(policies.reload(inForce)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      data: { reason: expect.stringContaining('audit.storage') },
    });
    expect(policies.current().hash).toBe(before);
  });

  it('that is asked for while another is recorded comes after it', async () => {
    await write(1);
    const policies = await open();
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await write(2);
    let reached: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const first = policies.reload(() => {
      reached();
      return held;
    });
    await waiting;
    await write(3);
    const second = policies.reload(inForce);
    letGo();
    expect(await first).not.toBe(await second);
    expect(policies.current().hash).toBe(await second);
  });
});
