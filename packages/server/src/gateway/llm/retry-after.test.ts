import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secondsOf } from './retry-after.js';

const NOW = Date.UTC(2026, 10, 30, 6, 0, 0);
const said = (value: string | string[] | undefined) => secondsOf(value, () => NOW);

// LLM-12
describe('what a provider says in Retry-After', () => {
  it.each<[string, number]>([
    ['0', 0],
    ['7', 7],
    ['3601', 3600],
    ['999999', 3600],
    ['Mon, 30 Nov 2026 06:00:07 GMT', 7],
    ['Monday, 30-Nov-26 06:00:07 GMT', 7],
    ['Mon Nov 30 06:00:07 2026', 7],
    ['Tue Dec  1 06:00:00 2026', 3600],
    // What is over may be asked at once, and nobody waits for years.
    ['Mon, 30 Nov 2026 05:59:59 GMT', 0],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 3600],
  ])('%j are %i seconds', (value, seconds) => expect(said(value)).toBe(seconds));

  it.each([
    ...['', '-1', '1.5', '7 ', '1234567', '0x10', '1e3', 'soon', '2026-11-30T06:00:07Z', '30 Nov 2026'],
    ...['Mon, 30 Nov 2026 06:00:07', 'Mon, 30 Nov 2026 06:00:07 +0100', 'Mon, 30 Nov 2026 26:00:07 GMT'],
    ...['Mon, 30 Foo 2026 06:00:07 GMT', 'mon, 30 nov 2026 06:00:07 gmt', `${'M'.repeat(30_000)} GMT`],
  ])('%j is nothing', (value) => expect(said(value)).toBeUndefined());

  it('several times is nothing', () => {
    expect([said(['7', '8']), said(undefined)]).toEqual([undefined, undefined]);
  });

  it('is read by the clock that is handed in, to the second, and never beyond an hour', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10_000, max: 10_000 }), (seconds) => {
        const value = new Date(NOW + seconds * 1000).toUTCString();
        expect(said(value)).toBe(Math.min(3600, Math.max(0, seconds)));
      }),
    );
  });
});
