import type { TrustFile } from '@talosprotocol/contracts';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { makeEvidence } from '../../testing/evidence.js';
import { witnessedOf } from './witnessed.js';

const crypto = createNodeCrypto();

describe('how many witnesses saw the state that a bundle is under', () => {
  it.each<[readonly (1 | 2 | 3)[], number, ReturnType<typeof witnessedOf>]>([
    [[], 2, { cosigned: 0, quorum: 2 }],
    [[2], 2, { cosigned: 1, quorum: 2 }],
    [[1, 3], 2, { cosigned: 2, quorum: 2 }],
    [[1], 0, undefined],
  ])('is said of %j for a quorum of %i', (by, quorum, right) => {
    const { bundle, trust } = makeEvidence(1, { by, time: 1_795_000_000, quorum });
    expect(witnessedOf(bundle, JSON.parse(trust) as TrustFile, crypto)).toEqual(right);
  });

  it('is nothing where no witness is demanded', () => {
    const { bundle, trust } = makeEvidence();
    expect(witnessedOf(bundle, JSON.parse(trust) as TrustFile, crypto)).toBeUndefined();
  });
});
