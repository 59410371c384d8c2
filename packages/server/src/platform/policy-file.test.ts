// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to variables are what is tested
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTrustError } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createPolicyView, parsePolicy } from './policy-file.js';

const crypto = createNodeCrypto();
const ISS = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
const PIN = 'ab'.repeat(32);
const SOUND = `version: 1
anchors:
  - iss: ${ISS}
    tenant: acme
    grants:
      - scope: tool:files
        ops: [read]
servers:
  files:
    command: npx
    args: ["-y", "server", "\${ROOT}"]
    env:
      TOKEN: \${SECRET}
    tools:
      read_file:
        op: read
        resources:
          - { ptr: /path, kind: path, required: true, resolve: realpath }
        pin: ${PIN}
`;
const variables = { ROOT: '/srv', SECRET: 'hunter2-hunter2' };
const parse = (text: string, given: Record<string, string | undefined> = variables) =>
  parsePolicy(text, 'talos.yaml', { variables: given, crypto });

function faultsOf(text: string, given: Record<string, string | undefined> = variables): string {
  try {
    parse(text, given);
  } catch (error) {
    if (isTrustError(error) && error.code === 'SETTINGS_INVALID') return error.data.reason ?? '';
    throw error;
  }
  throw new Error('accepted');
}

describe('a sound talos.yaml', () => {
  it('gives anchors ready for use, and the document with its variables in place', () => {
    const policy = parse(SOUND);
    expect(policy.defaultTenant).toBe('acme');
    expect(policy.anchors.get(ISS)?.tenant).toBe('acme');
    const files = policy.document.servers['files'];
    expect(files?.args).toEqual(['-y', 'server', '/srv']);
    expect(files?.env).toEqual({ TOKEN: 'hunter2-hunter2' });
    expect(files?.tools?.['read_file']).toMatchObject({ pin: PIN, op: 'read' });
  });

  it('has a hash that follows the text, not the values of variables (AUD-9)', () => {
    const { hash } = parse(SOUND);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(parse(SOUND, { ROOT: '/other', SECRET: 'another-secret' }).hash).toBe(hash);
    expect(parse(`# a comment\n${SOUND}`).hash).toBe(hash);
    expect(parse(SOUND.replace('tenant: acme', 'tenant: emca')).hash).not.toBe(hash);
  });

  it('may share parts by YAML aliases', () => {
    const text = 'version: 1\nservers:\n  a: &a { command: x }\n  b: *a\n';
    expect(parse(text).document.servers['b']?.command).toBe('x');
  });

  it('writes $$ for a plain $ and leaves every other value alone', () => {
    const text = 'version: 1\nservers:\n  a: { command: "$${x}", env: { A: "a$b" } }\n';
    expect(parse(text).document.servers['a']).toMatchObject({ command: '${x}', env: { A: 'a$b' } });
  });
});

describe('faults', () => {
  it('are all told at once, with line, column and member', () => {
    const text = SOUND.replace('tenant: acme', 'tenant: ACME!')
      .replace('command: npx', 'comand: npx')
      .replace('kind: path', 'kind: file')
      .replace('version: 1', 'version: 2');
    const told = faultsOf(text);
    expect(told).toContain('talos.yaml:1:1 /version ');
    expect(told).toContain('talos.yaml:4:5 /anchors/0/tenant ');
    expect(told).toContain('talos.yaml:10:5 /servers/files/comand is not known here');
    expect(told).toContain('must have the member command');
    expect(told).toMatch(/talos\.yaml:18:\d+ \/servers\/files\/tools\/read_file\/resources\/0\/kind /);
  });

  it('of one server hide none of another', () => {
    const bad = Array.from({ length: 12 }, (_, index) => `  s${index}: { command: x, extra: 1, more: 2 }`);
    const told = faultsOf(`version: 1\nservers:\n${bad.join('\n')}\n`);
    for (const index of [0, 5, 11]) expect(told).toContain(`talos.yaml:${index + 3}:`);
  });

  it.each([
    [
      'a repeated member',
      'version: 1\nversion: 1\nservers: {}\n',
      'talos.yaml:2:1 (document) a member is given twice',
    ],
    ['a tag', 'version: 1\nservers: !!js/function "x"\n', 'talos.yaml:2:10 '],
    ['a second document', 'version: 1\nservers: {}\n---\nversion: 1\n', 'a second YAML document'],
    [
      'a quote that is not closed',
      'version: 1\nservers: { a: { command: "x } }\n',
      'is not YAML that can be read: Missing closing "quote',
    ],
    ['a bracket that is not closed', 'version: 1\nservers: { a: 1\n', 'end with a }'],
    ['a colon too many', 'version: 1\nservers:\n  a: b: c\n', 'Nested mappings are not allowed'],
    ['a bracket too many', 'version: 1\nservers: {}}\n', 'something that may not stand here'],
    ['a reserved sign', 'version: 1\nservers: @a\n', 'put it in quotes'],
    ['an empty file', '', 'talos.yaml:1:1 '],
    ['a list', '- 1\n', 'talos.yaml:1:1 '],
    ['no servers', 'version: 1\n', 'must have the member servers'],
    ['a merge key', 'version: 1\nservers: {}\n<<: { a: 1 }\n', '/<< is not known here'],
    ['__proto__', 'version: 1\nservers: { __proto__: { command: x } }\n', '/servers/__proto__'],
    [
      'a server name with two underscores',
      'version: 1\nservers: { a__b: { command: x } }\n',
      '/servers/a__b',
    ],
    ['a key that is no string', 'version: 1\nservers: { [a]: { command: x } }\n', 'not a string'],
    ['a relative cwd', 'version: 1\nservers: { a: { command: x, cwd: tmp } }\n', '/servers/a/cwd'],
    ['an open reference', 'version: 1\nservers: { a: { command: "x${Y" } }\n', '/servers/a/command'],
    ['a bad reference', 'version: 1\nservers: { a: { command: "${a-b}" } }\n', '/servers/a/command'],
  ])('%s', (_, text, told) => {
    expect(faultsOf(text)).toContain(told);
  });

  // LIM-1
  it.each([
    ['limits nothing', '{ per: key }', '/rates/0 must have one of requests, tokens and concurrent'],
    [
      'counts tokens of tools',
      '{ per: key, surface: mcp, tokens: { perMinute: 1 } }',
      '/rates/0 is about models',
    ],
    ['counts models of tools', '{ per: model, surface: mcp, concurrent: 1 }', '/rates/0 is about models'],
    [
      'is there already',
      '{ per: key, concurrent: 1 }, { per: key, concurrent: 2 }',
      '/rates/1 counts what another',
    ],
    [
      'has no flow',
      '{ per: key, requests: { burst: 1 } }',
      '/rates/0/requests must have the member perMinute',
    ],
    ['lets nothing pass', '{ per: key, requests: { perMinute: 0 } }', '/rates/0/requests/perMinute'],
    ['has a * inside', '{ per: key, model: "a*b", concurrent: 1 }', '/rates/0/model'],
    ['counts for nobody', '{ per: planet, concurrent: 1 }', '/rates/0/per'],
    ['says something else', '{ per: key, concurrent: 1, window: 5 }', '/rates/0/window is not known here'],
  ])('a rate that %s', (_, rates, told) => {
    expect(faultsOf(`version: 1\nservers: {}\nrates: [${rates}]\n`)).toContain(told);
  });

  it.each([
    'version: 1\nservers: {} hunter2-hunter2\n',
    'version: 1\nservers: {}\n}hunter2-hunter2\n',
    'version: 1\nservers: "hunter2-hunter2\n',
    'version: 1\nservers: |hunter2-hunter2\n',
    'version: 1\nservers: !hunter2-hunter2 x\n',
    'version: 1\nservers: "\\hunter2-hunter2"\n',
    '%YAML hunter2-hunter2\n---\nversion: 1\n',
    'version: 1\nhunter2-hunter2\n',
  ])('of what is no YAML quote nothing of the file: %j', (text) => {
    expect(faultsOf(text)).not.toContain('hunter2');
  });

  it('say to mend the line of what is no YAML, and the members of what is', () => {
    const hint = (text: string): unknown => {
      try {
        return parse(text);
      } catch (error) {
        return isTrustError(error) ? error.data.hint : error;
      }
    };
    expect(hint('version: 1\nservers: {}}\n')).toMatch(/mend the line/);
    expect(hint('version: 2\nservers: {}\n')).toMatch(/mend the members/);
  });

  it('are found in what the schema cannot say', () => {
    const twice = SOUND.replace(
      'servers:',
      `  - { iss: "${ISS}", tenant: b, grants: [{ scope: "tool:a", ops: [read] }] }\nservers:`,
    );
    expect(faultsOf(twice)).toContain('/anchors/1/iss has an anchor already');
    expect(faultsOf(SOUND.replace('tool:files', 'tool:files/resource:/x'))).toContain(
      'talos.yaml:6:9 /anchors/0/grants/0',
    );
    expect(faultsOf(SOUND.replace('kind: path, ', 'kind: id, '))).toContain('/servers/files/tools/read_file');
  });

  it('name a missing variable and never show a value', () => {
    const told = faultsOf(SOUND.replace('op: read', 'op: reed'), { SECRET: 'hunter2-hunter2' });
    expect(told).toContain('/servers/files/args/2 refers to the variable ROOT, which is not set');
    expect(told).toContain('/servers/files/tools/read_file/op');
    expect(told).not.toContain('hunter2');
    expect(faultsOf(SOUND, { ...variables, ROOT: undefined })).toContain('ROOT');
    // A name of Object.prototype is no variable.
    expect(faultsOf(SOUND.replace('${ROOT}', '${constructor}'))).toContain('constructor, which is not set');
  });

  it('stop a nest of aliases', () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) => `  l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(', ')}]`,
    );
    // Nine to the power of twelve: were it expanded, this test would not end in time.
    expect(faultsOf(`version: 1\nservers:\n  l0: &l0 [x]\n${levels.join('\n')}\n`)).toContain('aliases');
  });

  it('stop a file that is too large', () => {
    expect(faultsOf(`# ${'x'.repeat(1024 * 1024)}\n${SOUND}`)).toContain('larger than 1 MiB');
  });

  it('are typed for any text', () => {
    const piece = fc.constantFrom(
      ...SOUND.split(/(\s+)/),
      '&a',
      '*a',
      '? ',
      '!!map',
      '---',
      '"',
      '[',
      '{',
      '\t',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          parse(pieces.join(''));
        } catch (error) {
          expect(isTrustError(error) && error.code).toBe('SETTINGS_INVALID');
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the view', () => {
  let folder = '';
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const write = async (text: string) => {
    if (folder === '') folder = await mkdtemp(join(tmpdir(), 'talos-policy-'));
    const path = join(folder, 'talos.yaml');
    await writeFile(path, text);
    return path;
  };

  it('keeps the policy in force when the new one has a fault, and takes it once it is mended', async () => {
    const path = await write(SOUND);
    const view = await createPolicyView({ path, variables, crypto });
    const first = view.current();
    await write('version: 1\n');
    await expect(view.reload()).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(view.current()).toBe(first);
    await write(SOUND.replace('acme', 'other'));
    await view.reload();
    expect(view.current().defaultTenant).toBe('other');
    expect(view.current().hash).not.toBe(first.hash);
  });

  it('does not open without a file, and says how to get one', async () => {
    folder = await mkdtemp(join(tmpdir(), 'talos-policy-'));
    const opened = createPolicyView({ path: join(folder, 'none.yaml'), variables, crypto });
    await expect(opened).rejects.toMatchObject({ code: 'SETTINGS_INVALID', data: { hint: /talos init/ } });
    await expect(createPolicyView({ path: '/dev/zero', variables, crypto })).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
    });
  });
});

describe('where the log is anchored (AUD-40)', () => {
  const contract = `0x${'c0'.repeat(20)}`;
  const withAnchors = (...anchors: string[]): string =>
    `version: 1\nservers: {}\naudit:\n  anchors:\n${anchors.map((one) => `    - { ${one} }\n`).join('')}`;
  const evm = (rpc: string, chainId = 1): string =>
    `kind: evm, rpc: "${rpc}", chainId: ${chainId}, contract: "${contract}"`;
  const given = { RPC: 'https://rpc.example/v3/a-secret-key' };

  it('takes the address of an endpoint from a variable, whose value is in no message and not in the hash', () => {
    const text = withAnchors(evm('${RPC}'));
    const loaded = parse(text, given);
    expect(loaded.document.audit?.anchors).toMatchObject([{ rpc: given.RPC }]);
    expect(loaded.hash).toBe(parse(text, { RPC: 'https://other.example' }).hash);
    expect(faultsOf(text, {})).toContain('refers to the variable RPC, which is not set');
    const wrong = faultsOf(withAnchors(evm('${RPC}', 0)), given);
    expect(wrong).toContain('/audit/anchors');
    expect(wrong).not.toContain('a-secret-key');
  });

  it.each([
    ['an endpoint that is not https', [evm('http://rpc.example')]],
    ['another host behind user info', [evm('http://127.0.0.1:x@evil.example/')]],
    ['a file', [evm('file:///etc/passwd')]],
    ['one chain twice', [evm('https://a.example'), evm('https://b.example')]],
    ['a calendar with a query', ['kind: opentimestamps, calendars: ["https://a.example/?x"]']],
    ['no calendar', ['kind: opentimestamps, calendars: []']],
    ['an unknown kind', ['kind: solana, rpc: "https://a.example"']],
  ])('refuses %s', (_, anchors) => {
    expect(faultsOf(withAnchors(...anchors))).toContain('/audit/anchors');
  });

  it('takes http on this machine, and several chains', () => {
    const ots = 'kind: opentimestamps, calendars: ["https://alice.btc.calendar.opentimestamps.org"]';
    const text = withAnchors(evm('http://127.0.0.1:8545'), evm('https://b.example/x?key=1', 10), ots);
    expect(parse(text).document.audit?.anchors).toHaveLength(3);
  });
});
