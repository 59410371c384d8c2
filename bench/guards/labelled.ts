import { existsSync, readFileSync } from 'node:fs';
import type { Entity } from './span.js';

/** `dev` may be looked at by whoever writes detectors, `held` never. */
export const SPLITS = ['dev', 'held'] as const;
export type Split = (typeof SPLITS)[number];

export interface Labelled {
  readonly text: string;
  readonly split: Split;
  readonly source: string;
}

export interface LabelledSpans extends Labelled {
  readonly entities: readonly Entity[];
}

export interface LabelledText extends Labelled {
  readonly label: 'injection' | 'benign';
  /** What kind of attack, or what kind of ordinary text. */
  readonly family: string;
}

export const readInjection = (): readonly LabelledText[] => read<LabelledText>('injection');
export const readPersonal = (): readonly LabelledSpans[] => read<LabelledSpans>('personal');
export const readSecrets = (): readonly LabelledSpans[] => read<LabelledSpans>('secrets');

/** The rows of one file, with the texts as detectors are given them. */
function read<T extends Labelled>(name: string): readonly T[] {
  const lines = readFileSync(dataFile(name), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { rot13, ...row } = JSON.parse(line) as T & { readonly rot13?: boolean };
    return (rot13 === true ? { ...row, text: turned(row.text) } : row) as T;
  });
}

/** Beside this file in the sources; the compiler copies no data. */
export function dataFile(name: string): URL {
  const beside = new URL(`./${name}.jsonl`, import.meta.url);
  return existsSync(beside) ? beside : new URL(`../../guards/${name}.jsonl`, import.meta.url);
}

/** ROT13. Invented credentials are kept so, or scanners of code hosts would take them for leaked ones. */
function turned(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => {
    const first = letter <= 'Z' ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - first + 13) % 26) + first);
  });
}
