import { isTrustError } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { parseTalosYaml } from './talos-yaml.js';

const PIN = 'ab'.repeat(32);
const SOURCE = `# who decides
version: 1
servers:
  # the files of the team
  files:
    command: node # from PATH
    args: [server.js, "\${HOME}"]
`;
const tool = {
  op: 'read' as const,
  resources: [{ ptr: '/path', kind: 'path' as const, required: true }],
  pin: PIN,
};

describe('editing a talos.yaml', () => {
  it('keeps comments, order and references to variables', () => {
    const yaml = parseTalosYaml(SOURCE, 'talos.yaml');
    yaml.pinTools('files', { read_text_file: tool });
    const text = yaml.text();
    for (const kept of ['# who decides', '# the files of the team', '# from PATH', `\${HOME}`])
      expect(text).toContain(kept);
    expect(parseTalosYaml(text, 'talos.yaml').policy.servers['files']?.tools).toEqual({
      read_text_file: tool,
    });
  });

  it('replaces the pin of one tool and leaves the others', () => {
    const yaml = parseTalosYaml(SOURCE, 'talos.yaml');
    yaml.pinTools('files', { a: tool, b: tool });
    const again = parseTalosYaml(yaml.text(), 'talos.yaml');
    again.pinTools('files', { b: { ...tool, pin: 'cd'.repeat(32) } });
    const { tools } = parseTalosYaml(again.text(), 'talos.yaml').policy.servers['files'] ?? {};
    expect(tools?.['a']?.pin).toBe(PIN);
    expect(tools?.['b']?.pin).toBe('cd'.repeat(32));
  });

  it('keeps the price of a tool, which its pin covers', () => {
    const yaml = parseTalosYaml('version: 1\nservers: { files: { command: x } }\n', 'talos.yaml');
    const priced = { ...tool, cost: { amount: 250_000, currency: 'EUR' } };
    yaml.pinTools('files', { a: priced });
    expect(yaml.text()).toContain('cost: { amount: 250000, currency: EUR }');
    expect(parseTalosYaml(yaml.text(), 'talos.yaml').policy.servers['files']?.tools).toEqual({ a: priced });
  });

  it('adds a server to an empty list, but not over one that is there', () => {
    const yaml = parseTalosYaml('version: 1\nservers: {}\n', 'talos.yaml');
    yaml.addServer('files', { command: 'node', args: ['a b', '- c', ': d', '# e'] });
    expect(parseTalosYaml(yaml.text(), 'f').policy.servers['files']?.args).toEqual([
      'a b',
      '- c',
      ': d',
      '# e',
    ]);
    expect(() => yaml.addServer('files', { command: 'x' })).toThrow('has a server files already');
    expect(() => yaml.pinTools('other', { a: tool })).toThrow('has no server other');
  });

  it('writes tools of any name so that they are read back', () => {
    const names = [
      '__proto__',
      'null',
      '1',
      '<<',
      '#x',
      '&a',
      '*a',
      '!t',
      '"',
      "'",
      '- ',
      'a:',
      'constructor',
      '~',
    ];
    for (const name of names.map((text) => text.trim())) {
      const yaml = parseTalosYaml(SOURCE, 'talos.yaml');
      yaml.pinTools('files', Object.fromEntries([[name, tool]]));
      const { tools } = parseTalosYaml(yaml.text(), 'talos.yaml').policy.servers['files'] ?? {};
      expect(Object.entries(tools ?? {})).toEqual([[name, tool]]);
    }
  });

  it.each([
    'version: 1\nservers: {}\nmore: 1\n',
    'version: 1\nversion: 1\nservers: {}\n',
    'version: 2\nservers: {}\n',
    'a: &a [*a, *a]\n',
    '%',
    '\t',
    '',
    '!!js/function x',
  ])('refuses %j with a code', (source) => {
    const code = (() => {
      try {
        parseTalosYaml(source, 'talos.yaml');
        return 'read';
      } catch (error) {
        return isTrustError(error) ? error.code : error;
      }
    })();
    expect(code).toBe('SETTINGS_INVALID');
  });

  it('adds a budget in one line, changes one where it stands, and takes one away', () => {
    const yaml = parseTalosYaml('version: 1\nservers: {}\nbudgets: []\n', 'talos.yaml');
    yaml.setBudget({ name: 'a', per: 'day', calls: 1 });
    yaml.setBudget({ name: 'b', per: 'total', tokens: 5 });
    expect(yaml.text()).toContain(
      'budgets:\n  - { name: a, per: day, calls: 1 }\n  - { name: b, per: total, tokens: 5 }\n',
    );
    const source =
      'version: 1\nservers: {}\nbudgets:\n  # of the team\n  - name: a\n    per: day # UTC\n    calls: 1\n';
    const own = parseTalosYaml(source, 'talos.yaml');
    own.setBudget({ name: 'a', per: 'day', calls: 2, cost: { amount: 7, currency: 'EUR' } });
    expect(own.text()).toBe(source.replace('calls: 1', 'calls: 2\n    cost: { amount: 7, currency: EUR }'));
    expect([own.removeBudget('b'), own.removeBudget('a')]).toEqual([false, true]);
    expect(parseTalosYaml(own.text(), 'f').policy.budgets).toEqual([]);
    const none = parseTalosYaml('version: 1\nservers: {}\n', 'f');
    none.setBudget({ name: 'a', per: 'day', calls: 1 });
    expect(none.text()).toContain('budgets:\n  - { name: a, per: day, calls: 1 }\n');
  });
});
