import { TrustError, type VerifiedCapability } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { createKnownChains } from './known-chains.js';

const seal = (byte: number) => new Uint8Array(32).fill(byte);
const chain = (cth: string, ...lids: string[]) =>
  ({ cth, links: lids.map((lid) => ({ lid })) }) as unknown as VerifiedCapability;

function create(capacity?: number) {
  const dead = new Set<string>();
  let enforce: (lid: string) => void = () => undefined;
  const known = createKnownChains({
    verification: {
      assertInForce: ({ cth }) => {
        if (dead.has(cth)) throw new TrustError('REVOKED', 'revoked');
      },
    },
    revocations: {
      onEnforced: (listener) => {
        enforce = listener;
      },
    },
    ...(capacity === undefined ? {} : { capacity }),
  });
  return { known, dead, enforce: (lid: string) => enforce(lid) };
}

describe('chains that are known (CAP-22)', () => {
  it('are found by their hash, and looked at in every use', () => {
    const { known, dead } = create();
    known.keep(chain('a', 'root', 'leaf'));
    expect(known.find('a')?.cth).toBe('a');
    expect(known.find('b')).toBeUndefined();
    dead.add('a');
    expect(known.find('a')).toBeUndefined();
    dead.clear();
    expect(known.find('a')).toBeUndefined(); // forgotten, not only passed over
    expect(known.size()).toBe(0);
  });

  it('are forgotten with any link of theirs, and no other is', () => {
    const { known, enforce } = create();
    known.keep(chain('a', 'root', 'one'));
    known.keep(chain('b', 'root', 'two'));
    known.keep(chain('c', 'other'));
    enforce('one');
    expect([known.find('a'), known.find('b')?.cth]).toEqual([undefined, 'b']);
    enforce('root');
    enforce('root');
    expect([known.find('b'), known.find('c')?.cth, known.size()]).toEqual([undefined, 'c', 1]);
  });

  it('are not kept when they were revoked meanwhile', () => {
    const { known, dead } = create();
    dead.add('a');
    expect(() => known.keep(chain('a', 'root'))).toThrow(expect.objectContaining({ code: 'REVOKED' }));
    dead.clear();
    expect(known.find('a')).toBeUndefined();
  });

  it('are bounded; the one used longest ago goes first', () => {
    const { known } = create(2);
    known.keep(chain('a', 'root'));
    known.keep(chain('b', 'root'));
    known.find('a');
    known.keep(chain('c', 'root'));
    expect([known.find('a')?.cth, known.find('b'), known.find('c')?.cth]).toEqual(['a', undefined, 'c']);
    for (let index = 0; index < 1000; index++) known.keep(chain(`x${index}`, `lid${index}`));
    expect(known.size()).toBe(2);
  });

  it('open to who shows the same seal, and to nobody where there is none', () => {
    const { known } = create();
    known.keep(chain('a', 'root'), seal(1));
    known.keep(chain('b', 'root'));
    expect(known.isSealed('a', seal(1))).toBe(true);
    expect(known.isSealed('a', seal(2))).toBe(false);
    expect(known.isSealed('a', new Uint8Array())).toBe(false);
    expect(known.isSealed('b', new Uint8Array())).toBe(false);
    expect(known.isSealed('c', seal(1))).toBe(false);
  });
});
