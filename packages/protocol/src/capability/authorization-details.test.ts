import type { Constraint, Grant } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { canonicalize } from '../encoding/jcs.js';
import { type JsonValue, parseJson } from '../encoding/json.js';
import { fromAuthorizationDetails, toAuthorizationDetails } from './authorization-details.js';

const anyConstraint: fc.Arbitrary<Constraint> = fc.oneof(
  fc.record({ ptr: fc.constant('/path'), op: fc.constant('within' as const), value: fc.constant('/data') }),
  fc.record({ ptr: fc.constant('/n'), op: fc.constantFrom('lt', 'ge'), value: fc.maxSafeInteger() }),
  fc.record({ ptr: fc.constant('/s'), op: fc.constantFrom('eq', 'ne'), value: fc.string({ maxLength: 20 }) }),
  fc.record({ ptr: fc.constant('/s'), op: fc.constant('exists' as const), value: fc.boolean() }),
  fc.record({
    ptr: fc.constant('/s'),
    op: fc.constantFrom('in', 'nin'),
    value: fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 4 }),
  }),
) as fc.Arbitrary<Constraint>;

const anyGrant: fc.Arbitrary<Grant> = fc.record(
  {
    scope: fc.constantFrom(
      'tool:*',
      'tool:fs/method:read_*/resource:/data',
      'llm:x/model:y',
      'a2a:*',
      'admin:a',
    ),
    ops: fc.constantFrom(['read'], ['write'], ['read', 'write'], ['write', 'read']),
    where: fc.array(anyConstraint, { minLength: 1, maxLength: 4 }),
    only: fc.constantFrom(['/path'], ['/a', '/b/0'], ['']),
  },
  { requiredKeys: ['scope', 'ops'] },
) as fc.Arbitrary<Grant>;

const back = (details: unknown) => fromAuthorizationDetails(details as JsonValue, crypto);
const refused = (details: unknown) =>
  expect(() => back(details)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));

// CAP-29
describe('the image of grants in authorization_details', () => {
  it('gives the same grants again, also over the wire', () => {
    fc.assert(
      fc.property(fc.array(anyGrant, { minLength: 1, maxLength: 8 }), (grants) => {
        const details = toAuthorizationDetails(grants);
        expect(back(details)).toEqual(grants);
        expect(back(parseJson(canonicalize(details)))).toEqual(grants);
      }),
    );
  });

  it('reads nothing else, and drops nothing', () => {
    const good = { type: 'urn:talos:grant', identifier: 'tool:fs', actions: ['read'] };
    expect(back([good])).toEqual([{ scope: 'tool:fs', ops: ['read'] }]);
    for (const details of [undefined, null, {}, 'x', [], [null], [[good]], Array(129).fill(good)])
      refused(details);
    const changes = [
      { type: 'urn:talos:grants' },
      { type: undefined },
      { locations: ['https://fs.example'] },
      { privileges: ['admin'] },
      { datatypes: [] },
      { scope: 'tool:*' },
      { ops: ['write'] },
      { identifier: undefined },
      { identifier: 'tool:' },
      { identifier: 'tool:fs/resource:/a' },
      { actions: [] },
      { actions: ['execute'] },
      { where: [{ ptr: '/p', op: 'matches', value: 'x' }] },
      { where: [{ ptr: '/p', op: 'within', value: '../a' }] },
      { only: [] },
    ];
    for (const change of changes) {
      const { ...changed } = { ...good, ...change } as Record<string, unknown>;
      for (const [name, value] of Object.entries(changed)) if (value === undefined) delete changed[name];
      refused([changed]);
      refused([good, changed]);
    }
  });
});
