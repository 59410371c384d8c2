import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { createNonces, NONCE_LIFETIME } from './nonce.js';

function createWorld(capacity?: number) {
  const clock = { ms: 1_700_000_000_000 };
  const nonces = createNonces({
    crypto: portableCrypto,
    now: () => clock.ms,
    random: (length) => new Uint8Array(randomBytes(length)),
    ...(capacity === undefined ? {} : { capacity }),
  });
  return { clock, nonces };
}

const invalid = expect.objectContaining({ code: 'PROOF_INVALID' });

describe('nonces (SES-1)', () => {
  it('are used once', () => {
    const { nonces } = createWorld();
    const { nonce } = nonces.issue();
    expect(nonce).toMatch(/^[A-Za-z0-9_-]{16,128}$/);
    nonces.consume(nonce);
    expect(() => nonces.consume(nonce)).toThrow(invalid);
  });

  it('live for a minute, to the millisecond', () => {
    const { clock, nonces } = createWorld();
    const first = nonces.issue();
    const second = nonces.issue();
    expect(first.expires).toBe(clock.ms + NONCE_LIFETIME);
    clock.ms = first.expires - 1;
    nonces.consume(first.nonce);
    clock.ms = second.expires;
    expect(() => nonces.consume(second.nonce)).toThrow(invalid);
  });

  it('of another node or an earlier start are refused', () => {
    expect(() => createWorld().nonces.consume(createWorld().nonces.issue().nonce)).toThrow(invalid);
  });

  it('cannot be made, lengthened or prolonged', () => {
    const { nonces } = createWorld();
    const { nonce } = nonces.issue();
    fc.assert(
      fc.property(fc.nat(nonce.length - 1), fc.constantFrom(...'AZaz09-_~'), (at, digit) => {
        const altered = nonce.slice(0, at) + digit + nonce.slice(at + 1);
        if (altered === nonce) return;
        try {
          nonces.consume(altered);
          expect.unreachable();
        } catch (error) {
          expect(['PROOF_INVALID', 'MALFORMED']).toContain((error as { code: string }).code);
        }
      }),
    );
    for (const text of ['', nonce.slice(1), `${nonce}A`, 'A'.repeat(54), 'x'.repeat(1_000_000)]) {
      expect(() => nonces.consume(text)).toThrow(invalid);
    }
    nonces.consume(nonce);
  });

  it('stay used although the memory of them is emptied', () => {
    const { clock, nonces } = createWorld();
    fc.assert(
      fc.property(fc.array(fc.nat(130_000), { maxLength: 40 }), (waits) => {
        const used: string[] = [];
        for (const wait of waits) {
          const { nonce } = nonces.issue();
          nonces.consume(nonce);
          used.push(nonce);
          clock.ms += wait;
          for (const old of used) expect(() => nonces.consume(old)).toThrow(invalid);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('stay used when the clock is set back', () => {
    const { clock, nonces } = createWorld();
    const { nonce } = nonces.issue();
    nonces.consume(nonce);
    clock.ms += 5 * NONCE_LIFETIME;
    nonces.consume(nonces.issue().nonce);
    clock.ms -= 5 * NONCE_LIFETIME;
    expect(() => nonces.consume(nonce)).toThrow(invalid);
  });

  it('are refused beyond the capacity, and taken again later', () => {
    const { clock, nonces } = createWorld(3);
    for (let i = 0; i < 3; i++) nonces.consume(nonces.issue().nonce);
    expect(() => nonces.consume(nonces.issue().nonce)).toThrow(
      expect.objectContaining({ code: 'UNAVAILABLE' }),
    );
    clock.ms += NONCE_LIFETIME;
    nonces.consume(nonces.issue().nonce);
  });

  it('of one party are a quarter at most, so that others get theirs', () => {
    const { clock, nonces } = createWorld(8);
    const use = (party?: string) => nonces.consume(nonces.issue().nonce, party);
    const full = expect.objectContaining({ code: 'UNAVAILABLE' });
    use('a');
    use('a');
    const { nonce } = nonces.issue();
    expect(() => nonces.consume(nonce, 'a')).toThrow(full);
    use('b');
    use();
    // It was not used up.
    nonces.consume(nonce, 'b');
    expect(() => use('b')).toThrow(full);
    clock.ms += NONCE_LIFETIME;
    use('a');
  });
});
