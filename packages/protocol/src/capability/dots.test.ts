import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readsAsDots } from './dots.js';

/** What one more decoder makes of a text: it leaves what is no escape, and goes on behind it. */
function decodedOnce(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function goesUp(text: string): boolean {
  return text.split(/[/\\]/).some((segment) => /^(?:\.\.?(?:;|$)|\.\.[?#])/.test(segment));
}

it('CAP-17 no number of decodings turns a path into dots that was not taken for them', () => {
  const piece = fc.constantFrom(...'%%%2250eEfFcC3b./;?x\\', '%2e', '%25', '%2F', '%32', '%65', '..', '/..');
  const text = fc.array(piece, { maxLength: 14 }).map((pieces) => `/${pieces.join('')}`);
  fc.assert(
    fc.property(text, (path) => {
      let decoded = path;
      for (let times = 0; times < 8; times++) {
        if (goesUp(decoded)) expect(readsAsDots(path), path).toBe(true);
        decoded = decodedOnce(decoded);
      }
      // Nor is anything else taken for dots.
      if (decoded === decodedOnce(decoded)) expect(readsAsDots(path), path).toBe(goesUp(decoded));
    }),
    { numRuns: 4_000 },
  );
});

it('CAP-17 a text of any length is decoded in one go', () => {
  const nested = `/%${'25'.repeat(100_000)}2e%2e/${'x'.repeat(100_000)}`;
  const start = performance.now();
  expect(readsAsDots(nested)).toBe(true);
  expect(readsAsDots(`/${'%25'.repeat(100_000)}/${'%2'.repeat(100_000)}`)).toBe(false);
  expect(performance.now() - start).toBeLessThan(1_000);
});
