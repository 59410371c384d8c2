import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('../..', import.meta.url));
const source = (path: string): string => join(root, 'packages', path);

/** A TypeScript program of the sources, as a file that node runs: tests that kill processes need real ones, and
 *  need no build. It lies inside a node_modules, so that packages are found from it. */
export async function buildProgram(
  entry: string,
  folder = 'node_modules/.cache/talos',
  name = 'main',
): Promise<{ path: string; remove(): Promise<void> }> {
  const path = join(root, folder, `${process.pid}-${Date.now()}-${name}.mjs`);
  const bundle = await rolldown({
    input: source(entry),
    platform: 'node',
    // What is of many small files is in it, as in the bundles that people start.
    external: (id, from) =>
      !/^[./]|^(@talosprotocol|typebox|@noble|yaml)(\/|$)/.test(id) &&
      from?.includes('/node_modules/') !== true,
    resolve: {
      alias: {
        '@talosprotocol/protocol/node': source('protocol/src/node/index.ts'),
        '@talosprotocol/sdk/archive': source('sdk/src/archive/index.ts'),
        '@talosprotocol/sdk/keys': source('sdk/src/keys/index.ts'),
        '@talosprotocol/contracts': source('contracts/src/index.ts'),
        '@talosprotocol/protocol': source('protocol/src/index.ts'),
        '@talosprotocol/sdk': source('sdk/src/index.ts'),
      },
    },
  });
  await bundle.write({ file: path, format: 'esm', codeSplitting: false });
  await bundle.close();
  return { path, remove: () => rm(path, { force: true }) };
}
