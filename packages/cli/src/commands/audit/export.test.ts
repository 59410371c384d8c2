import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCli, type TestCli } from '../../testing/cli.js';

let cli: TestCli;
beforeEach(() => {
  cli = createTestCli();
  writeFileSync(join(cli.folder, 'own.key'), 'a key of a service account\n', { mode: 0o600 });
});
afterEach(() => cli.remove());

const bytes = (length: number): string => Buffer.alloc(length, 7).toString('base64');

/** A checkpoint that somebody kept. */
function keep(origin: string): void {
  const note = `${origin}\n5\n${bytes(32)}\n\n— ${origin} ${bytes(68)}\n`;
  writeFileSync(join(cli.folder, 'kept.txt'), note);
}

/** What was asked of a platform that has the log `own.example/log`. */
async function exportFrom() {
  const asked: string[] = [];
  const answer: typeof fetch = async (input) => {
    const { pathname, search } = new URL(String(input));
    asked.push(`${pathname}${search}`);
    const logs = [{ origin: 'own.example/log', vkey: `own.example/log+00000000+${bytes(33)}` }];
    return Response.json({ format: 'talos-trust-v1', logs, exporters: [], emitters: [], anchors: [] });
  };
  const where = ['--audit', 'http://127.0.0.1:1', '--out', 'bundle.json', '--json'];
  const argv = ['audit', 'export', '--earlier', 'kept.txt', ...where];
  const ran = await cli.run(argv, { env: { TALOS_KEY_FILE: 'own.key' }, fetch: answer });
  return { ...ran, asked };
}

describe('talos audit export --earlier', () => {
  it('refuses what was kept of another log before a bundle is asked for', async () => {
    keep('other.example/log');
    const { code, asked, ...ran } = await exportFrom();
    expect([code, ran.json()]).toMatchObject([
      1,
      { error: { code: 'USAGE', message: expect.stringContaining('other.example/log') } },
    ]);
    expect(asked).toEqual(['/talos/v1/trust']);
  });

  it('asks for the proof from what was kept of this one', async () => {
    keep('own.example/log');
    const { asked } = await exportFrom();
    expect(asked[1]).toMatch(/^\/talos\/v1\/.*earlier=5/);
  });
});
