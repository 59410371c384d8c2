import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCli, type Ran, type TestCli } from '../../testing/cli.js';

const READ = 'tool:files/method:read_text_file/resource:/data:read';
let cli: TestCli;
let dids: Record<string, string>;

beforeEach(async () => {
  cli = createTestCli();
  dids = {};
  for (const name of ['org', 'agent', 'sub', 'gateway'])
    dids[name] = (await cli.run(['id', 'create', name, '--json'])).json<{ did: string }>().did;
  write('talos.yaml', yaml());
  write('chain.txt', await chainOfTwo());
});
afterEach(() => cli.remove());

const write = (name: string, text: string): string => {
  writeFileSync(join(cli.folder, name), text);
  return name;
};

const yaml = (): string => `version: 1
anchors:
  - iss: ${dids['org']}
    tenant: default
    grants: [{ scope: "tool:*", ops: [read] }]
servers:
  files:
    command: none
    tools:
      read_text_file:
        op: read
        resources: [{ ptr: /path, kind: path, required: true }]
        cost: { amount: 5, currency: EUR }
        pin: ${'a'.repeat(64)}
`;

/** Of the organisation, narrowed by the agent. */
async function chainOfTwo(): Promise<string> {
  const issue = ['cap', 'issue', '--as', 'org', '--aud', dids['gateway'] ?? '', '--to', 'agent'];
  const { stdout } = await cli.run([...issue, '--grant', READ, '--dlg', '1']);
  const narrow = ['cap', 'attenuate', '-', '--as', 'agent', '--to', 'sub', '--where', '/path within /data/a'];
  return (await cli.run(narrow, { stdin: stdout })).stdout;
}

const explain = (argv: readonly string[], stdin = ''): Promise<Ran> =>
  cli.run(['cap', 'explain', ...argv, '--anchors', 'talos.yaml'], { stdin });
const call = (path: string): string[] => [
  '--call',
  'files/read_text_file',
  '--arguments',
  JSON.stringify({ path }),
];

describe('talos cap explain', () => {
  it('decides the call of a tool offline, by the manifest of talos.yaml, link by link', async () => {
    const allowed = await explain(['chain.txt', ...call('/data/a/x'), '--json']);
    expect(allowed.code).toBe(0);
    expect(allowed.json()).toMatchObject({
      ok: true,
      items: [{ scope: 'tool:files/method:read_text_file/resource:/data/a/x', op: 'read' }],
      links: [
        { link: 0, by: dids['org'], effect: 'allow' },
        { link: 1, by: dids['org'], effect: 'allow' },
        { link: 2, by: dids['agent'], effect: 'allow' },
      ],
    });
    const caveat = await explain(['chain.txt', ...call('/data/b')]);
    expect(caveat.code).toBe(2);
    expect(caveat.stdout).toMatch(/Denied: CONSTRAINT_VIOLATED\n {2}link {4}2\n/);
    const table = caveat.stdout.slice(caveat.stdout.indexOf('link  says')).split('\n');
    expect(table.slice(1)).toEqual([
      `  0     allowed  ${dids['org']} (trust anchor)`,
      `  1     allowed  ${dids['org']}`,
      `  2     denied   ${dids['agent']}`,
      '                 CONSTRAINT_VIOLATED  read tool:files/method:read_text_file/resource:/data/b  /path within /data/a',
      '',
    ]);
    expect(caveat.stderr).toContain('Next: see what each link grants: talos cap inspect');
  });

  it('shows every link that refuses, not only the first', async () => {
    const item = ['--action', 'tool:files/method:write_file/resource:/data/b:write'];
    const denied = await explain(['chain.txt', ...item, '--arguments', '{"path":"/data/b"}', '--json']);
    expect(denied.json()).toMatchObject({
      decision: { code: 'SCOPE_MISMATCH', link: 0 },
      links: [0, 1, 2].map((link) => ({ link, effect: 'deny', code: 'SCOPE_MISMATCH' })),
    });
  });

  it('takes arguments from a file and from standard input, and the capability from either', async () => {
    write('call.json', '{"path":"/data/a/x"}');
    write('bad.json', '{"path":"/data/a/x","path":"/"}');
    const tool = ['--call', 'files/read_text_file'];
    const chain = await chainOfTwo();
    expect((await explain(['chain.txt', ...tool, '--arguments', 'call.json'])).code).toBe(0);
    expect((await explain(['chain.txt', ...tool, '--arguments', '@call.json'])).code).toBe(0);
    expect((await explain(['chain.txt', ...tool, '--arguments', '-'], '{"path":"/data/b"}')).code).toBe(2);
    expect((await explain(['--token-file', 'chain.txt', ...call('/data/a')])).code).toBe(0);
    expect((await explain(['--token-file', '-', ...call('/data/a')], chain)).code).toBe(0);
    expect((await explain(['--token', '-', ...call('/data/a')], chain)).code).toBe(0);
    for (const wrong of [
      ['chain.txt', ...tool, '--arguments', 'bad.json'],
      ['chain.txt', ...tool, '--arguments', 'missing.json'],
      ['chain.txt', ...tool, '--arguments', '[1]'],
      ['-', ...tool, '--arguments', '-'],
      ['--token-file', 'chain.txt', 'chain.txt', ...call('/data/a')],
      ['--token-file', chain.trim(), ...call('/data/a')],
      ['chain.txt', '--call', 'files'],
      ['chain.txt'],
    ])
      expect([wrong, (await explain(wrong, chain)).code]).toEqual([wrong, 1]);
  });

  it('reads a bearer key from a file or standard input, never from the command line, and shows none of it', async () => {
    const bearer = ['--bearer', '--out', 'key.txt', '--show-key', '--grant', READ];
    const made = await cli.run(['cap', 'issue', '--as', 'org', '--aud', dids['gateway'] ?? '', ...bearer]);
    const key = made.stdout.trim();
    const seed = key.slice(key.lastIndexOf('~') + 1);
    const runs = [
      await explain(['--token-file', 'key.txt', ...call('/data/a')]),
      await explain(['--token-file', '-', ...call('/data/a'), '--json'], key),
      await explain(['--token', key, ...call('/data/a')]),
      await explain([key, ...call('/data/a')]),
      await explain(['--token-file', key, ...call('/data/a')]),
    ];
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 1, 1, 1]);
    for (const { stdout, stderr } of runs) expect(stdout + stderr).not.toContain(seed);
  });

  it('needs no platform and no option where the talos.yaml of the data folder tells the anchors', async () => {
    mkdirSync(cli.data, { recursive: true });
    writeFileSync(join(cli.data, 'talos.yaml'), yaml());
    const argv = ['cap', 'explain', '--token', (await chainOfTwo()).trim(), '--json'];
    const read = 'tool:files/method:read_text_file/resource:/data/a/x:read';
    const ran = await cli.run([...argv, '--action', read, '--arguments', '{"path":"/data/a/x"}']);
    expect(ran.code).toBe(0);
    expect(ran.json()).toMatchObject({ links: [{ link: 0 }, { link: 1 }, { link: 2 }] });
  });

  it('denies as the gateway would: a holder that may only delegate, another gateway, a chain whose time is over', async () => {
    const made = ['cap', 'issue', '--as', 'org', '--grant', READ];
    await cli.run([
      ...made,
      '--aud',
      dids['gateway'] ?? '',
      '--to',
      'agent',
      '--no-invoke',
      '--dlg',
      '1',
      '--out',
      'office.txt',
    ]);
    const office = await explain(['office.txt', ...call('/data/a'), '--json']);
    expect(office.code).toBe(2);
    expect(office.json()).toMatchObject({ decision: { code: 'DELEGATION_INVALID', link: 1 } });
    expect((await explain(['chain.txt', ...call('/data/a'), '--aud', dids['gateway'] ?? ''])).code).toBe(0);
    const elsewhere = await explain([
      'chain.txt',
      ...call('/data/a'),
      '--aud',
      dids['agent'] ?? '',
      '--json',
    ]);
    expect(elsewhere.code).toBe(2);
    expect(elsewhere.json()).toMatchObject({ decision: { code: 'AUDIENCE_MISMATCH', link: 1 } });
  });

  it('says scope before existence, as a gateway does, and still what each link says', async () => {
    const none = await explain(['chain.txt', '--call', 'files/constructor', '--json']);
    expect(none.json()).toMatchObject({
      decision: { code: 'SCOPE_MISMATCH', link: 1, item: 'tool:files/method:constructor' },
      items: [],
    });
    const grant = ['--to', 'agent', '--grant', 'tool:files/method:other:read', '--out', 'other.txt'];
    await cli.run(['cap', 'issue', '--as', 'org', '--aud', dids['gateway'] ?? '', ...grant]);
    const known = await explain(['other.txt', ...call('/data/a'), '--json']);
    expect(known.json()).toMatchObject({
      decision: { code: 'SCOPE_MISMATCH', link: 1, item: 'tool:files/method:read_text_file' },
      links: [{ effect: 'allow' }, { effect: 'deny', code: 'SCOPE_MISMATCH' }],
    });
  });

  it('of a chain that does not verify says why, and sends nobody back to where they are', async () => {
    const only = ['--to', 'agent', '--no-invoke', '--dlg', '1', '--grant', READ, '--out', 'office.txt'];
    await cli.run(['cap', 'issue', '--as', 'org', '--aud', dids['gateway'] ?? '', ...only]);
    const { stdout, stderr } = await explain(['office.txt', ...call('/data/a')]);
    expect(stdout).toContain('What was wrong: its holder may delegate, but not act (invoke false)');
    expect(stderr).toContain('Next: see what each link grants: talos cap inspect');
    expect(stderr).not.toContain('--anchors');
  });

  it('names the ways without a platform where there is none', async () => {
    const read = 'tool:files/method:read_text_file/resource:/data/a/x:read';
    const ran = await cli.run(['cap', 'explain', 'chain.txt', '--action', read]);
    expect(ran.code).toBe(4);
    expect(ran.stderr).toMatch(/offline with --anchors talos\.yaml or --trust .*talos up/);
  });

  it('denies what has no manifest, and a price that a limit cannot count', async () => {
    const any = ['--to', 'agent', '--grant', 'tool:files:read', '--out', 'any.txt'];
    await cli.run(['cap', 'issue', '--as', 'org', '--aud', dids['gateway'] ?? '', ...any]);
    const unknown = await explain(['any.txt', '--call', 'files/constructor', '--json']);
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.json()).toMatchObject({ decision: { code: 'UNKNOWN_TOOL' }, items: [] });
    const limited = yaml().replace(
      '    grants: [{',
      '    limits: [{ per: day, cost: { amount: 9, currency: USD } }]\n    grants: [{',
    );
    write('talos.yaml', limited);
    const priced = await explain(['chain.txt', ...call('/data/a'), '--json']);
    expect(priced.code).toBe(2);
    expect(priced.json()).toMatchObject({
      decision: { code: 'POLICY_DENIED', link: 0, caveat: 'cost in USD' },
    });
    // What no link allows is refused for that, as at a gateway, which looks at limits later.
    const outside = await explain(['chain.txt', ...call('/etc'), '--json']);
    expect(outside.json()).toMatchObject({ decision: { code: 'SCOPE_MISMATCH', link: 1 } });
    const path = await explain(['chain.txt', ...call('/data/../b'), '--json']);
    expect(path.json()).toMatchObject({ decision: { code: 'CONSTRAINT_VIOLATED' } });
  });

  it('says in its help where the capability and the arguments come from, and what the exit codes mean', async () => {
    const { stdout, code } = await cli.run(['cap', 'explain', '--help']);
    expect(code).toBe(0);
    for (const text of [
      '--token-file <file>',
      '--call <server/tool>',
      '--arguments <json or file>',
      'Exit code 0 allowed, 2 denied',
    ])
      expect(stdout).toContain(text);
  });
});
