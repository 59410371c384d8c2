import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { openTerminal } from '../support/terminal.js';
import { openWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

/** One command line against the platform, and its answer as JSON. */
async function talos(...argv: string[]) {
  const { io, out, err } = openTerminal({ env: { TALOS_DATA: world.ready.data }, cwd: world.files.root });
  const code = await run([...argv, '--json'], io);
  const printed = out();
  return { code, answer: printed === '' ? undefined : JSON.parse(printed), errors: err() };
}

const onKernel = (...argv: string[]) => talos(...argv, '--kernel', world.ready.kernel);

// ID-13 to ID-16
describe('the life of an identity, by the command line', () => {
  it('registers with a proof, hands over, and ends for ever', async () => {
    const made = await talos('id', 'create', 'reader');
    const next = await talos('id', 'create', 'reader-2');
    const registered = await onKernel('id', 'register', 'reader', '--label', 'Invoice reader');
    expect(registered).toMatchObject({ code: 0, answer: { did: made.answer.did, proven: true } });
    const rotated = await onKernel('id', 'rotate', 'reader', '--to', 'reader-2');
    expect(rotated).toMatchObject({ code: 0, answer: { status: 'rotated', successor: next.answer.did } });
    const shown = await onKernel('id', 'show', 'reader', '--history');
    expect(shown.answer.history.changes.map(({ type }: { type: string }) => type)).toEqual([
      'registered',
      'rotated',
    ]);
    const issue = ['cap', 'issue', '--grant', 'tool:files:read', '--to', 'reader'];
    expect((await onKernel(...issue)).answer).toMatchObject({ ok: false, error: { code: 'REVOKED' } });
    const ended = await onKernel('id', 'deactivate', 'reader-2');
    expect(ended).toMatchObject({ code: 0, answer: { status: 'deactivated' } });
    const again = await onKernel('id', 'register', 'reader-2', '--label', 'Invoice reader');
    expect(again.answer).toMatchObject({ ok: false, error: { code: 'CONFLICT' } });
  });

  it('ends by a statement that was kept, and by the administrator', async () => {
    await talos('id', 'create', 'kept');
    await onKernel('id', 'register', 'kept');
    const kept = await onKernel('id', 'deactivate', 'kept', '--out', 'kept.end');
    expect(kept.code).toBe(0);
    const { did } = (await talos('id', 'show', 'kept')).answer;
    expect((await onKernel('id', 'show', 'kept', '--history')).answer.history.changes).toHaveLength(1);
    expect((await onKernel('id', 'deactivate', did)).answer).toMatchObject({ status: 'deactivated' });
  });

  it('refuses a did:webvh that the policy does not name', async () => {
    await talos('id', 'create', 'acme', '--method', 'webvh', '--domain', 'acme.example');
    const answer = await onKernel('id', 'register', 'acme', '--kind', 'organisation');
    expect(answer.answer).toMatchObject({ ok: false, error: { code: 'UNTRUSTED_ISSUER' } });
  });
});
