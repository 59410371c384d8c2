import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyWebvhLog, webvhLogUrl } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCli, NOW, type TestCli } from '../../testing/cli.js';

interface Shown {
  readonly did: string;
  readonly version: number;
  readonly deactivated: boolean;
  readonly log: string;
  readonly url: string;
  readonly file: string;
}

let cli: TestCli;
beforeEach(() => {
  cli = createTestCli();
});
afterEach(() => cli.remove());

const CREATE = [
  'id',
  'create',
  'acme',
  '--method',
  'webvh',
  '--domain',
  'acme.example:8443',
  '--path',
  'dids/acme',
];
const create = async () => (await cli.run([...CREATE, '--json'])).json<Shown>();
const verify = (file: string, now = NOW) =>
  verifyWebvhLog({ log: new Uint8Array(readFileSync(file)) }, { now, crypto: createNodeCrypto() });

describe('talos id with did:webvh', () => {
  it('makes a log that verifies, whose next key is committed to, and keys only their owner can read', async () => {
    const made = await create();
    expect(made.did).toMatch(/^did:webvh:Qm\w{44}:acme\.example%3A8443:dids:acme$/);
    expect(made.url).toBe(webvhLogUrl(made.did));
    const { latest } = verify(made.log);
    expect(latest.did).toBe(made.did);
    expect(latest.parameters.nextKeyHashes).toHaveLength(1);
    expect(statSync(made.file).mode & 0o777).toBe(0o600);
    const list = (await cli.run(['id', 'list', '--json'])).json<{
      identities: { name: string; did: string }[];
    }>();
    expect(list.identities).toEqual([expect.objectContaining({ name: 'acme', did: made.did })]);
    expect((await cli.run(['id', 'show', 'acme'])).stdout).toContain('version 1');
  });

  it('rotates: the same DID, another key, signed by the one committed to', async () => {
    const made = await create();
    const rotated = (await cli.run(['id', 'rotate', 'acme', '--json'], { now: NOW + 1000 })).json<Shown>();
    expect(rotated).toMatchObject({ did: made.did, version: 2 });
    expect(rotated.file).not.toBe(made.file);
    const again = await cli.run(['id', 'rotate', 'acme'], { now: NOW + 2000 });
    expect(again.code).toBe(0);
    expect(again.stderr).toContain('--published');
    const [first, second, third] = verify(made.log, NOW + 2000).versions;
    expect(second?.parameters.updateKeys).not.toEqual(first?.parameters.updateKeys);
    expect(third?.document['authentication']).toEqual([`${made.did}#key-3`]);
  });

  it('signs with the key of the latest version', async () => {
    const { did } = await create();
    await cli.run(['id', 'rotate', 'acme'], { now: NOW + 1000 });
    await cli.run(['id', 'create', 'reader']);
    const issue = ['cap', 'issue', '--as', 'acme', '--to', 'reader', '--grant', 'tool:x:read', '--aud'];
    const { did: reader } = (await cli.run(['id', 'show', 'reader', '--json'])).json<{ did: string }>();
    const issued = await cli.run([...issue, reader], { now: NOW + 2000 });
    const [header = ''] = issued.stdout.trim().split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ kid: `${did}#key-2` });
  });

  it('ends in its log', async () => {
    const made = await create();
    const ended = await cli.run(['id', 'deactivate', 'acme', '--log', '--json'], { now: NOW + 1000 });
    expect(ended.json()).toMatchObject({ did: made.did, deactivated: true });
    expect(verify(made.log, NOW + 1000).latest.parameters.deactivated).toBe(true);
    expect((await cli.run(['id', 'rotate', 'acme'], { now: NOW + 2000 })).code).toBe(1);
  });

  it('goes on where a run was interrupted, and never over what is there', async () => {
    await create();
    expect((await cli.run([...CREATE, '--json'])).json()).toMatchObject({ error: { code: 'CONFLICT' } });
    expect((await cli.run(['id', 'create', 'acme'])).code).toBe(1);
    await cli.run(['id', 'create', 'reader']);
    const taken = ['id', 'create', 'reader', '--method', 'webvh', '--domain', 'acme.example'];
    expect((await cli.run([...taken, '--json'])).json()).toMatchObject({ error: { code: 'CONFLICT' } });
    expect(existsSync(join(cli.data, 'webvh', 'reader.jsonl'))).toBe(false);
  });

  it('refuses a log that was altered', async () => {
    const { log } = await create();
    writeFileSync(log, readFileSync(log, 'utf8').replace('"portable":false', '"portable":true'));
    for (const args of [['show'], ['rotate'], ['deactivate', '--log']]) {
      const [verb = '', ...more] = args;
      expect((await cli.run(['id', verb, 'acme', ...more])).code).not.toBe(0);
    }
  });

  it.each([
    ['id', 'create', 'a', '--method', 'webvh'],
    ['id', 'create', 'a', '--method', 'webvh', '--domain', '127.0.0.1'],
    ['id', 'create', 'a', '--method', 'webvh', '--domain', 'localhost'],
    ['id', 'create', 'a', '--method', 'webvh', '--domain', 'acme.example', '--path', '../etc'],
    ['id', 'create', 'a', '--method', 'ion'],
    ['id', 'create', 'a', '--domain', 'acme.example'],
    ['id', 'rotate', 'a'],
    ['id', 'rotate', 'a', '--to', 'b'],
    ['id', 'deactivate', 'a', '--log'],
    ['id', 'deactivate', 'did:foo:bar'],
    ['id', 'register', 'a', '--kind', 'robot'],
  ])('refuses %s %s %s %s %s %s', async (...args) => {
    const { code, stderr } = await cli.run(args.filter((arg) => arg !== undefined));
    expect(code).not.toBe(0);
    expect(stderr).toContain('talos:');
  });
});
