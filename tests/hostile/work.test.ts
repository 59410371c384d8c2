import { CHAIN_LIMITS } from '@talosprotocol/contracts';
import type { CryptoProvider } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { attacksOn } from './attacks.js';
import { costlyLinks } from './costly.js';
import { kindsOf, PARTIES } from './kinds.js';
import { faultOf, refusalOf } from './refusal.js';

/** A provider that counts what is dear. */
function counting(): { readonly crypto: CryptoProvider; readonly count: { verify: number; hashed: number } } {
  const crypto = createNodeCrypto();
  const count = { verify: 0, hashed: 0 };
  const counted: CryptoProvider = {
    ...crypto,
    ed25519Verify: (...input) => {
      count.verify++;
      return crypto.ed25519Verify(...input);
    },
    sha256Ascii: (text) => {
      count.hashed += text.length;
      return crypto.sha256Ascii(text);
    },
  };
  return { crypto: counted, count };
}

/** What one claim of a feed asks of another is looked at behind the signature. */
const AFTER_SIGNATURE = /^claim (?:prev|hash) is null$/;

const [party] = PARTIES;
const kinds = kindsOf(party!);
const root = kinds.find(({ name }) => name === 'root link')!;

/** Nobody measures time here, where other tests run beside; a thousand times too much shows all the same. */
const FAR_TOO_LONG_MS = 1000;

// CAP-19
describe('the work that a token costs which is refused', () => {
  it.each(kinds.map((kind) => [kind.name, kind] as const))('a %s', async (_, kind) => {
    const dear: string[] = [];
    for (const { token, label } of attacksOn(kind, party!)) {
      const { crypto, count } = counting();
      const outcome = await refusalOf(() => kind.verify(token, crypto));
      const isMalformed = 'error' in outcome && outcome.error.code === 'MALFORMED';
      // A revocation and its chain of one; a succession's two sides; a link and its parent.
      const most = isMalformed && !AFTER_SIGNATURE.test(label) ? 0 : 2;
      if (count.verify > most) dear.push(`${label}: ${count.verify} signatures`);
      if (count.hashed > 4 * CHAIN_LIMITS.bytes) dear.push(`${label}: ${count.hashed} bytes hashed`);
    }
    expect(dear).toEqual([]);
  });

  it.each(costlyLinks(root, party!))('a link with %s', async (_, token) => {
    expect(token.length).toBeLessThanOrEqual(CHAIN_LIMITS.bytes);
    const { crypto, count } = counting();
    const began = performance.now();
    expect(await faultOf(() => root.verify(token, crypto), ['MALFORMED'])).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(FAR_TOO_LONG_MS);
    expect(count.verify).toBe(0);
  });
});
