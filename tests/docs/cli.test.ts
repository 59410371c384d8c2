import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Io } from '../../packages/cli/src/io.js';
import { run } from '../../packages/cli/src/run.js';

const PAGE = fileURLToPath(new URL('../../docs/cli.md', import.meta.url));
const MARK =
  '<!-- what --help says; TALOS_WRITE_DOCS=1 npx vitest run tests/docs/cli.test.ts writes it again -->\n';

async function helpOf(words: readonly string[]): Promise<string> {
  const chunks: string[] = [];
  const stream = { write: (chunk: string) => void chunks.push(chunk) };
  // With --help nothing is started, so nothing else of a machine is needed.
  const io = { stdout: stream, stderr: stream, env: {} } as unknown as Io;
  expect(await run([...words, '--help'], io)).toBe(0);
  return chunks.join('');
}

/** The names at the start of the lines of a section, without the lines that go on. */
function names(help: string, section: string): string[] {
  const lines = new RegExp(`^${section}:\\n((?: {2}.*\\n|\\n(?= {2}))*)`, 'm').exec(help)?.[1] ?? '';
  return [...lines.matchAll(/^ {2}(?:-\w, )?(-{0,2}[a-z][\w-]*)/gm)].map(([, name = '']) => name);
}

async function rowsOf(words: readonly string[]): Promise<string[]> {
  const help = await helpOf(words);
  const commands = names(help, 'Commands').filter((name) => name !== 'help');
  if (commands.length > 0)
    return (await Promise.all(commands.map((name) => rowsOf([...words, name])))).flat();
  const [, usage = '', summary = ''] = /^Usage: ([\s\S]*?)\n\n([\s\S]*?)\n\n/.exec(help) ?? [];
  const options = names(help, 'Options').filter((name) => name !== '--json' && name !== '--help');
  const cells = [
    `\`${usage.replace(' [options]', '')}\``,
    summary.replaceAll('\n', ' '),
    options.map((name) => `\`${name}\``).join(' '),
  ];
  return [`| ${cells.join(' | ')} |`];
}

it('docs/cli.md lists every command with every option', async () => {
  const [before = ''] = readFileSync(PAGE, 'utf8').split(MARK);
  const rows = ['| command | what it does | options |', '|---|---|---|', ...(await rowsOf([])), ''];
  const wanted = `${before}${MARK}${rows.join('\n')}`;
  if (process.env['TALOS_WRITE_DOCS'] === '1') writeFileSync(PAGE, wanted);
  expect(rows.length).toBeGreaterThan(40);
  expect(readFileSync(PAGE, 'utf8')).toBe(wanted);
});
