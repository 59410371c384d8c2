import { parseArgs } from 'node:util';

/** What the program was asked for. */
export interface Arguments {
  /** All, if none is named. */
  readonly names: readonly string[];
  readonly json: boolean;
  /** The tables of README.md. */
  readonly markdown: boolean;
  /** Fail if a goal is missed. */
  readonly check: boolean;
  readonly quick: boolean;
  /** Measure in this process instead of one process for each benchmark; for profilers. */
  readonly inProcess: boolean;
}

export const USAGE =
  'usage: ./talos bench [name or beginning of names ...] [--json | --markdown] [--check] [--quick] [--in-process]';

/** Reads the command line.
 *  @throws {TypeError} an unknown option or benchmark */
export function parseArguments(argv: readonly string[], known: readonly string[]): Arguments {
  const flag = { type: 'boolean', default: false } as const;
  const options = { json: flag, markdown: flag, check: flag, quick: flag, 'in-process': flag };
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  const chosen = positionals.map((start) => known.filter((name) => name.startsWith(start)));
  const unknown = positionals.find((_, index) => chosen[index]?.length === 0);
  if (unknown !== undefined) throw new TypeError(`no benchmark ${unknown}; there are ${known.join(', ')}`);
  const { json, markdown, check, quick } = values;
  const names = positionals.length === 0 ? known : known.filter((name) => chosen.flat().includes(name));
  return { names, json, markdown, check, quick, inProcess: values['in-process'] };
}
