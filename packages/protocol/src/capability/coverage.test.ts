import type { Grant, Item } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import type { JsonObject } from '../encoding/json.js';
import { ALLOW, authorize, explainLinks } from './authorize.js';
import { issueCapability } from './issue.js';
import { parseItems } from './items.js';
import { createWorld, NOW } from './testing/world.js';
import type { VerifiedCapability } from './verified.js';
import { verifyCapabilityAsOf } from './verify.js';

const { organisation, agent, gateway, deps, anchors, crypto } = createWorld(portableCrypto);

function capabilityOf(grants: readonly Grant[]): VerifiedCapability {
  const options = { sub: agent.did, aud: [gateway.did], grants: [...grants], exp: NOW + 60 };
  const { chain } = issueCapability(options, organisation, deps);
  return verifyCapabilityAsOf(chain, { time: NOW, anchors: anchors({}), crypto });
}

/** Paths of which many lie below each other, and names of which one begins another. */
const path = fc
  .array(fc.constantFrom('a', 'ab', 'b', '%20'), { maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`);
const server = fc.constantFrom('fs', 'f');
const tool = fc.constantFrom('get', 'get_all');
const ops = fc.constantFrom<Grant['ops']>(['read'], ['write'], ['read', 'write']);
const grantScope = fc.oneof(
  fc.constantFrom('tool:*', 'tool:f*', 'tool:fs', 'llm:fs', 'llm:fs/model:*'),
  fc.tuple(fc.constantFrom('fs', 'f', 'f*', '*'), fc.constantFrom('get', 'get*', '*')).chain(([a, b]) => {
    const action = `tool:${a}/method:${b}`;
    return fc.oneof(
      fc.constant(action),
      path.map((one) => `${action}/resource:${one}`),
    );
  }),
);
const where = fc.constantFrom<NonNullable<Grant['where']>>(
  [{ ptr: '/x', op: 'eq', value: 1 }],
  [{ ptr: '/y', op: 'exists', value: false }],
  [{ ptr: '/z', op: 'maxLength', value: 3 }],
);
const grant = fc
  .record({ scope: grantScope, ops, where }, { requiredKeys: ['scope', 'ops'] })
  .map((one) => one as Grant);
const itemScope = fc.oneof(
  fc.constantFrom('tool:fs', 'llm:fs/model:m'),
  fc.tuple(server, tool).map(([a, b]) => `tool:${a}/method:${b}`),
  fc.tuple(server, tool, path).map(([a, b, one]) => `tool:${a}/method:${b}/resource:${one}`),
);
const item = fc.record({ scope: itemScope, op: fc.constantFrom<Item['op']>('read', 'write') });
const args = fc.record(
  { x: fc.constantFrom(1, 2), y: fc.constant(0), z: fc.constantFrom('abc', 'abcd') },
  { requiredKeys: [] },
);

describe('a call with many items', () => {
  // CAP-20
  it('is decided in each link as its items are one by one', () => {
    fc.assert(
      fc.property(
        fc.array(grant, { minLength: 1, maxLength: 12 }),
        fc.uniqueArray(item, { minLength: 9, maxLength: 24, selector: ({ scope, op }) => op + scope }),
        args,
        (grants, wanted, given) => {
          const capability = capabilityOf(grants);
          const together = explainLinks(capability, parseItems(wanted), given as JsonObject);
          const single = parseItems(wanted).map((one) =>
            explainLinks(capability, [one], given as JsonObject),
          );
          const expected = together.map(
            (_, link) => single.map((links) => links[link]).find((one) => one !== ALLOW) ?? ALLOW,
          );
          expect(together).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  // CAP-15, CAP-20: a holder chooses grants that differ from every item in their last letter
  it('costs no look at every grant for every item', () => {
    const below = `tool:fs/method:get/resource:/${'a'.repeat(20)}`;
    let asked = 0;
    const misses = Array.from({ length: 127 }, (_, n): Grant => ({ scope: `${below}/b${n}`, ops: ['read'] }));
    const capability = capabilityOf([...misses, { scope: 'tool:fs', ops: ['read'] }]);
    const counted = capability.grants.map((link) =>
      link.map((one) => ({
        ...one,
        allowsOp: (op: Item['op']) => {
          asked += 1;
          return one.allowsOp(op);
        },
      })),
    );
    const items = parseItems(
      Array.from({ length: 1024 }, (_, n): Item => ({ scope: `${below}/${n}`, op: 'read' })),
    );
    expect(authorize({ ...capability, grants: counted }, items, {})).toBe(ALLOW);
    expect(asked).toBe(129);
  });
});
