import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findDrift } from './drift.js';
import { VECTOR_FOLDER, vectorFiles } from './make-vectors.js';
import { type Data, jcs } from './vectors/bytes.js';
import { allNouns } from './vectors/index.js';
import { party } from './vectors/keys.js';

const nouns = allNouns();
const valid = nouns.flatMap((noun) => noun.valid);
const invalid = nouns.flatMap((noun) => noun.invalid);

describe('vectors', () => {
  it('are the committed files', () => {
    expect(findDrift(VECTOR_FOLDER, vectorFiles(nouns))).toEqual([]);
  });

  it('come out the same each time', () => {
    expect([...vectorFiles(allNouns())]).toEqual([...vectorFiles(nouns)]);
  });

  it('have ids of their own and cite a statement of the specification', () => {
    const spec = ['encoding', 'identity', 'capability', 'session', 'decision', 'audit', 'revocation']
      .map((page) => readFileSync(`${VECTOR_FOLDER}/../../../docs/spec/${page}.md`, 'utf8'))
      .join('');
    const stated = new Set([...spec.matchAll(/\*\*([A-Z]+-\d+)\*\*/g)].map(([, id]) => id));
    for (const cases of [valid, invalid]) expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
    expect([...valid, ...invalid].filter((one) => !stated.has(one.spec)).map(({ id }) => id)).toEqual([]);
  });

  it('are refused more often than accepted, in every noun', () => {
    expect(valid.length).toBeGreaterThanOrEqual(60);
    expect(invalid.length).toBeGreaterThan(2 * valid.length);
    for (const noun of nouns) expect(noun.invalid.length, noun.name).toBeGreaterThan(noun.valid.length);
  });

  it('contradict each other nowhere', () => {
    const inputs = new Map<string, string>();
    for (const { id, spec: _, note: __, expect: wanted, ...input } of [...valid, ...invalid]) {
      const key = `${id.split('/')[0]} ${jcs(input as Data)}`;
      const outcome = jcs(wanted as Data);
      expect(inputs.get(key) ?? outcome, id).toBe(outcome);
      inputs.set(key, outcome);
    }
  });

  it('are signed with fixed keys', () => {
    expect(party('agent').did).toBe(party('agent').did);
    expect(party('agent').did).not.toBe(party('organisation').did);
  });
});
