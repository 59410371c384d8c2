/** A part of a key: the variable that has it, or itself where the file has it. */
export type KeyPart = { readonly variable: string } | { readonly value: string };

const VARIABLE = 'os.environ/';

export const isVariable = (text: string): boolean => text.startsWith(VARIABLE);

/** The parts of a key that are there; undefined if one names no variable. */
export function keyOf(texts: readonly unknown[]): readonly KeyPart[] | undefined {
  const parts = texts.map(textOf).filter((text) => text !== undefined);
  if (parts.some((text) => isVariable(text) && !/^os\.environ\/[A-Za-z_]\w*$/.test(text))) return undefined;
  return parts.map((text) =>
    isVariable(text) ? { variable: text.slice(VARIABLE.length) } : { value: text },
  );
}

export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
