/** After the compiler: each program that people start, with the modules it reads, in a few files. A program of a thousand
 *  files spends a second on finding and opening them before it does anything (ADR 52). */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OutputChunk, rolldown } from 'rolldown';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Program {
  /** Of `packages`; the files go into its folder `bundle`. */
  readonly package: string;
  /** Names of files, and what each is made of. */
  readonly entries: Readonly<Record<string, string>>;
  /** What stands in the files beside our own modules; everything else is found when it runs. */
  readonly includes: RegExp;
}

const PROGRAMS: readonly Program[] = [
  {
    package: 'cli',
    entries: { main: 'dist/main.js' },
    includes:
      /^(@talosprotocol\/(contracts|protocol|sdk)|typebox|@noble\/(ciphers|curves|hashes)|yaml|commander|ora|picocolors|@clack\/prompts)(\/|$)/,
  },
  {
    package: 'server',
    entries: {
      main: 'dist/main.js',
      'scan-thread': 'dist/gateway/guard/scan/scan-thread.js',
      'signature-worker': 'dist/platform/signature-worker.js',
    },
    includes:
      /^(@talosprotocol\/(contracts|protocol|sdk)|typebox|@noble\/(ciphers|curves|hashes)|yaml)(\/|$)/,
  },
];

/** A path; what a package that is included imports is included as well. */
const isFile = (id: string): boolean => /^[./]/.test(id);

async function bundleProgram({ package: name, entries, includes }: Program): Promise<void> {
  const folder = join(root, 'packages', name);
  const bundle = await rolldown({
    cwd: folder,
    input: entries,
    platform: 'node',
    external: (id, from) =>
      from !== undefined && !isFile(id) && !from.includes('/node_modules/') && !includes.test(id),
  });
  const target = join(folder, 'bundle');
  // Beside the old one until it is there as a whole: who starts the program meanwhile hardly ever finds none.
  const made = `${target}-${process.pid}`;
  const { output } = await bundle.write({
    dir: made,
    format: 'esm',
    chunkFileNames: 'part-[name]-[hash].js',
  });
  await bundle.close();
  writeFileSync(join(made, 'LICENSES.txt'), licensesOf(output.filter((file) => file.type === 'chunk')));
  const former = `${made}-former`;
  if (existsSync(target)) renameSync(target, former);
  renameSync(made, target);
  rmSync(former, { recursive: true, force: true });
}

/** What the packages that are included ask to be handed on with them. */
function licensesOf(chunks: readonly OutputChunk[]): string {
  const folders = new Map<string, string>();
  for (const id of chunks.flatMap(({ moduleIds }) => moduleIds)) {
    const found = /^\0?(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(id);
    if (found !== null) folders.set(found[2] ?? '', found[1] ?? '');
  }
  const texts = [...folders].sort().map(([name, folder]) => {
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no license`);
    return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

await Promise.all(PROGRAMS.map(bundleProgram));
