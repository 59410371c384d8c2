import type { Result } from './result.js';
import type { Effort } from './runner.js';

/** One benchmark: a name and what measures it. */
export interface Benchmark {
  readonly name: string;
  /** Measures; with `quick` on small sizes, only to see that it works.
   *  @throws {Error} a wrong decision */
  run(effort: Effort, quick: boolean): Promise<readonly Result[]>;
}
