import type { AuditEvent, Bundle } from '@talosprotocol/contracts';
import {
  commit,
  createSigner,
  disclose,
  encodeUtf8,
  issueCapability,
  parseJson,
  parseTrustFile,
  signBundle,
  verifyBundle,
  verifyReceipt,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMetrics } from '../platform/metrics/metrics.js';
import { clock, random } from '../platform/system.js';
import { type Audit, createAudit } from './service.js';
import {
  ADMIN,
  type AuditWorld,
  agent,
  auditDeps,
  chainDraft,
  decision,
  gateway,
  openAuditWorld,
  outcome,
} from './testing/room.js';

const crypto = createNodeCrypto();
const organisation = createSigner(new Uint8Array(32).fill(5), crypto);
const GRANT = { scope: 'tool:files/method:read', ops: ['read', 'write'] } as const;

let world: AuditWorld;

beforeAll(async () => {
  world = await openAuditWorld();
});
afterAll(() => world.close());

function issue() {
  const now = Math.floor(clock.now() / 1000);
  const grants = [{ scope: GRANT.scope, ops: [...GRANT.ops] }];
  return issueCapability(
    { sub: agent.did, aud: [gateway.did], grants, exp: now + 3600, bearer: true },
    organisation,
    {
      crypto,
      now: () => now,
      randomBytes: random,
    },
  );
}

/** An allowed call under a real capability. */
function allowed(cth: string, op: 'read' | 'write') {
  const draft = decision({ cth, op });
  const salt = random(32);
  const items = [{ scope: GRANT.scope, op }];
  const members = { ...draft.members, items: commit('/items', items, salt, crypto) };
  return { ...draft, members, disclosures: [disclose('/items', items, salt)] };
}

async function bundleOf(audit: Audit): Promise<Uint8Array> {
  let text = '';
  for await (const part of await audit.bundle()) text += part;
  return encodeUtf8(text);
}

describe('what an auditor gets', () => {
  it('proves the log under the trust file: chains, decisions, outcomes, losses, summaries, over two starts', async () => {
    const anchors = [
      { iss: organisation.did, tenant: 'default', grants: [{ scope: 'tool:files', ops: [...GRANT.ops] }] },
    ];
    const policy = () => ({ hash: 'ab'.repeat(32), anchors });
    const limits = { denials: { perSource: 2, perKind: 10, sources: 10 } };
    const deps = auditDeps(world.sql, await world.fresh(), { policy, limits });
    const { cth, chain } = issue();
    const first = createAudit(deps);
    await first.start();
    const unfinished = allowed(cth, 'write');
    const calls = Array.from({ length: 150 }, (_, i) => allowed(cth, i % 2 ? 'read' : 'write'));
    await Promise.all([
      first.record(chainDraft(cth, chain)),
      ...calls.flatMap((call) => [first.record(call), first.record(outcome(call))]),
      first.record(unfinished),
      ...Array.from({ length: 5 }, () =>
        first.recordDenial(decision({ effect: 'deny', sub: null }), { address: '192.0.2.7' }),
      ),
    ]);
    await first.stop();

    const audit = createAudit({ ...deps, metrics: createMetrics() });
    await audit.start();
    const bytes = await bundleOf(audit);
    const trust = parseTrustFile(encodeUtf8(JSON.stringify(await audit.trust())), crypto);
    const report = verifyBundle(bytes, trust, crypto);
    const size = 1 + 1 + 300 + 1 + 2 + 1 + 1 + 1;
    expect(report).toMatchObject({ from: 0, to: size, size, emitters: [gateway.did] });

    const { statement: _, ...content } = parseJson(bytes) as unknown as Bundle;
    const { iat } = JSON.parse(Buffer.from(_.split('.')[1]!, 'base64url').toString()) as { iat: number };
    expect(Buffer.from(signBundle(content, iat, gateway, crypto)).equals(bytes)).toBe(true);

    await audit.eraseEvent(unfinished.id, ADMIN);
    expect(verifyBundle(await bundleOf(audit), trust, crypto).to).toBe(size + 1);
    const receipt = await audit.receipt(`rcp_${unfinished.id.slice(4)}`);
    expect(receipt.disclosures).toEqual([]);
    const { event } = verifyReceipt(receipt, trust, crypto);
    expect((event as AuditEvent).id).toBe(unfinished.id);
    const whole = verifyReceipt(await audit.receipt(`rcp_${calls[0]!.id.slice(4)}`), trust, crypto);
    expect(whole.values.get('/items')).toEqual([{ scope: GRANT.scope, op: 'write' }]);
    await audit.stop();
  });

  it('proves what was allowed under policies that are gone; which was in force is the word of the log', async () => {
    const anchor = (ops: readonly ('read' | 'write')[]) => ({
      iss: organisation.did,
      tenant: 'default',
      grants: [{ scope: 'tool:files', ops: [...ops] }],
    });
    const [wide, narrow, none] = [
      { hash: 'a1'.repeat(32), anchors: [anchor(['read', 'write'])] },
      { hash: 'a2'.repeat(32), anchors: [anchor(['read'])] },
      { hash: 'a3'.repeat(32), anchors: [] },
    ] as const;
    let policy: typeof wide | typeof narrow | typeof none = wide;
    const deps = auditDeps(world.sql, await world.fresh(), { policy: () => policy });
    const { cth, chain } = issue();
    const audit = createAudit({ ...deps, metrics: createMetrics() });
    await audit.start();
    const change = async (next: typeof policy) => {
      await audit.recordPolicy(next);
      policy = next;
    };
    const call = async (op: 'read' | 'write', { hash } = policy) => {
      const draft = allowed(cth, op);
      await audit.record({ ...draft, members: { ...draft.members, policy: hash } });
    };
    const verify = async () => {
      const file = encodeUtf8(JSON.stringify(await audit.trust()));
      return verifyBundle(await bundleOf(audit), parseTrustFile(file, crypto), crypto).counts;
    };
    await audit.record(chainDraft(cth, chain));
    await call('write');
    await change(narrow);
    await call('read');
    await change(none);
    expect(await verify()).toMatchObject({ allowed: 2, recomputed: 2 });
    expect((await audit.trust()).policies).toHaveLength(3);

    await call('write', wide);
    expect(await verify()).toMatchObject({ allowed: 3 });
    await call('write', narrow);
    await expect(verify()).rejects.toThrow(/does not allow write/);
    await audit.stop();
  });
});
