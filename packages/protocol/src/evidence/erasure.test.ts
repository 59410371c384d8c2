import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { agent, commitTo, type Draft, exportBundle, nextId, sequence, trustFile } from './testing/ledger.js';
import { parseTrustFile } from './trust-file.js';
import { verifyBundle } from './verify-bundle.js';

const { member: actor, disclosure } = commitTo('actor', { kind: 'service', id: 'svc_1', how: 'key' });

function erased(members: object): Draft {
  return {
    type: 'disclosures.erased',
    sub: null,
    members: { event: null, agent: null, from: null, to: null, count: 1, ...members },
    disclosures: 'actor' in members ? [disclosure] : [],
  };
}

const verify = (draft: Draft) =>
  verifyBundle(exportBundle(sequence([draft])), parseTrustFile(trustFile(), crypto), crypto);

// AUD-89
describe('an erasure', () => {
  it.each([
    { of: 'event', event: nextId('evt'), actor },
    { of: 'agent', agent: agent.did, actor },
    {
      of: 'agent',
      agent: agent.did,
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-02-01T00:00:00.000Z',
      actor,
    },
    { of: 'administrator', actor },
    { of: 'age', to: '2026-02-01T00:00:00.000Z' },
  ])('says whose disclosures it took, and who asked: $of', (members) => {
    expect(verify(erased(members)).to).toBe(1);
  });

  it.each([
    { of: 'event', actor },
    { of: 'event', event: nextId('evt'), agent: agent.did, actor },
    { of: 'event', event: nextId('evt') },
    { of: 'agent', actor },
    { of: 'administrator', agent: agent.did, actor },
    { of: 'administrator' },
    { of: 'age', actor },
    { of: 'age', agent: agent.did },
  ])('is not proven where it does not: %o', (members) => {
    expect(() => verify(erased(members))).toThrow(/does not say whose disclosures/);
  });
});
