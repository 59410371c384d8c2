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

/** How a command ends that the service has nothing to show for, and what the service was asked. */
async function tail(...options: string[]) {
  const asked: string[] = [];
  const answer: typeof fetch = async (input) => {
    const { searchParams } = new URL(String(input));
    searchParams.delete('limit');
    asked.push(searchParams.toString());
    return Response.json({ events: [], next: null });
  };
  const argv = ['audit', 'tail', ...options, '--audit', 'http://127.0.0.1:1', '--json'];
  const ended = await cli.run(argv, { env: { TALOS_KEY_FILE: 'own.key' }, fetch: answer });
  return { ...ended, asked };
}

async function askedBy(...options: string[]): Promise<string[]> {
  const { code, asked } = await tail(...options);
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

// AUD-65
describe('talos audit tail --since', () => {
  it('takes what export takes, and no time without a zone, which would be of here and not of the log', async () => {
    expect(await askedBy('--since', '2026-03-01T09:30+02:00')).toEqual([
      'since=2026-03-01T07%3A30%3A00.000Z',
    ]);
    for (const time of ['2026-03-01T09:30:00', '2026-02-30']) {
      const { code, stdout, asked } = await tail('--since', time);
      expect([code, asked]).toEqual([1, []]);
      expect(stdout).toContain(`--since takes no ${time}`);
    }
  });
});
