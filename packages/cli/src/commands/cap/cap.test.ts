import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSigner, isRevocationBelow, TrustError } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOutput } from '../../output.js';
import { createTestCli, NOW, type Ran, type TestCli } from '../../testing/cli.js';

const READ = 'tool:files/method:read_text_file/resource:/data:read';
let cli: TestCli;
let dids: Record<string, string>;

beforeEach(async () => {
  cli = createTestCli();
  dids = {};
  for (const name of ['org', 'agent', 'sub', 'gateway']) {
    const { did } = (await cli.run(['id', 'create', name, '--json'])).json<{ did: string }>();
    dids[name] = did;
  }
});
afterEach(() => cli.remove());

const write = (name: string, text: string): string => {
  writeFileSync(join(cli.folder, name), text);
  return name;
};

/** A trust file that holds one anchor, the organisation. */
const trust = (grants: object[] = [{ scope: 'tool:*', ops: ['read', 'write'] }]): string => {
  const anchors = [{ iss: dids['org'], tenant: 'default', grants }];
  const file = { format: 'talos-trust-v1', logs: [], exporters: [], emitters: [], anchors };
  return write('trust.json', JSON.stringify(file));
};

const issue = (...more: string[]): Promise<Ran> =>
  cli.run(['cap', 'issue', '--as', 'org', '--aud', dids['gateway'] ?? '', ...more]);

describe('talos cap', () => {
  it('issues, narrows, inspects and verifies without a network', async () => {
    const issued = await issue('--to', 'agent', '--grant', READ, '--dlg', '1', '--expires', '8h');
    expect(issued.code).toBe(0);
    expect(issued.stdout.trim().split('.')).toHaveLength(3);
    const narrowed = await cli.run(
      [
        'cap',
        'attenuate',
        '-',
        '--as',
        'agent',
        '--to',
        'sub',
        '--where',
        '/path within /data/a',
        '--calls',
        '5',
        '--expires',
        '15m',
      ],
      { stdin: issued.stdout },
    );
    expect(narrowed.code).toBe(0);
    const chain = write('chain.txt', narrowed.stdout);
    const inspected = await cli.run(['cap', 'inspect', chain]);
    expect(inspected.stdout).toContain(
      'read tool:files/method:read_text_file/resource:/data where /path within /data/a',
    );
    const described = (await cli.run(['cap', 'inspect', chain, '--json'])).json<{
      links: { claims: object }[];
    }>();
    expect(described.links[1]?.claims).toMatchObject({
      sub: dids['sub'],
      exp: NOW / 1000 + 900,
      limits: [{ per: 'total', calls: 5 }],
    });
    const verified = await cli.run(['cap', 'verify', chain, '--trust', trust(), '--json']);
    expect(verified.json()).toMatchObject({
      ok: true,
      holder: dids['sub'],
      links: 2,
      revocation: 'not checked',
    });
  });

  it('says offline what a capability would allow, and why not', async () => {
    const { stdout } = await issue('--to', 'agent', '--grant', READ, '--where', '/path within /data/a');
    const file = write('c', stdout);
    const explain = (action: string, args: object): Promise<Ran> =>
      cli.run([
        'cap',
        'explain',
        file,
        '--action',
        action,
        '--arguments',
        JSON.stringify(args),
        '--trust',
        trust(),
        '--json',
      ]);
    const item = 'tool:files/method:read_text_file/resource:/data/a/x:read';
    expect((await explain(item, { path: '/data/a/x' })).code).toBe(0);
    const caveat = await explain(item, { path: '/data/b' });
    expect(caveat.code).toBe(2);
    expect(caveat.json()).toMatchObject({
      ok: false,
      decision: { code: 'CONSTRAINT_VIOLATED', link: 1, caveat: '/path within /data/a' },
    });
    const scope = await explain('tool:files/method:write_file/resource:/data/a:write', { path: '/data/a' });
    expect(scope.json()).toMatchObject({ decision: { code: 'SCOPE_MISMATCH', link: 1 } });
    const named = (...more: string[]) =>
      cli.run(['cap', 'explain', ...more, '--action', item, '--trust', trust()]);
    expect((await named('--token', file)).code).toBe(2);
    expect((await named()).code).not.toBe(0);
    expect((await named(file, '--token', file)).code).not.toBe(0);
  });

  it('states limits of every kind, several in one link, and when a link begins', async () => {
    const limits = ['--cost', '5.00EUR', '--rate', '10/60s', '--per', 'month', '--limit', 'calls=5 per day'];
    const begins = ['--not-before', '2027-01-01T00:00:00Z', '--expires', '300d'];
    const { stdout } = await issue('--to', 'agent', '--grant', READ, '--dlg', '1', ...limits, ...begins);
    const narrow = ['--tokens', '900', '--limit', 'cost=1EUR,calls=2', '--not-before', '200d'];
    const narrowed = await cli.run(['cap', 'attenuate', '-', '--as', 'agent', '--to', 'sub', ...narrow], {
      stdin: stdout,
    });
    expect(narrowed.stderr).not.toContain('warning');
    const inspected = await cli.run(['cap', 'inspect', '-', '--json'], { stdin: narrowed.stdout });
    const { links } = inspected.json<{ links: { claims: object }[] }>();
    const euro = (amount: number) => ({ amount, currency: 'EUR' });
    expect(links[0]?.claims).toMatchObject({
      nbf: Date.parse('2027-01-01T00:00:00Z') / 1000,
      limits: [
        { per: 'month', cost: euro(5_000_000), rate: { count: 10, seconds: 60 } },
        { per: 'day', calls: 5 },
      ],
    });
    expect(links[1]?.claims).toMatchObject({
      nbf: NOW / 1000 + 200 * 86_400,
      limits: [
        { per: 'total', tokens: 900 },
        { per: 'total', cost: euro(1_000_000), calls: 2 },
      ],
    });
    for (const [when, expires] of [
      ['2h', '1h'],
      ['1h', '1h'],
      ['soon', '1h'],
      ['2027-01-01', '1h'],
      ['2027-13-01T00:00:00Z', '1h'],
      ['2027-02-30T00:00:00Z', '300d'],
      ['2027-01-01T00:00:00+01:00', '1h'],
    ] as const) {
      const wrong = ['--not-before', when, '--expires', expires];
      expect((await issue('--to', 'agent', '--grant', READ, ...wrong)).code).toBe(1);
    }
  });

  it('tells the exit codes apart: expired 2, untrusted 2, altered 3, no capability 1', async () => {
    const { stdout } = await issue('--to', 'agent', '--grant', READ, '--expires', '10m');
    const file = write('c', stdout);
    const verify = (name: string, now = NOW) => cli.run(['cap', 'verify', name, '--trust', trust()], { now });
    expect((await verify(file)).code).toBe(0);
    expect((await verify(file, NOW + 11 * 60_000)).code).toBe(2);
    const [header, payload, signature] = stdout.trim().split('.');
    const other = `${signature?.[0] === 'A' ? 'B' : 'A'}${signature?.slice(1)}`;
    expect((await verify(write('altered', `${header}.${payload}.${other}`))).code).toBe(3);
    expect((await verify(write('rubbish', 'rubbish'))).code).toBe(1);
    await cli.run(['id', 'create', 'stranger']);
    const foreign = await cli.run([
      'cap',
      'issue',
      '--as',
      'stranger',
      '--aud',
      dids['gateway'] ?? '',
      '--to',
      'agent',
      '--grant',
      READ,
    ]);
    expect((await verify(write('foreign', foreign.stdout))).code).toBe(2);
  });

  it('keeps a bearer key off the screen unless told otherwise', async () => {
    const bearer = ['--bearer', '--dlg', '1', '--bearer-below', '--grant', READ];
    const refused = await issue(...bearer);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('--out');
    const made = await issue(...bearer, '--out', 'key.txt');
    expect(made.code).toBe(0);
    const path = join(cli.folder, 'key.txt');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const key = readFileSync(path, 'utf8').trim();
    const seed = key.slice(key.lastIndexOf('~') + 1);
    const outputs = [
      made,
      await issue(...bearer, '--out', 'key2.txt', '--json'),
      await cli.run(['cap', 'inspect', 'key.txt']),
      await cli.run(['cap', 'inspect', '-', '--json'], { stdin: key }),
      await cli.run(['cap', 'verify', 'key.txt', '--trust', trust(), '--json']),
      await cli.run([
        'cap',
        'attenuate',
        'key.txt',
        '--bearer',
        '--out',
        'narrow.txt',
        '--calls',
        '1',
        '--json',
      ]),
      await cli.run(['cap', 'inspect', key]),
      await cli.run(['cap', 'attenuate', key, '--bearer', '--out', 'x']),
    ];
    expect(outputs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
    for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toContain(seed);
    const narrow = readFileSync(join(cli.folder, 'narrow.txt'), 'utf8').trim();
    expect(narrow).toMatch(/^talos_/);
    expect(narrow).not.toContain(seed);
    const shown = await issue(...bearer, '--show-key');
    expect(shown.stdout).toMatch(/^talos_.+\n$/);
  });

  it('warns of a grant that is wider than its parent, and does not hide that it is worth nothing', async () => {
    const { stdout } = await issue('--to', 'agent', '--grant', READ, '--dlg', '1');
    const wide = await cli.run(
      ['cap', 'attenuate', '-', '--as', 'agent', '--to', 'sub', '--grant', 'tool:files/method:*:read,write'],
      { stdin: stdout },
    );
    expect(wide.code).toBe(0);
    expect(wide.stderr).toContain(
      'warning: grants[0].scope is covered by no grant of its parent (tool:files/method:read_text_file/resource:/data), so it will not count',
    );
    const denied = await cli.run([
      'cap',
      'explain',
      write('w', wide.stdout),
      '--trust',
      trust(),
      '--action',
      'tool:files/method:write_file:write',
    ]);
    expect(denied.code).toBe(2);
  });

  it('lists all that exceeds the parent, as text and as data', async () => {
    const { stdout } = await issue(
      '--to',
      'agent',
      '--grant',
      READ,
      '--calls',
      '5',
      '--dlg',
      '1',
      '--expires',
      '1h',
    );
    const wider = ['--grant', `${READ},write`, '--calls', '6', '--dlg', '1', '--expires', '2h'];
    const argv = [
      'cap',
      'attenuate',
      '-',
      '--as',
      'agent',
      '--to',
      'sub',
      ...wider,
      '--aud',
      dids['sub'] ?? '',
    ];
    const refused = await cli.run(argv, { stdin: stdout });
    expect(refused.code).toBe(2);
    const argued = argv.map((word, n) => (argv[n - 1] === '--dlg' ? '0' : word));
    const text = await cli.run(argued, { stdin: stdout });
    expect(text.stderr.split('\n').filter((line) => line.startsWith('warning: '))).toEqual([
      'warning: grants[0].ops has write, which its parent has not (read tool:files/method:read_text_file/resource:/data), so it will not count',
      "warning: limits[0].calls is more than its parent's per total (5 calls per total), so it will not count",
      'warning: exp is later than that of its parent (2026-11-23T13:00:00.000Z), so it will not count',
      `warning: aud has gateways its parent is not for: ${dids['sub']} (${dids['gateway']}), so it will not count`,
    ]);
    const data = (await cli.run([...argued, '--json'], { stdin: stdout })).json<{ findings: object[] }>();
    expect(data.findings).toMatchObject([
      { at: 'grants[0].ops', exceeds: 'op' },
      { at: 'limits[0].calls', exceeds: 'limit', bound: '5 calls per total' },
      { at: 'exp', exceeds: 'exp', bound: String(NOW / 1000 + 3600) },
      { at: 'aud', exceeds: 'aud', bound: dids['gateway'] },
    ]);
  });

  it('holds an offline root against the anchors of a file, if one is named', async () => {
    const narrow = trust([{ scope: 'tool:files', ops: ['read'] }]);
    const wide = ['--to', 'agent', '--grant', 'tool:files:read,write', '--grant', 'tool:db:read'];
    const warned = await issue(...wide, '--trust', narrow);
    expect(warned.code).toBe(0);
    expect(warned.stderr.match(/warning: .*/g)).toEqual([
      'warning: grants[0].ops has write, which its parent has not (read tool:files), so it will not count',
      'warning: grants[1].scope is covered by no grant of its parent (tool:files), so it will not count',
    ]);
    expect((await issue(...wide, '--trust', narrow, '--json')).json()).toMatchObject({
      findings: [{ exceeds: 'op' }, { exceeds: 'scope' }],
    });
    expect((await issue('--to', 'agent', '--grant', READ, '--trust', narrow, '--json')).json()).toMatchObject(
      {
        findings: [],
      },
    );
    await cli.run(['id', 'create', 'stranger']);
    const argv = ['cap', 'issue', '--as', 'stranger', '--aud', dids['gateway'] ?? '', '--to', 'agent'];
    const foreign = await cli.run([...argv, '--grant', READ, '--trust', narrow]);
    expect(foreign.stderr).toContain('warning: iss is no trust anchor there');
    const online = await cli.run(['cap', 'issue', '--to', 'agent', '--grant', READ, '--trust', narrow]);
    expect(online).toMatchObject({ code: 1, stderr: expect.stringContaining('--as') });
  });

  it('prints all findings of a refusal of the platform', async () => {
    const output: string[] = [];
    const stream = { write: (text: string) => void output.push(text) };
    const findings = [
      {
        at: 'grants[0].scope',
        exceeds: 'scope' as const,
        what: 'is covered by no grant of its parent',
        bound: 'tool:a\u001b[2J',
      },
      {
        at: 'exp',
        exceeds: 'exp' as const,
        what: 'is later than that of its parent',
        bound: '9007199254740991',
      },
    ];
    const refusal = new TrustError('POLICY_DENIED', 'more than the anchor', {
      hint: 'ask for less',
      findings,
    });
    createOutput(false, { stdout: stream, stderr: stream }, false).failure(refusal);
    expect(output.join('')).toContain(
      '  - grants[0].scope is covered by no grant of its parent (tool:a\\u{1b}[2J)\n  - exp is later than that of its parent (9007199254740991)\n',
    );
    createOutput(true, { stdout: stream, stderr: stream }, false).failure(refusal);
    expect(JSON.parse(output.at(-1) ?? '')).toMatchObject({ error: { findings } });
  });

  it('refuses to narrow what the identity does not hold, or may not pass on', async () => {
    const { stdout } = await issue('--to', 'agent', '--grant', READ);
    const as = (name: string) =>
      cli.run(['cap', 'attenuate', '-', '--as', name, '--to', 'sub', '--json'], { stdin: stdout });
    expect((await as('sub')).json()).toMatchObject({ error: { code: 'DELEGATION_INVALID' } });
    expect(await as('agent')).toMatchObject({ code: 2 });
  });

  it('signs a revocation into a file without a network', async () => {
    const { stdout } = await issue('--to', 'agent', '--grant', READ);
    const signed = await cli.run([
      'cap',
      'revoke',
      write('c', stdout),
      '--as',
      'org',
      '--out',
      'r.jws',
      '--json',
    ]);
    expect(signed.code).toBe(0);
    expect(readFileSync(join(cli.folder, 'r.jws'), 'utf8').split('.')).toHaveLength(3);
    expect((await cli.run(['cap', 'revoke', 'c', '--link', '2', '--as', 'org', '--out', 'r'])).code).toBe(1);
  });

  it('signs a revocation below a subject, and refuses half of one', async () => {
    const { stdout } = await issue('--to', 'agent', '--grant', READ);
    const chain = write('c', stdout);
    const did = createSigner(new Uint8Array(32).fill(9), createNodeCrypto()).did;
    const argv = ['cap', 'revoke', chain, '--below-subject', did, '--as', 'org', '--out', 'r.jws', '--json'];
    const signed = await cli.run(argv);
    expect(signed.code).toBe(0);
    expect(isRevocationBelow(readFileSync(join(cli.folder, 'r.jws'), 'utf8').trim())).toBe(true);
    for (const wrong of [
      ['cap', 'revoke'],
      ['cap', 'revoke', '--below-subject', 'nobody'],
      ['cap', 'revoke', chain, '--below-subject', did, '--below-issuer', did],
      ['cap', 'revoke', '--below-subject', did, '--as', 'org'],
      ['cap', 'revoke', 'A'.repeat(43), '--below-issuer', did, '--as', 'org'],
    ])
      expect((await cli.run(wrong)).code).toBe(1);
  });

  it('says that no platform runs, with exit code 4 and the way to start one', async () => {
    for (const argv of [
      ['cap', 'issue', '--to', 'agent', '--grant', READ],
      ['cap', 'revoke', 'A'.repeat(43)],
      ['cap', 'status', 'A'.repeat(43)],
      ['audit', 'tail'],
      ['audit', 'export', '--out', 'b'],
      ['why', 'req_01890a5d-ac96-774b-bcce-b302099a8057'],
    ]) {
      const { code, json } = await cli.run([...argv, '--json']);
      expect([argv[0], code]).toEqual([argv[0], 4]);
      expect(json()).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } });
    }
  });

  it.each([
    ['--grant', 'tool:files'],
    ['--grant', 'tool:files:execute'],
    ['--grant', 'files:read'],
    ['--grant', 'tool:a/b:read'],
    ['--grant', 'tool:files/method:read/resource:/a/../b:read'],
    ['--grant', ''],
    ['--grant', READ, '--where', '/path'],
    ['--grant', READ, '--where', '/path like x'],
    ['--grant', READ, '--where', 'path within /data'],
    ['--grant', READ, '--where', '/n lt five'],
    ['--grant', READ, '--where', '/path prefix /data'],
    ['--grant', READ, '--only', 'path'],
    ['--grant', READ, '--calls', '0'],
    ['--grant', READ, '--calls', '1e3'],
    ['--grant', READ, '--dlg', '8'],
    ['--grant', READ, '--expires', '15'],
    ['--grant', READ, '--expires', '2y'],
    ['--grant', READ, '--expires', '400d'],
    ['--grant', READ, '--per', 'day'],
    ['--grant', READ, '--aud', 'nobody'],
    ['--grant', READ, '--show-key'],
    ['--where', '/path within /data'],
    [],
  ])('refuses %j as bad usage, in one line and a hint', async (...argv) => {
    const { code, stdout, stderr } = await issue('--to', 'agent', ...argv);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^talos: /);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
