import type { PolicyDocument } from '@talosprotocol/contracts';

/** A name, or the beginning of names if a `*` ends it. */
export function compilePattern(pattern: string): (name: string) => boolean {
  if (!pattern.endsWith('*')) return (name) => name === pattern;
  const beginning = pattern.slice(0, -1);
  return (name) => name.startsWith(beginning);
}

/** A provider of which the pattern means some models, and which does not name its models: it may know one by several names, of which
 *  a pattern fits one. Undefined if there is none. */
export function partlyMeant(
  pattern: string,
  providers: NonNullable<PolicyDocument['providers']>,
): string | undefined {
  const fits = compilePattern(pattern);
  return Object.entries(providers).find(([provider, { models }]) => {
    const isWhole = pattern.endsWith('*') && `${provider}/`.startsWith(pattern.slice(0, -1));
    const isMeant = pattern.startsWith(`${provider}/`) || fits(`${provider}/`);
    return models === undefined && isMeant && !isWhole;
  })?.[0];
}
