import { createUuidv7, TrustError } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { migrate } from '../../platform/migrations.js';
import { clock, random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { GATEWAY_MIGRATIONS } from '../migrations.js';
import { type CallJournal, createCallJournal } from '../store.js';
import { type ModelsOptions, openModels, TOKENS, upTo } from './testing/models.js';

let database: TestDatabase;
let journal: CallJournal;

beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, GATEWAY_MIGRATIONS);
  journal = createCallJournal(database.sql, clock);
});
afterAll(() => database?.close());

/** Models behind a name, called with a number of a session and a rid. */
async function open(options: ModelsOptions = {}) {
  const rid = createUuidv7(clock.now(), random(16));
  const models = await openModels({ kind: 'session', journal, rid, ...options });
  const { decisions } = models;
  /** By its model, from which one each decision goes on. */
  const line = () => {
    const modelOf = new Map(decisions().map(({ id, members }) => [id, members.action.model]));
    return decisions().map(({ members }) => [
      members.action.model,
      members.effect,
      modelOf.get(members.after ?? ''),
    ]);
  };
  const asked = async (name: string) => expect.poll(() => models.asked).toContain(name);
  return { ...models, line, isAsked: asked, again: () => models.begin() };
}

/** Outcomes and what is kept are written. */
const written = ({ outcomes }: Awaited<ReturnType<typeof open>>) => expect.poll(() => outcomes.size).toBe(0);

describe('a call with a credential for one dispatch, whose model has no answer (LLM-28, AUD-128)', () => {
  it('goes on to the next, and says from which', async () => {
    const models = await open();
    const call = models.begin();
    await models.isAsked('a');
    await models.fails('a');
    await models.isAsked('b');
    await models.fails('b');
    await models.isAsked('c');
    await models.answers('c');
    expect(await call).toMatchObject({ kind: 'answered', answer: 'of c' });
    expect(models.line()).toEqual([
      ['a', 'allow', undefined],
      ['b', 'allow', 'a'],
      ['c', 'allow', 'b'],
    ]);
    await written(models);
    expect(models.ends()).toEqual(
      expect.arrayContaining([
        ['a', 'failed', 0],
        ['b', 'failed', 0],
        ['c', 'completed', 7],
      ]),
    );
  });

  it('is one call to whoever tries again: in progress until the last has ended, then its answer and receipt (SES-10)', async () => {
    const models = await open();
    const call = models.begin();
    await models.isAsked('a');
    await models.fails('a');
    await models.isAsked('b');
    expect(await models.again()).toMatchObject({ kind: 'denied', refusal: { code: 'IN_PROGRESS' } });
    await models.answers('b');
    const decided = await call;
    await written(models);
    const receipt = decided.kind === 'answered' ? decided.receipt : '';
    expect(receipt).toBe(models.decisions().at(1)?.id.replace('evt_', 'rcp_'));
    expect(await models.again()).toMatchObject({ answer: 'kept: of b', receipt });
    expect(models.asked).toEqual(['a', 'b']);
  });

  it('keeps what the last said that was asked, also where all failed', async () => {
    const models = await open({ names: ['a', 'b'] });
    const call = models.begin();
    await models.isAsked('a');
    await models.fails('a');
    await models.isAsked('b');
    await models.fails('b');
    expect(await call).toMatchObject({ answer: 'failure of b' });
    await written(models);
    expect(await models.again()).toMatchObject({ answer: 'kept: failure of b' });
    expect(models.asked).toEqual(['a', 'b']);
  });

  it.each<[string, ModelsOptions]>([
    ['into whose limit the next does not fit', { limits: [{ per: 'total', calls: 1 }] }],
    ['whose next a guard refuses', {}],
  ])('is done, though nobody else is asked, %s', async (_, options) => {
    const models = await open({ names: ['a', 'b'], ...options });
    models.state.refuses.add('b');
    const call = models.begin();
    await models.isAsked('a');
    await models.fails('a');
    expect(await call).toMatchObject({ kind: 'denied' });
    expect(models.line()).toEqual([
      ['a', 'allow', undefined],
      ['b', 'deny', 'a'],
    ]);
    await written(models);
    // What was dispatched under the rid is not dispatched again.
    expect(await models.again()).toMatchObject({ answer: 'kept: failure of a' });
    expect(models.asked).toEqual(['a']);
  });

  it('is done too where its client has left, or the policy is another', async () => {
    for (const change of [{ hasLeft: true }, { policy: 'b'.repeat(64) }]) {
      const models = await open();
      const call = models.begin();
      await models.isAsked('a');
      Object.assign(models.state, change);
      await models.fails('a');
      expect(await call).toMatchObject({ answer: 'failure of a' });
      await written(models);
      expect(await models.again()).toMatchObject({ answer: 'kept: failure of a' });
      expect(models.asked).toEqual(['a']);
    }
  });

  it('keeps its answer where nothing more can be recorded', async () => {
    const models = await open();
    const call = models.begin();
    await models.isAsked('a');
    models.audit.state.fault = new TrustError('UNAVAILABLE', 'the log is gone');
    const refused = expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await models.fails('a');
    await refused;
    delete models.audit.state.fault;
    await written(models);
    expect(await models.again()).toMatchObject({ answer: 'kept: failure of a' });
    expect(models.asked).toEqual(['a']);
  });

  it('asks nobody once the log could not prove it any more: a proof is of its time (AUD-22)', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const began = Math.floor(clock.now() / 1000);
      const models = await open({ provenAt: began });
      const call = models.begin();
      await models.isAsked('a');
      vi.setSystemTime((began + 290) * 1000);
      await models.fails('a');
      expect(await call).toMatchObject({ kind: 'denied', refusal: { code: 'UNAVAILABLE' } });
      expect(models.asked).toEqual(['a']);
      await written(models);
      expect(await models.again()).toMatchObject({ answer: 'kept: failure of a' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('leaves a key alone, which is shown with each call', async () => {
    const models = await open({ kind: 'bearer', limits: upTo(10 * TOKENS) });
    const call = models.begin();
    await models.isAsked('a');
    await models.fails('a');
    await models.isAsked('b');
    await models.answers('b');
    await call;
    expect(models.line()).toEqual([
      ['a', 'allow', undefined],
      ['b', 'allow', undefined],
    ]);
  });
});
