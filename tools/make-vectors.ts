import { fileURLToPath } from 'node:url';
import { type Files, runGenerator } from './drift.js';
import type { Case, Noun } from './vectors/case.js';
import { allNouns } from './vectors/index.js';

/** Where the committed vectors lie, seen from the compiled and from the source file alike. */
export const VECTOR_FOLDER = fileURLToPath(
  new URL(`${import.meta.url.includes('/dist/') ? '../' : ''}../packages/contracts/vectors`, import.meta.url),
);

/** Every vector file: `valid/<noun>.json` and `invalid/<noun>.json`. */
export function vectorFiles(nouns: readonly Noun[] = allNouns()): Files {
  return new Map(nouns.flatMap((noun) => [...file('valid', noun), ...file('invalid', noun)]));
}

function* file(kind: 'valid' | 'invalid', noun: Noun): Iterable<[string, string]> {
  if (noun[kind].length > 0) yield [`${kind}/${noun.name}.json`, format(noun.comment, noun[kind])];
}

/** One case a line, so that a change shows as what it is. */
function format(comment: string, cases: readonly Case[]): string {
  const lines = cases.map((one) => `    ${JSON.stringify(one)}`);
  return `{\n  "comment": ${JSON.stringify(comment)},\n  "cases": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = runGenerator(process.argv.slice(2), VECTOR_FOLDER, vectorFiles());
}
