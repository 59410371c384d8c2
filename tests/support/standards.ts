import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder with the standards' test data (it lies beside the checkout and is never copied into it), or
 *  undefined where it is absent; under TALOS_CI an absent folder is an error, so CI cannot skip by accident. */
export function standardsFolder(): string | undefined {
  const folder =
    process.env['TALOS_VECTORS'] ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url));
  if (existsSync(folder)) return folder;
  if (process.env['TALOS_CI'] === '1') throw new Error(`standards data is missing: ${folder}`);
  return undefined;
}

/** Reads one JSON file below the standards folder. */
export function readStandard<T>(path: string): T {
  return JSON.parse(readFileSync(`${standardsFolder()}/${path}`, 'utf8')) as T;
}
