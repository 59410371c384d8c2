import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildProgram } from '../fault/program.js';

const CACHE = 'packages/server/node_modules/.cache/sources';

/** Before all tests: the program of the thread of guards, made from the sources, lies where `vitest.config.ts` says. */
export async function setup(): Promise<void> {
  const { path } = await buildProgram('server/src/gateway/guard/scan/scan-thread.ts', CACHE, 'scanner');
  await rename(path, join(dirname(path), 'scan-thread.mjs'));
}
