import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import type { SecretLintRuleContext, SecretLintSourceCode } from '@secretlint/types';
import { type Finding, merged } from './finding.js';
import { inPlain } from './plain.js';
import { MORE_SECRETS } from './secret-patterns.js';

/** Rules of secretlint but the one by which a text may ask to be left alone. */
const RULES = rules.filter(({ meta }) => meta.id !== '@secretlint/secretlint-rule-filter-comments');

/** Keys, passwords and tokens. The rules are run without secretlint's own engine, which keeps a mark of every run for as long
 *  as the process lives. */
export async function detectSecrets(text: string): Promise<readonly Finding[]> {
  return inPlain(text, findSecrets);
}

async function findSecrets(text: string): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  const add = (start: number, end: number): void => void found.push({ type: 'secret', start, end });
  const context = contextOf(([start, end]) => add(start, end));
  const source = { content: text, contentType: 'text', filePath: 'text', ext: '' } as SecretLintSourceCode;
  await Promise.all(RULES.map((rule) => rule.create(context, {}).file?.(source)));
  for (const { pattern, isOne } of MORE_SECRETS) {
    for (const { indices, 0: whole, 1: part = whole } of text.matchAll(pattern)) {
      const [start, end] = indices?.[1] ?? indices?.[0] ?? [0, 0];
      if (isOne?.(part) !== false) add(start, end);
    }
  }
  return merged(found);
}

/** What of a rule's surroundings the rules use: they name a message, and report a range. */
function contextOf(report: (range: readonly [number, number]) => void): SecretLintRuleContext {
  return {
    createTranslator: () => (messageId: string) => ({ messageId, message: messageId }),
    ignore: () => undefined,
    report: ({ range }: { readonly range: readonly [number, number] }) => report(range),
  } as unknown as SecretLintRuleContext;
}
