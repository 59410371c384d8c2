import { expect, it } from 'vitest';
import { presentedToken } from './presented-token.js';

it('names what was presented by its hash, but nothing that could be guessed (AUD-5)', () => {
  const hash = (text: string): string => `hash of ${text.length}`;
  expect(presentedToken('x'.repeat(32), hash)).toEqual({ token: 'hash of 32' });
  for (const text of ['', 'hunter2', 'x'.repeat(31)]) expect(presentedToken(text, hash)).toEqual({});
});
