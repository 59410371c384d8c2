import { appendFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BODY_DECODERS } from './body-decoders.js';
import { CAPABILITIES } from './capability-decoders.js';
import { ENCODINGS } from './encoding-decoders.js';
import { fuzz } from './fuzz.js';
import { IDENTITIES } from './identity-decoders.js';
import { LOGS } from './log-decoders.js';
import { REQUESTS } from './request-decoders.js';

const DECODERS = [...ENCODINGS, ...CAPABILITIES, ...REQUESTS, ...IDENTITIES, ...LOGS, ...BODY_DECODERS];

/** Per decoder. More: TALOS_FUZZ_SECONDS=60 npx vitest run tests/fuzz; the same again: TALOS_FUZZ_SEED=... */
const SECONDS = Number(process.env['TALOS_FUZZ_SECONDS'] ?? 0.05);
const SEED = Number(process.env['TALOS_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const LEAST = 100;

// ENC-1, ENC-6, ENC-9
describe(`random and changed input (seed ${SEED})`, () => {
  it.each(DECODERS.map((decoder) => [decoder.name, decoder] as const))(
    '%s: a typed refusal, or a value that is written back as it came',
    { timeout: SECONDS * 1000 + 60_000 },
    (_, decoder) => {
      const run = fuzz(decoder, { seed: SEED, seconds: SECONDS, least: LEAST });
      const report = process.env['TALOS_FUZZ_REPORT'];
      if (report !== undefined) appendFileSync(report, `${JSON.stringify(run)}\n`);
      expect(run.faults).toEqual([]);
      expect(run.runs).toBeGreaterThanOrEqual(LEAST);
    },
  );

  it('names every decoder once, and starts from good input', () => {
    expect(new Set(DECODERS.map(({ name }) => name)).size).toBe(DECODERS.length);
    for (const decoder of DECODERS) expect(decoder.seeds.length, decoder.name).toBeGreaterThan(0);
  });
});
