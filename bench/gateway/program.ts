import { fileURLToPath } from 'node:url';
import { type Child, startChild } from '../child.js';

/** Starts one of the programs of this folder, which says its address once it serves. */
export function startProgram(
  folder: string,
  program: string,
  ...args: readonly string[]
): Promise<Child<{ readonly url: string }>> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  return startChild([path, ...args], { log: `${folder}/${program.replaceAll('/', '')}.log` });
}
