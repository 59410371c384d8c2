import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { openTerminal } from '../support/terminal.js';

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/cli.md', import.meta.url)), 'utf8');

interface Line {
  readonly text: string;
  /** Stands in a block marked `<!-- offline -->`: it is run as it stands. */
  readonly offline: boolean;
}

/** Every line that calls `talos` in a shell block of the page. */
const LINES: readonly Line[] = [...PAGE.matchAll(/(<!-- offline -->\n)?```sh\n(.*?)```/gs)].flatMap(
  ([, offline, block = '']) =>
    block
      .split('\n')
      .filter((text) => text.startsWith('talos '))
      .map((text) => ({ text, offline: offline !== undefined })),
);

/** Words of a simple shell line: single quotes, and comments. */
function words(text: string): string[] {
  const found = text.replace(/\s#.*$/, '').match(/'[^']*'|[^\s']+/g) ?? [];
  return found.slice(1).map((word) => word.replaceAll("'", ''));
}

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'talos-reference-'));
  writeFileSync(join(folder, 'passphrase.txt'), 'a long passphrase\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function talos(...argv: string[]): Promise<{ code: number; output: string }> {
  const { io, out, err } = openTerminal({
    env: { TALOS_DATA: join(folder, 'data') },
    cwd: folder,
    fetch: () => Promise.reject(new Error('the page says this needs no network')),
  });
  const code = await run(argv, io);
  return { code, output: out() + err() };
}

describe('docs/cli.md', () => {
  it.each(LINES)('$text', async ({ text, offline }) => {
    const argv = words(text);
    if (offline) {
      if (text.includes('--trust trust.json')) await writeTrust();
      const { code, output } = await talos(...argv);
      expect([code, output]).toEqual([0, expect.any(String)]);
      return;
    }
    // Commands and options are known: with --help nothing is started.
    const end = argv.indexOf('--');
    const { code, output } = await talos(...(end < 0 ? argv : argv.slice(0, end)), '--help');
    expect(code).toBe(0);
    for (const option of argv.slice(0, end < 0 ? argv.length : end).filter((word) => word.startsWith('--')))
      expect(output).toContain(option);
  });
});

async function writeTrust(): Promise<void> {
  const { output } = await talos('id', 'show', 'organisation', '--json');
  const anchors = [
    { iss: JSON.parse(output).did, tenant: 'default', grants: [{ scope: 'tool:*', ops: ['read', 'write'] }] },
  ];
  const trust = { format: 'talos-trust-v1', logs: [], exporters: [], emitters: [], anchors };
  writeFileSync(join(folder, 'trust.json'), JSON.stringify(trust));
}
