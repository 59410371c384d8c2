import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CONSTRAINTS } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';

interface Row {
  readonly constraint: { readonly op: string };
  readonly arguments?: unknown;
  readonly text?: string;
  readonly expect: { readonly code: string };
}

const FILE = fileURLToPath(new URL('../../../../contracts/vectors/invalid/constraint.json', import.meta.url));
const { cases } = JSON.parse(readFileSync(FILE, 'utf8')) as { readonly cases: readonly Row[] };
const hostile = cases.filter(({ expect: { code } }) => code === 'CONSTRAINT_VIOLATED');

/** Every operator of the schema. */
const OPS = Object.keys(CONSTRAINTS);

// The vectors themselves are run by vectors.test.ts. CAP-12
describe('the hostile arguments', () => {
  it('try every operator at least eight times', () => {
    expect(OPS).toHaveLength(17);
    for (const op of OPS)
      expect(hostile.filter(({ constraint }) => constraint.op === op).length, op).toBeGreaterThanOrEqual(8);
  });

  it.each([
    ['-0', /:-0/],
    ['a lone surrogate', /\\u(?:d[89ab]|d[c-f])/],
    ['a direction override', /\u202e/],
    ['an isolate', /\u2066/],
    ['a combining mark', /[\u0300-\u036f]/],
    ['a look-alike letter', /[\u0430-\u044f]/],
    ['a number beyond 2^53 as text', /"9007199254740993"/],
    ['a nested __proto__', /\{"a":.*"__proto__"/],
    ['a name twice', /"b":1,"b":2/],
  ])('try %s', (_, pattern) => {
    expect(cases.filter(({ text = '' }) => pattern.test(text)).length).toBeGreaterThan(0);
  });
});
