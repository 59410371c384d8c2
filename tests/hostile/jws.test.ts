import { describe, expect, it } from 'vitest';
import { attacksOn } from './attacks.js';
import { forge } from './forge.js';
import { kindsOf, PARTIES, tokenOf } from './kinds.js';
import { faultOf, PROVIDERS } from './refusal.js';

const CASES = PARTIES.flatMap((party) =>
  kindsOf(party).map((kind) => [`${kind.name} of a ${party.name}`, kind, party] as const),
);

// ENC-6, ENC-9, ENC-10, ID-4
describe.each(CASES)('%s', (_, kind, party) => {
  const rows = attacksOn(kind, party);

  it.each(PROVIDERS.map((crypto) => [crypto.name, crypto] as const))(
    'is accepted, and refused under every attack, by %s',
    async (_name, crypto) => {
      await kind.verify(tokenOf(kind, party), crypto);
      const faults: string[] = [];
      for (const { label, token, codes } of rows) {
        const fault = await faultOf(() => kind.verify(token, crypto), codes);
        if (fault !== undefined) faults.push(`${label}: ${fault}`);
      }
      expect(faults).toEqual([]);
      expect(rows.length).toBeGreaterThan(300);
    },
  );
});

// ENC-10
describe.each(PARTIES.map((party) => [party.name, party] as const))('tokens of a %s', (_, party) => {
  const kinds = kindsOf(party);
  const pairs = kinds.flatMap((one) =>
    kinds.filter((other) => other !== one).map((other) => [one, other] as const),
  );

  it('are not taken for another kind, nor are their claims', async () => {
    const faults: string[] = [];
    for (const crypto of PROVIDERS) {
      for (const [one, other] of pairs) {
        const codes =
          one.typ === other.typ ? (['MALFORMED', other.forged] as const) : (['MALFORMED'] as const);
        const header = JSON.stringify({ alg: 'EdDSA', typ: other.typ, kid: party.signer.kid });
        const renamed = forge(header, JSON.stringify(one.claims), party.signer);
        for (const token of [tokenOf(one, party), renamed]) {
          const fault = await faultOf(() => other.verify(token, crypto), codes);
          if (fault !== undefined) faults.push(`${one.name} as ${other.name}: ${fault}`);
        }
      }
    }
    expect(faults).toEqual([]);
    expect(pairs.length).toBe(kinds.length * (kinds.length - 1));
  });
});
