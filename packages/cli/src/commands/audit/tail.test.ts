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

/** What the service was asked, by a command that it has nothing to show for. */
async function askedBy(...options: string[]): Promise<string[]> {
  const asked: string[] = [];
  const answer: typeof fetch = async (input) => {
    const { searchParams } = new URL(String(input));
    searchParams.delete('limit');
    asked.push(searchParams.toString());
    return Response.json({ events: [], next: null });
  };
  const argv = ['audit', 'tail', ...options, '--audit', 'http://127.0.0.1:1', '--json'];
  const { code } = await cli.run(argv, { env: { TALOS_KEY_FILE: 'own.key' }, fetch: answer });
  expect(code).toBe(0);
  return asked;
}

// AUD-65
describe('talos audit tail --tool', () => {
  it('takes server/tool as export and stats do, and a model that has a slash in its name', async () => {
    expect(await askedBy('--tool', 'files/read_text_file')).toEqual([
      'server=files&tool=read_text_file',
      'tool=files%2Fread_text_file',
    ]);
  });

  it('takes a name alone, and beside --server any name as it is', async () => {
    expect(await askedBy('--tool', 'read_text_file')).toEqual(['tool=read_text_file']);
    expect(await askedBy('--server', 'hub', '--tool', 'meta/llama')).toEqual([
      'server=hub&tool=meta%2Fllama',
    ]);
    // No server has a name like that.
    expect(await askedBy('--tool', 'Meta/llama')).toEqual(['tool=Meta%2Fllama']);
  });
});
