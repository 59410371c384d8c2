import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCli, type TestCli } from '../testing/cli.js';

let cli: TestCli;
beforeEach(() => {
  cli = createTestCli();
});
afterEach(() => cli.remove());

describe('talos witness --follow', () => {
  it.each(['', 'canary'])('says of %j where the key of a log stands, and makes nothing', async (vkey) => {
    const { code, stderr } = await cli.run(['witness', '--follow', vkey]);
    expect(code).toBe(1);
    expect(stderr).toContain('--follow takes the key of a log');
    expect(stderr).toMatch(/hint: .*talos\.json.*talos init --json/);
    expect(existsSync(cli.data)).toBe(false);
  });
});
