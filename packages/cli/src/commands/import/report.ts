import type { Output } from '../../output.js';
import { printable } from '../../printable.js';
import type { Plan } from './plan.js';

/** A variable of a key that is not set, and of how many parts the key is. */
export interface MissingKey {
  readonly secret: string;
  readonly variable: string;
  readonly parts: number;
}

/** What an import comes to, for programs; no value of a key. */
export function shownPlan(plan: Plan, missing: readonly MissingKey[]) {
  return {
    providers: Object.fromEntries(plan.providers),
    aliases: Object.fromEntries(plan.aliases),
    renamed: plan.renamed,
    unchanged: plan.unchanged,
    left_out: plan.left,
    missing_keys: missing.map(({ secret, variable }) => ({ secret, variable })),
    kept_keys: plan.keys.filter(({ isPresent }) => isPresent).map(({ secret }) => secret),
  };
}

/** The same for people; `isAlone` if no platform was asked. */
export function printPlan(
  { line, color }: Output,
  plan: Plan,
  missing: readonly MissingKey[],
  { isDry, isAlone }: { readonly isDry: boolean; readonly isAlone: boolean },
): void {
  const { providers, aliases, unchanged, renamed, keys, left } = plan;
  const there = (names: readonly string[], name: string): string =>
    names.includes(name) ? '  (as it is there)' : '';
  line(color.green(isDry ? 'It comes to:' : 'In force:'));
  for (const [name, { baseUrl, models = {} }] of providers)
    line(
      printable(
        `  ${name}  ${baseUrl}  ${Object.keys(models).join(', ')}${there(unchanged.providers, name)}`,
      ),
    );
  for (const [name, { models, choose = 'order' }] of aliases) {
    const all = models.map(({ model }) => model).join(', ');
    line(printable(`  ${name} = ${all} (${choose})${there(unchanged.aliases, name)}`));
  }
  for (const { wanted, name } of renamed)
    line(color.yellow(`  ${wanted} is taken by another provider, which stays: this one is ${name}`));
  for (const { provider, secret } of keys.filter(({ isPresent }) => isPresent))
    line(
      color.yellow(
        `  ${provider} stays with its key ${secret}, whatever the file has: talos secrets set ${secret}`,
      ),
    );
  for (const { secret, variable, parts } of missing)
    line(color.yellow(`  ${variable} is not set: ${howToSet(secret, parts, isDry)}`));
  for (const [name, { api, translate = false }] of providers)
    if (api === 'anthropic' && !translate)
      line(
        color.yellow(
          `  ${name} speaks Anthropic's protocol: say translate: true in talos.yaml if clients of OpenAI's are to use it`,
        ),
      );
  if (isAlone) line(color.yellow('  No platform runs here: names that are taken there are not known.'));
  if (left.length > 0) line(`\nLeft out:`);
  for (const one of left) line(`  ${printable(one)}`);
}

function howToSet(secret: string, parts: number, isDry: boolean): string {
  const form = parts > 1 ? ' (its parts, joined by :)' : '';
  return `${isDry ? 'set it, or once it is in force: ' : ''}talos secrets set ${secret}${form}`;
}
