import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PERSONAL_TYPES } from './detectors.js';
import { dataFile, readInjection, readPersonal, readSecrets, SPLITS } from './labelled.js';

const FILES = [
  { name: 'injection', rows: readInjection(), least: 400 },
  { name: 'personal', rows: readPersonal(), least: 400 },
  { name: 'secrets', rows: readSecrets(), least: 300 },
];
const SPANS = [
  { name: 'personal', rows: readPersonal() },
  { name: 'secrets', rows: readSecrets() },
];

describe.each(FILES)('$name.jsonl', ({ name, rows, least }) => {
  it('is small, and large enough', () => {
    expect(statSync(dataFile(name)).size).toBeLessThan(400 * 1024);
    expect(rows.length).toBeGreaterThanOrEqual(least);
  });

  it('has no text twice, so that none is in both splits', () => {
    const folded = rows.map(({ text }) => text.trim().toLowerCase().replace(/\s+/g, ' '));
    expect(folded.filter((text, index) => folded.indexOf(text) !== index)).toEqual([]);
  });

  it('is split by the hash of the text, about in halves, and says where each text is from', () => {
    for (const { text, split, source } of rows) {
      const first = createHash('sha256').update(text).digest()[0] ?? 0;
      expect(split).toBe(SPLITS[first % 2]);
      expect(source).not.toBe('');
      expect(text.trim()).not.toBe('');
      // A lone half of a pair of surrogates does not come back from UTF-8.
      expect(Buffer.from(text).toString()).toBe(text);
    }
    const share = rows.filter(({ split }) => split === 'held').length / rows.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.1);
  });

  it('shows invisible characters as escapes', () => {
    expect(readFileSync(dataFile(name), 'utf8')).not.toMatch(
      /\p{Cf}|\p{Co}|\p{Variation_Selector}|[\u2028\u2029]/u,
    );
  });
});

describe('README.md', () => {
  it('tells the numbers of texts as they are', () => {
    const page = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
    const isClean = (row: object): boolean =>
      'label' in row
        ? row.label === 'benign'
        : (row as { entities: readonly unknown[] }).entities.length === 0;
    for (const { name, rows } of FILES) {
      const clean = [...rows].filter(isClean).length;
      expect(page).toContain(`| \`${name}.jsonl\` | ${rows.length} | ${rows.length - clean} | ${clean} |`);
    }
  });
});

describe('injection.jsonl', () => {
  it('has attacks and ordinary texts in like numbers, in each split', () => {
    for (const wanted of SPLITS) {
      const rows = readInjection().filter(({ split }) => split === wanted);
      const attacks = rows.filter(({ label }) => label === 'injection').length;
      expect(rows.every(({ label }) => label === 'injection' || label === 'benign')).toBe(true);
      expect(rows.every(({ family }) => /^[a-z-]+$/.test(family))).toBe(true);
      expect(Math.abs(attacks / rows.length - 0.5)).toBeLessThan(0.15);
    }
  });
});

describe.each(SPANS)('spans of $name.jsonl', ({ rows }) => {
  it('lie within their texts, in order, with white space at neither end', () => {
    for (const { text, entities } of rows) {
      let last = 0;
      for (const { start, end, around } of entities) {
        expect(start).toBeGreaterThanOrEqual(last);
        expect(end).toBeGreaterThan(start);
        expect(end).toBeLessThanOrEqual(text.length);
        expect(text.slice(start, end)).toBe(text.slice(start, end).trim());
        if (around !== undefined) {
          expect(around.start).toBeLessThanOrEqual(start);
          expect(around.end).toBeGreaterThanOrEqual(end);
          expect(around.end).toBeLessThanOrEqual(text.length);
        }
        last = end;
      }
    }
  });

  it('are missing in a third of the texts', () => {
    const clean = rows.filter(({ entities }) => entities.length === 0).length;
    expect(clean / rows.length).toBeGreaterThan(0.3);
  });
});

describe('personal.jsonl', () => {
  const values = readPersonal().flatMap(({ text, entities }) =>
    entities.map(({ type, start, end }) => ({ type, value: text.slice(start, end) })),
  );
  const of = (wanted: string) => values.filter(({ type }) => type === wanted).map(({ value }) => value);

  it('has the types that are asked for, each in tens', () => {
    expect(new Set(values.map(({ type }) => type))).toEqual(new Set(PERSONAL_TYPES));
    for (const type of PERSONAL_TYPES) expect(of(type).length).toBeGreaterThanOrEqual(30);
  });

  it('labels cards and accounts whose checksums hold', () => {
    for (const card of of('card')) expect(hasLuhn(card.replace(/\D/g, ''))).toBe(true);
    for (const iban of of('iban')) expect(ibanRest(iban.replace(/ /g, ''))).toBe(1);
  });

  it('labels mails with one @, phones with seven digits or more, and numbers of nine', () => {
    for (const email of of('email')) expect(email).toMatch(/^[^@\s]+@[^@\s]+\.[a-z]+$/i);
    for (const phone of of('phone')) expect(phone.replace(/\D/g, '').length).toBeGreaterThanOrEqual(7);
    for (const ssn of of('ssn')) expect(ssn).toMatch(/^(?!000|666|9)\d{3}([- ]?)\d{2}\1\d{4}$/);
  });
});

describe('secrets.jsonl', () => {
  it('holds no credential that can be read in the file itself', () => {
    const file = readFileSync(dataFile('secrets'), 'utf8');
    expect(file).not.toMatch(
      /AKIA[A-Z2-7]{16}|ghp_\w{36}|sk_live_\w{24}|-----BEGIN [A-Z ]*PRIVATE KEY|xoxb-\d/,
    );
    const texts = readSecrets().map(({ text }) => text);
    expect(texts.some((text) => /AKIA[A-Z2-7]{16}/.test(text))).toBe(true);
  });
});

function hasLuhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** 1 for an account number whose check digits hold. */
function ibanRest(iban: string): number {
  const digits = [...`${iban.slice(4)}${iban.slice(0, 4)}`].map((char) => Number.parseInt(char, 36)).join('');
  return Number(BigInt(digits) % 97n);
}
