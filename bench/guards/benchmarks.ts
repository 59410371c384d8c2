import type { Benchmark } from '../benchmark.js';
import type { Result } from '../result.js';
import { type Effort, type Measured, measure } from '../runner.js';
import { type Detectors, loadDetectors, PERSONAL_TYPES } from './detectors.js';
import { ALL, evaluateInjection, evaluatePersonal, evaluateSecrets, type Qualities } from './evaluate.js';
import { type Labelled, readInjection, readPersonal, readSecrets, SPLITS } from './labelled.js';

const WORK =
  'one labelled text of bench/guards given to the detector in this process; quality against its labels';

/** One kind of guard: its data, how it is scored, and what is timed. */
export interface GuardKind<T extends Labelled> {
  readonly name: string;
  read(): readonly T[];
  evaluate(rows: readonly T[], detectors: Detectors): Qualities | Promise<Qualities>;
  detect(text: string, detectors: Detectors): unknown;
}

/** The rows of one kind, for each split and in it for all and for each type, group or family. */
export async function evaluateKind<T extends Labelled>(
  kind: GuardKind<T>,
  detectors: Detectors,
  effort: Effort,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const split of SPLITS) {
    const rows = kind.read().filter((row) => row.split === split);
    const texts = rows.map(({ text }) => text);
    const measured = await timeTexts(texts, (text) => kind.detect(text, detectors), effort);
    const kib = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1024 / texts.length;
    const ms_per_kib = 1000 / measured.ops_per_s / kib;
    for (const [type, quality] of await kind.evaluate(rows, detectors)) {
      results.push({
        name: kind.name,
        params: { split, type, work: WORK },
        ...measured,
        quality: type === ALL ? { ...quality, ms_per_kib } : quality,
      });
    }
  }
  return results;
}

function timeTexts(
  texts: readonly string[],
  detect: (text: string) => unknown,
  effort: Effort,
): Promise<Measured> {
  let next = 0;
  const run = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      await detect(texts[next] ?? '');
      next = (next + 1) % texts.length;
    }
  };
  // An operation is one text, so that a turn of fewer would time some texts and not others.
  return measure({ name: 'detector', run }, [], { ...effort, samples: Math.min(effort.samples, 2_000) });
}

export const INJECTION: GuardKind<ReturnType<typeof readInjection>[number]> = {
  name: 'guards.injection',
  read: readInjection,
  evaluate: (rows, detectors) => evaluateInjection(rows, (text) => detectors.detectInjection(text)),
  detect: (text, detectors) => detectors.detectInjection(text),
};

export const PERSONAL: GuardKind<ReturnType<typeof readPersonal>[number]> = {
  name: 'guards.personal',
  read: readPersonal,
  evaluate: (rows, detectors) =>
    evaluatePersonal(rows, (text, types) => detectors.detectPersonal(text, types)),
  detect: (text, detectors) => detectors.detectPersonal(text, PERSONAL_TYPES),
};

export const SECRETS: GuardKind<ReturnType<typeof readSecrets>[number]> = {
  name: 'guards.secrets',
  read: readSecrets,
  evaluate: (rows, detectors) => evaluateSecrets(rows, (text) => detectors.detectSecrets(text)),
  detect: (text, detectors) => detectors.detectSecrets(text),
};

const benchmarkOf = <T extends Labelled>(kind: GuardKind<T>): Benchmark => ({
  name: kind.name,
  run: async (effort) => evaluateKind(kind, await loadDetectors(), effort),
});

export const guardsInjection = benchmarkOf(INJECTION);
export const guardsPersonal = benchmarkOf(PERSONAL);
export const guardsSecrets = benchmarkOf(SECRETS);
