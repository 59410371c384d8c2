import { add, NONE, type Score } from './score.js';
import { type Entity, type Finding, isFoundBy } from './span.js';

/** The score of one text by type, of the entities' types and of the findings'. */
export type Scores = ReadonlyMap<string, Score>;

/** Compares what was found in one text with what was labelled. With `typed` a finding must have the entity's type.
 *
 *  An entity that several findings fit counts once, and none of them is wrong: each masks it. Without `typed` a wrong
 *  finding belongs to no type and is counted under the empty one. */
export function matchText(entities: readonly Entity[], findings: readonly Finding[], typed: boolean): Scores {
  const fits = (entity: Entity, found: Finding): boolean =>
    (!typed || entity.type === found.type) && isFoundBy(entity, found);
  const scores = new Map<string, Score>();
  const count = (type: string, what: keyof Score): void => {
    scores.set(type, add(scores.get(type) ?? NONE, { ...NONE, [what]: 1 }));
  };
  for (const entity of entities) {
    const isFound = findings.some((found) => fits(entity, found));
    count(entity.type, isFound ? 'true_positives' : 'false_negatives');
  }
  for (const found of findings) {
    if (!entities.some((entity) => fits(entity, found))) count(typed ? found.type : '', 'false_positives');
  }
  return scores;
}

/** The scores of several texts added up. */
export function sumScores(all: Iterable<Scores>): Scores {
  const sum = new Map<string, Score>();
  for (const scores of all) {
    for (const [type, score] of scores) sum.set(type, add(sum.get(type) ?? NONE, score));
  }
  return sum;
}
