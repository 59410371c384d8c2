import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const changed = (path: string): number => statSync(at(path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Before all tests: the programs that tests start are what the compiler left last, as after `./talos`. */
export function setup(): void {
  const compiled = Math.max(
    ...['contracts', 'protocol', 'sdk', 'server', 'cli'].map((name) =>
      changed(`packages/${name}/dist/.tsbuildinfo`),
    ),
  );
  const bundled = Math.min(...['cli', 'server'].map((name) => changed(`packages/${name}/bundle/main.js`)));
  if (compiled > bundled)
    execFileSync(process.execPath, [at('tools/dist/bundle-programs.js')], { cwd: at('.') });
}
