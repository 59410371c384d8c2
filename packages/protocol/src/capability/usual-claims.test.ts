import { CapabilityClaims, createChecker } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { encodeBase64url } from '../encoding/base64url.js';
import type { JsonObject } from '../encoding/json.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { type ParsedLink, parseLink } from './link.js';
import { isUsualClaims } from './usual-claims.js';

const DID = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
const HASH = 'A'.repeat(43);
const GRANT = { scope: 'tool:fs/method:read_file', ops: ['read'] };
const ROOT = {
  iss: DID,
  sub: DID,
  aud: [DID],
  jti: 'a',
  iat: 1,
  exp: 2,
  grants: [GRANT],
};

const check = createChecker(CapabilityClaims);

describe('claims that are not usual', () => {
  const exists = { ptr: '/a', op: 'exists', value: true };
  const read = (grants: unknown, more: object = {}): ParsedLink => {
    const parts = [
      { alg: 'EdDSA', typ: 'talos-cap+jwt' },
      { ...ROOT, ...more, grants },
    ];
    const text = parts.map((part) => encodeBase64url(encodeUtf8(JSON.stringify(part)))).join('.');
    return parseLink(`${text}.${'A'.repeat(86)}`, portableCrypto);
  };

  it.each<[string, unknown, object?]>([
    ['grants that are no list', {}],
    ['a grant that is no object', [1]],
    ['a where that is no list', [{ ...GRANT, where: {} }]],
    ['no constraints', [{ ...GRANT, where: [] }]],
    ['17 constraints', [{ ...GRANT, where: new Array(17).fill(exists) }]],
    ['a constraint that is none', [{ ...GRANT, where: [exists, 1] }]],
    ['an unknown operator', [{ ...GRANT, where: [exists, { ...exists, op: 'constructor' }] }]],
    ['a fault beside good constraints', [{ ...GRANT, where: [exists] }], { jti: '' }],
    ['a constraint with a member too many', [{ ...GRANT, where: [{ ...exists, more: 1 }] }]],
  ])('are refused with %s', (_, grants, more) => {
    expect(() => read(grants, more)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it('keep their constraints', () => {
    const grants = [{ ...GRANT, where: new Array(16).fill(exists) }];
    expect(read(grants).claims.grants).toEqual(grants);
  });
});

describe('usual claims', () => {
  it.each<[string, JsonObject]>([
    ['a root', ROOT],
    ['a root with all options', { ...ROOT, dlg: 7, nbf: 0, prn: 'user:ann' }],
    ['a delegate', { ...ROOT, par_hash: HASH }],
    ['two operations', { ...ROOT, grants: [{ ...GRANT, ops: ['write', 'read'] }] }],
    ['128 grants', { ...ROOT, grants: new Array(128).fill(GRANT) }],
  ])('are those of %s', (_, claims) => {
    expect(isUsualClaims(claims)).toBe(true);
    expect(check(claims)).toBeUndefined();
  });

  it('leave everything else to the schema', () => {
    expect(isUsualClaims({ ...ROOT, invoke: false })).toBe(false);
    expect(isUsualClaims({ ...ROOT, grants: [{ ...GRANT, only: ['/path'] }] })).toBe(false);
    expect(isUsualClaims({ ...ROOT, iss: 'did:web:example.com' })).toBe(false);
  });

  it('are accepted by the schema, whatever is changed in them', () => {
    const odd = fc.oneof(
      fc.constantFrom<unknown>(undefined, null, true, '', 'read', [], {}, [DID, DID], [1], -1, 1.5, 8),
      fc.constantFrom<unknown>(
        DID,
        `${DID}A`,
        HASH,
        `${HASH}A`,
        253_402_300_800,
        'é'.repeat(85),
        'é'.repeat(86),
      ),
      fc.constantFrom<unknown>(
        [null],
        [GRANT, null],
        [[GRANT]],
        new Array(65).fill(GRANT),
        ['read'],
        'x'.repeat(256),
      ),
    );
    const grants = fc.record({
      scope: odd,
      ops: fc.array(fc.constantFrom('read', 'write', 'x'), { maxLength: 3 }),
    });
    const name = fc.constantFrom(
      ...Object.keys(ROOT),
      'dlg',
      'nbf',
      'prn',
      'par_hash',
      'constructor',
      '__proto__',
    );
    const change = fc.record({ name, value: fc.oneof(odd, fc.tuple(grants)), drop: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const claims: Record<string, unknown> = { ...ROOT };
        for (const { name, value, drop } of changes) {
          if (drop || value === undefined) delete claims[name];
          else Object.defineProperty(claims, name, { value, enumerable: true, configurable: true });
        }
        if (isUsualClaims(claims as JsonObject)) expect(check(claims)).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });
});
