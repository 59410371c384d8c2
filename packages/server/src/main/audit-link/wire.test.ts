import { TrustError } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, describe, expect, it } from 'vitest';
import { createIntakeRoutes } from '../../audit/intake-routes.js';
import { createNodeCaller } from '../../platform/cluster/node-caller.js';
import { createNodeGuard } from '../../platform/cluster/node-guard.js';
import { createListener } from '../../platform/http.js';
import { clock, random } from '../../platform/system.js';
import { createTestLog } from '../../platform/testing/test-log.js';
import { createAuditWire } from './wire.js';

type Routes = Parameters<typeof createIntakeRoutes>;
const crypto = createNodeCrypto();
const key = new Uint8Array(32).fill(1);
const self = { node: 1, boot: 1 };
const keeper = { node: 2, boot: 1 };
const HASH = 'ab'.repeat(32);
const REQUEST = 'req_01890000-0000-7000-8000-000000000001';

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** The wire to a node that keeps the log, of which each question ends with `fault`. */
async function openWire(fault: Error) {
  const guard = createNodeGuard({ self: keeper, key, crypto, clock });
  const fail = () => Promise.reject(fault);
  const routes = createIntakeRoutes(
    { recordPolicy: fail, findRequest: fail } as unknown as Routes[0],
    {} as Routes[1],
    guard,
  );
  const service = (request: Parameters<typeof guard.verify>[0]) => {
    guard.verify(request);
    return undefined;
  };
  const listener = await createListener({
    ...{ name: 'node', host: '127.0.0.1', port: 0, allowedHosts: [], allowedOrigins: [], fromNodes: true },
    ...{ routes, guards: { service }, clock, random, log: createTestLog() },
  });
  const caller = createNodeCaller({ self, key, crypto, clock });
  closing.push(
    () => caller.close(),
    () => listener.closeGracefully(0),
  );
  const row = { ...keeper, url: listener.url, services: ['audit'], started: new Date() };
  const registry = { live: () => [row] } as unknown as Parameters<typeof createAuditWire>[0]['registry'];
  return createAuditWire({ registry, caller, clock });
}

describe('what the audit process refuses another node (AUD-25)', () => {
  it('arrives with its code, reason and hint', async () => {
    const full = { reason: 'the log has seen 4096 policies', hint: 'go back to one it has seen' };
    const wire = await openWire(new TrustError('SETTINGS_INVALID', full.reason, { hint: full.hint }));
    const expected = { code: 'SETTINGS_INVALID', data: full };
    await expect(wire.recordPolicy({ hash: HASH, anchors: [] })).rejects.toMatchObject(expected);
    await expect(wire.findRequest(REQUEST)).rejects.toMatchObject(expected);
    await expect(wire.findRequest('another')).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  it('is a process that did not answer where nobody knows what happened there', async () => {
    const wire = await openWire(new Error('a secret of ours'));
    const refusal = await wire.recordPolicy({ hash: HASH, anchors: [] }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'UNAVAILABLE',
      data: { reason: 'the audit process did not answer' },
    });
  });
});
