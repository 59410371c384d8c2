import { existsSync } from 'node:fs';
import { PAGE_FILE } from '../../packages/verifier/src/index.js';

/** Before all tests: the page of the verifier is there, as a build leaves it. */
export async function setup(): Promise<void> {
  if (existsSync(PAGE_FILE)) return;
  const { writePage } = await import('../../packages/verifier/src/build.js');
  await writePage();
}
