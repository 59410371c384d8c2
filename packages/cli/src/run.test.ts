import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addCommands } from './commands/index.js';
import type { Shell } from './define-command.js';
import { createTestCli, type TestCli } from './testing/cli.js';

let cli: TestCli;
beforeEach(() => {
  cli = createTestCli();
});
afterEach(() => cli.remove());

/** Every command line that names a command, read from the program itself. */
function leaves(command: Command, path: readonly string[] = []): string[][] {
  if (command.commands.length === 0) return [[...path]];
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
}

const program = new Command('talos');
addCommands(program, {} as Shell);
const COMMANDS = leaves(program);

describe('every command', () => {
  it('is there', () => {
    expect(COMMANDS.map((path) => path.join(' '))).toEqual([
      'demo',
      'init',
      'up',
      'doctor',
      'nodes',
      'policy reload',
      'why',
      'id create',
      'id register',
      'id list',
      'id show',
      'id rotate',
      'id deactivate',
      'id backup',
      'id restore',
      'cap issue',
      'cap attenuate',
      'cap inspect',
      'cap verify',
      'cap explain',
      'cap revoke',
      'cap status',
      'mcp wrap',
      'mcp policy suggest',
      'mcp policy confirm',
      'llm add',
      'llm alias',
      'import litellm',
      'budget set',
      'budget remove',
      'budget status',
      'budget recompute',
      'audit tail',
      'audit stats',
      'audit export',
      'audit verify',
      'audit page',
      'audit anchor status',
      'audit anchor deploy',
      'audit anchor export',
      'audit anchor verify',
      'audit watch',
      'audit witnesses',
      'audit fsck',
      'audit log export',
      'audit log import',
      'audit erase',
      'audit prune',
      'witness',
      'rbac whoami',
      'rbac check',
      'rbac role list',
      'rbac role create',
      'rbac role change',
      'rbac role remove',
      'rbac binding list',
      'rbac binding create',
      'rbac binding remove',
      'rbac service-account list',
      'rbac service-account create',
      'rbac service-account rotate',
      'rbac service-account disable',
      'rbac service-account enable',
      'rbac session list',
      'rbac session end',
      'secrets set',
      'secrets list',
      'secrets remove',
    ]);
  });

  it.each(COMMANDS)('has help with an example and --json: %s %s %s', async (...path) => {
    const { code, stdout, stderr } = await cli.run([...path.filter(Boolean), '--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/\nExample:\n {2}\$ talos /);
    expect(stdout).toContain('--json');
  });

  it.each(COMMANDS)(
    'refuses an unknown option with a hint, as text and as JSON: %s %s %s',
    async (...path) => {
      const argv = [...path.filter(Boolean), '--no-such-option'];
      const text = await cli.run(argv);
      expect(text.code).toBe(1);
      expect(text.stdout).toBe('');
      expect(text.stderr).toMatch(/^talos: .*\n {2}hint: .+\n$/);
      const json = await cli.run([...argv, '--json']);
      expect(json.code).toBe(1);
      expect(json.stderr).toBe('');
      expect(json.json()).toMatchObject({ ok: false, error: { code: 'USAGE' } });
    },
  );
});

describe('talos', () => {
  it('suggests the command that was meant', async () => {
    for (const [typed, meant] of [
      [['audi'], 'audit'],
      [['cap', 'isue'], 'issue'],
    ] as const) {
      const { code, stderr } = await cli.run(typed);
      expect(code).toBe(1);
      expect(stderr).toContain(`Did you mean ${meant}?`);
    }
  });

  it('says which commands there are when one is missing', async () => {
    expect((await cli.run(['cap'])).stderr).toContain('one of issue, attenuate');
  });

  it('shows its help when called bare, and its version', async () => {
    const bare = await cli.run([]);
    expect([bare.code, bare.stderr]).toEqual([0, '']);
    expect(bare.stdout).toContain('Usage: talos');
    expect(await cli.run(['--version'])).toMatchObject({ code: 0, stderr: '' });
    expect((await cli.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });

  it('says where the commands of a checkout are', async () => {
    const help = await cli.run(['help', 'test']);
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('./talos test');
    const called = await cli.run(['bench']);
    expect([called.code, called.stdout]).toEqual([1, '']);
    expect(called.stderr).toContain('./talos bench');
  });

  it('names the option of a port that is none, and not its value', async () => {
    for (const port of ['canary', '-1', '65536', '1e3', '']) {
      const { code, stderr } = await cli.run(['up', `--gateway-port=${port}`]);
      expect([port, code]).toEqual([port, 1]);
      expect(stderr).toContain('--gateway-port takes a port');
      expect(stderr).not.toContain('canary');
    }
  });

  it.each([['tail'], ['fsck'], ['witnesses']])(
    'says of a data folder without a platform that one can be started, also with a demo in it: audit %s',
    async (command) => {
      const elsewhere = join(cli.folder, 'elsewhere');
      for (const demo of [undefined, join(elsewhere, 'demo', 'keys')]) {
        if (demo !== undefined) mkdirSync(demo, { recursive: true });
        const { code, stderr } = await cli.run(['audit', command, '--data', 'elsewhere']);
        expect(code).toBe(4);
        expect(stderr).toMatch(new RegExp(`UNAVAILABLE: .*there is no platform data in ${elsewhere}\n`));
        expect(stderr).toContain('hint: start one with: talos up; or name the data folder');
      }
    },
  );

  it('says it of a folder with other keys too, and makes no log to examine there: audit fsck', async () => {
    mkdirSync(join(cli.data, 'keys'), { recursive: true });
    const ran = await cli.run(['audit', 'fsck', '--json']);
    expect([ran.code, ran.json()]).toMatchObject([4, { error: { code: 'UNAVAILABLE' } }]);
    expect([readdirSync(cli.data), readdirSync(join(cli.data, 'keys'))]).toEqual([['keys'], []]);
  });

  it('gives a way on where the system refuses the data folder', async () => {
    writeFileSync(join(cli.folder, 'file'), '');
    for (const argv of [['id', 'list'], ['id', 'create', 'x'], ['demo']]) {
      const { code, stderr } = await cli.run([...argv, '--data', 'file']);
      expect([argv, code]).toEqual([argv, 1]);
      expect(stderr).toMatch(/^talos: SETTINGS_INVALID: .*cannot be used: .*\n {2}hint: .*TALOS_DATA\n$/);
    }
  });

  it('answers any arguments with an exit code from 0 to 4 and no stack', async () => {
    const word = fc.oneof(
      fc.constantFrom('id', 'cap', 'audit', 'why', 'create', 'show', 'issue', 'inspect', 'verify', 'explain'),
      fc.constantFrom('--json', '--grant', '--where', '--to', '--as', '--trust', '--', '-', '--calls'),
      fc.string({ maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0')),
    );
    // What would start a process is tried elsewhere.
    const isHarmless = (argv: string[]) => !['demo', 'init', 'up', 'doctor', 'mcp'].includes(argv[0] ?? '');
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 7 }).filter(isHarmless), async (argv) => {
        const { code, stdout, stderr } = await cli.run(argv);
        expect([0, 1, 2, 3, 4]).toContain(code);
        expect(stdout + stderr).not.toMatch(/\n\s+at .*:\d+:\d+/);
        // Nothing that was typed reaches the terminal as a command to it.
        expect(stdout + stderr).not.toMatch(/(?!\n)\p{Cc}/u);
      }),
      { numRuns: 150 },
    );
  });
});
