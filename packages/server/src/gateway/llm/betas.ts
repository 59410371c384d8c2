import { malformed, notPassed } from './members.js';

/** Betas of Anthropic's API that say how an answer is made or told, or that open what a request says besides and is decided on by
 *  itself: hosted tools (LLM-3), members that are not listed (LLM-4), marks of a cache (LLM-7). None changes the price of a token. */
const PASSED: ReadonlySet<string> = new Set([
  ...['interleaved-thinking-2025-05-14', 'thinking-token-count-2026-05-13'],
  ...['thinking-display-updates-2026-08-18', 'fine-grained-tool-streaming-2025-05-14'],
  ...['token-efficient-tools-2025-02-19', 'structured-outputs-2025-11-13', 'structured-outputs-2025-12-15'],
  ...['token-counting-2024-11-01', 'prompt-caching-2024-07-31', 'extended-cache-ttl-2025-04-11'],
  ...['output-128k-2025-02-19', 'output-300k-2026-03-24', 'model-context-window-exceeded-2025-08-26'],
  ...['effort-2025-11-24', 'search-results-2025-06-09', 'claude-code-20250219'],
  'pdfs-2024-09-25',
  ...['computer-use-2024-10-22', 'computer-use-2025-01-24', 'computer-use-2025-11-24'],
  ...['code-execution-2025-05-22', 'code-execution-2025-08-25', 'web-fetch-2025-09-10'],
  ...['advanced-tool-use-2025-11-20', 'context-management-2025-06-27', 'message-threads-2026-08-12'],
  ...['mcp-client-2025-04-04', 'mcp-client-2025-11-20'],
]);
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const MOST = 32;

/** The betas of an `anthropic-beta` header, each once. What is none of a name waits to be refused with the rest of the request. */
export function betasOf(header: string | readonly string[] | undefined): readonly string[] {
  const names = [header ?? []].flat().flatMap((line) => line.split(','));
  return [...new Set(names.map((name) => name.trim()).filter((name) => name !== ''))];
}

/** `more` are those that the operator lets pass too.
 *  @throws {TrustError} MALFORMED | POLICY_DENIED: one that is not passed on */
export function assertBetas(betas: readonly string[], more: readonly string[] = []): void {
  if (betas.length > MOST || !betas.every((name) => NAME.test(name)))
    throw malformed('anthropic-beta must be a list of names');
  const other = betas.find((name) => !PASSED.has(name) && !more.includes(name));
  if (other !== undefined)
    throw notPassed(
      `anthropic-beta ${other}`,
      'it could keep something at the provider, change the price, or reach other models. Send the request without it, or ask the operator, who can add it to `betas` of the provider',
    );
}
