/** Models that search whatever they are asked, by their names, and what a server takes behind a name so that any model does. */
const SEARCHING =
  /-search-(?:preview|api)|(?:^|[/-])sonar|-deep-research|(?:^|\/)compound(?:-|$)|[-:]online(?:$|:)/i;

/** True if a model searches the web unasked. What it finds is read, and paid for, as what a hosted tool finds (LLM-3, LLM-7). */
export function searchesUnasked(model: string): boolean {
  return SEARCHING.test(model);
}
