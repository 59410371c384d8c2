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

/** One command against a service that has nothing to show, and what it was asked. */
async function ask(...argv: string[]) {
  const asked: string[] = [];
  const answer: typeof fetch = async (input, init) => {
    asked.push(`${decodeURIComponent(String(input))} ${String(init?.body)}`);
    return Response.json({ events: [], next: null, erased: 0, event: null });
  };
  const where = ['--audit', 'http://127.0.0.1:1', '--json'];
  const ran = await cli.run(['audit', ...argv, ...where], {
    env: { TALOS_KEY_FILE: 'own.key' },
    fetch: answer,
  });
  return { ...ran, asked: asked.join('\n') };
}

const COMMANDS = [['tail'], ['erase', '--yes'], ['export', '--out', 'bundle.json']];

describe('--agent', () => {
  it.each(COMMANDS)('is a DID, or an identity of the data folder: talos audit %s', async (...command) => {
    const { did } = (await cli.run(['id', 'create', 'researcher', '--json'])).json<{ did: string }>();
    for (const name of ['researcher', did])
      expect((await ask(...command, '--agent', name)).asked, name).toContain(did);
  });

  it.each(COMMANDS)(
    'that there is none of is said before anything is asked: talos audit %s',
    async (...command) => {
      for (const [name, code] of [
        ['nobody', 'NOT_FOUND'],
        ['did:key:z6Mk', 'USAGE'],
      ] as const) {
        const ran = await ask(...command, '--agent', name);
        expect([ran.code, ran.json(), ran.asked]).toMatchObject([1, { error: { code } }, '']);
      }
    },
  );
});

describe('talos audit tail', () => {
  it.each([
    ['--code', 'foo', 'SCOPE_MISMATCH'],
    ['--effect', 'maybe', 'allow, deny'],
    ['--type', 'everything', 'policy.loaded'],
    ['--op', 'delete', 'read, write'],
    ['--surface', 'moon', 'mcp, llm, session, admin'],
    ['--status', 'done', 'revoked_during'],
  ])('names the values that %s takes', async (option, wrong, known) => {
    const ran = await ask('tail', option, wrong);
    expect(ran.json()).toMatchObject({
      error: { message: `${option} takes no ${wrong}`, hint: expect.stringContaining(known) },
    });
    expect([ran.code, ran.asked]).toEqual([1, '']);
  });
});

describe('talos audit stats', () => {
  it('takes an identity of yours for its DID, by agent alone', async () => {
    const { did } = (await cli.run(['id', 'create', 'researcher', '--json'])).json<{ did: string }>();
    expect((await ask('stats', '--by', 'agent', '--value', 'researcher')).asked).toContain(`value=${did}`);
    expect((await ask('stats', '--by', 'server', '--value', 'researcher')).asked).toContain(
      'value=researcher',
    );
    const ran = await ask('stats', '--by', 'agent', '--value', 'nobody');
    expect([ran.code, ran.json(), ran.asked]).toMatchObject([1, { error: { code: 'NOT_FOUND' } }, '']);
  });

  it.each([
    ['--by', 'weather', 'capability'],
    ['--bucket', 'week', 'minute, hour, day'],
  ])('names the values that %s takes', async (option, wrong, known) => {
    const ran = await ask('stats', option, wrong);
    expect(ran.json()).toMatchObject({
      error: { message: `${option} takes no ${wrong}`, hint: expect.stringContaining(known) },
    });
    expect([ran.code, ran.asked]).toEqual([1, '']);
  });
});

describe('talos audit erase', () => {
  it('of a time that ends before it begins asks nothing', async () => {
    const { did } = (await cli.run(['id', 'create', 'researcher', '--json'])).json<{ did: string }>();
    const bounds = (from: string, to: string) => ['--from', from, '--to', to];
    for (const [from, to] of [
      ['2027-01-01', '2026-01-01'],
      ['2026-01-01', '2026-01-01T00:00:00.000Z'],
    ] as const) {
      const ran = await ask('erase', '--yes', '--agent', did, ...bounds(from, to));
      expect([ran.code, ran.asked]).toEqual([1, '']);
      expect(ran.json()).toMatchObject({ error: { message: '--from is not before --to' } });
    }
    const asked = (await ask('erase', '--yes', '--agent', did, ...bounds('2026-01-01', '2027-01-01'))).asked;
    expect(asked).toContain('2026-01-01T00:00:00.000Z');
  });
});
