import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Generated files of one folder: path below it and text. */
export type Files = ReadonlyMap<string, string>;

/** Names of files in `folder` that differ from `files`, are missing or should not be there. */
export function findDrift(folder: string, files: Files): string[] {
  const found = listJson(folder);
  const wrong = [...files.keys()].filter(
    (name) => !found.includes(name) || read(folder, name) !== files.get(name),
  );
  return [...wrong, ...found.filter((name) => !files.has(name))].sort();
}

/** Makes the JSON files of `folder` exactly `files`. */
export function writeFiles(folder: string, files: Files): void {
  for (const name of listJson(folder)) if (!files.has(name)) rmSync(join(folder, name));
  for (const [name, content] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

/** Writes, or with `--check` compares; the exit code. */
export function runGenerator(args: readonly string[], folder: string, files: Files): number {
  if (!args.includes('--check')) {
    writeFiles(folder, files);
    console.log(`${files.size} files written`);
    return 0;
  }
  const drift = findDrift(folder, files);
  for (const name of drift) console.error(`drift: ${join(folder, name)}`);
  return drift.length === 0 ? 0 : 1;
}

function listJson(folder: string): string[] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.json')).map((name) => name.replaceAll('\\', '/'));
  } catch {
    return [];
  }
}

function read(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}
