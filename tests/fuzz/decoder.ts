import { readFileSync } from 'node:fs';

interface Named {
  readonly name: string;
  /** Good inputs, from which bad ones are made; those of byte decoders are UTF-8 first. */
  readonly seeds: readonly string[];
  /** Longest refusal in characters, where it is more than usual. */
  readonly maxRefusal?: number;
}

/** A decoder under test. `check` decodes, and says what is wrong with what it got, such as that it is written back in
 *  another way; `refused` where the decoder says so without an error; undefined if all is well. */
export type Decoder =
  | (Named & { readonly kind: 'text' | 'jws'; check(input: string): string | undefined })
  | (Named & { readonly kind: 'bytes'; check(input: Uint8Array): string | undefined });

type Check<T> = (input: T) => string | undefined;

export const text = (name: string, seeds: readonly string[], check: Check<string>): Decoder => ({
  kind: 'text',
  name,
  seeds,
  check,
});
export const jws = (name: string, seeds: readonly string[], check: Check<string>): Decoder => ({
  kind: 'jws',
  name,
  seeds,
  check,
});
export const bytes = (name: string, seeds: readonly string[], check: Check<Uint8Array>): Decoder => ({
  kind: 'bytes',
  name,
  seeds,
  check,
});

/** What is wrong if a value is written back in another way than it came. */
export function same(written: string | Uint8Array, input: string | Uint8Array): string | undefined {
  const equal =
    typeof written === 'string' ? written === input : Buffer.compare(written, input as Uint8Array) === 0;
  return equal ? undefined : `written back as ${JSON.stringify(written)}`;
}

type Case = Readonly<Record<string, unknown>>;

/** The cases of one vector file, good and bad: both are good to start from. */
export function vectors(name: string): readonly Case[] {
  return ['valid', 'invalid'].flatMap((folder) => {
    const url = new URL(`../../packages/contracts/vectors/${folder}/${name}.json`, import.meta.url);
    return (JSON.parse(readFileSync(url, 'utf8')) as { cases: Case[] }).cases;
  });
}

/** One member of each case that has it, as text. */
export function members(name: string, member: string, maxLength = 20_000): readonly string[] {
  return vectors(name)
    .map((one) => one[member])
    .filter((value) => value !== undefined)
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
    .filter((value) => value.length <= maxLength);
}
