import { type Figures, figuresOf, type Score } from './score.js';

/** Of how many texts a row is. Given where the row is of texts and not of one type among several in them. */
interface Texts {
  readonly texts: number;
  /** Texts in which there is nothing to find, and how many of them were flagged all the same. */
  readonly clean_texts: number;
  readonly clean_flagged: number;
}

/** How well detectors did on a part of the labelled data. */
export interface Quality extends Score, Figures, Partial<Texts> {
  /** Milliseconds for 1,024 bytes of UTF-8; in the row of everything only. */
  readonly ms_per_kib?: number;
}

export function qualityOf(score: Score, texts?: Texts): Quality {
  return { ...texts, ...score, ...figuresOf(score) };
}

/** For a part that wrong findings cannot be put down to, so that nothing is said of how precise it is. */
export function recallOf(score: Score, texts?: Texts): Quality {
  return { ...qualityOf(score, texts), precision: null, precision_95: null, f1: null };
}
