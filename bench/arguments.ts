import { parseArgs } from 'node:util';

/** What the program was asked for. */
export interface Arguments {
  /** All, if none is named. */
  readonly names: readonly string[];
  readonly json: boolean;
  /** Fail if a goal is missed. */
  readonly check: boolean;
  readonly quick: boolean;
  /** Measure in this process instead of one process for each benchmark; for profilers. */
  readonly inProcess: boolean;
}

export const USAGE = 'usage: ./talos bench [name ...] [--json] [--check] [--quick] [--in-process]';

/** Reads the command line.
 *  @throws {TypeError} an unknown option or benchmark */
export function parseArguments(argv: readonly string[], known: readonly string[]): Arguments {
  const flag = { type: 'boolean', default: false } as const;
  const options = { json: flag, check: flag, quick: flag, 'in-process': flag };
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`no benchmark ${unknown}; there are ${known.join(', ')}`);
  const { json, check, quick } = values;
  const names = positionals.length === 0 ? known : positionals;
  return { names, json, check, quick, inProcess: values['in-process'] };
}
