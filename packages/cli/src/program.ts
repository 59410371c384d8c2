import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The program that runs, to start it again. Like `version` it is found from here, in the sources as in the bundle. */
export const PROGRAM = fileURLToPath(new URL('./main.js', import.meta.url));

/** Of this package. */
export function version(): string {
  return (createRequire(import.meta.url)('../package.json') as { version: string }).version;
}
