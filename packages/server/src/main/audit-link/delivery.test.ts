import type { AuditBatchAnswer } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { clock } from '../../platform/system.js';
import { createTestLog } from '../../platform/testing/test-log.js';
import { UnsureError } from '../../platform/unsure-error.js';
import { createDelivery, type DeliveryDeps } from './delivery.js';

const STATE = { read: null, write: null, ready: true };
interface Batch {
  readonly batch: number;
  readonly entries: readonly unknown[];
}

/** An audit process that takes what `take` lets through. */
function open(take: (batch: Batch) => void = () => undefined, more: Partial<DeliveryDeps> = {}) {
  const batches: Batch[] = [];
  const heard = { state: STATE as typeof STATE | undefined };
  const send = async (json: string): Promise<AuditBatchAnswer> => {
    const batch = JSON.parse(json) as Batch;
    batches.push(batch);
    take(batch);
    const results = batch.entries.map((_, index) => ({ event: { id: `evt_${index}`, index } }));
    return { results, state: STATE };
  };
  const forget = (): void => {
    heard.state = undefined;
  };
  const wire = { send, state: () => heard.state, forget };
  const delivery = createDelivery({ wire, clock, log: createTestLog(), retryMs: 100, ...more });
  return { delivery, batches };
}

describe('handing events in', () => {
  it('is in order, together where they come together', async () => {
    const { delivery, batches } = open();
    const events = await Promise.all(['1', '2', '3'].map((text) => delivery.add(text, 'main')));
    expect(events.map((event) => event?.index)).toEqual([0, 1, 2]);
    await delivery.add('4', 'denial');
    expect(batches).toEqual([
      { batch: 1, entries: [1, 2, 3] },
      { batch: 2, entries: [4] },
    ]);
  });

  it('sends a batch whose answer was lost again, under the same number', async () => {
    let failures = 2;
    const { delivery, batches } = open(() => {
      failures -= 1;
      if (failures >= 0) throw new UnsureError('no answer', undefined);
    });
    await delivery.add('1', 'main');
    expect(batches.map(({ batch }) => batch)).toEqual([1, 1, 1]);
  });

  it('says of an event that may be in the log that nobody knows, and of one that never left that it is not', async () => {
    const { delivery } = open(() => {
      throw new UnsureError('no answer', undefined);
    });
    const sent = delivery.add('1', 'main').catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const waiting = delivery.add('2', 'main').catch((error: unknown) => error);
    expect(await sent).toBeInstanceOf(UnsureError);
    const refused = await waiting;
    expect(refused).toMatchObject({ code: 'UNAVAILABLE' });
    expect(refused).not.toBeInstanceOf(UnsureError);
    await expect(delivery.add('3', 'main')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('that the log refuses for good is a fault of ours, and of no caller', async () => {
    const refusals = ['MALFORMED', 'TOO_LARGE', 'FORBIDDEN', 'CONFLICT', 'UNAVAILABLE', 'DISK_FULL'] as const;
    const results = refusals.map((code) => ({ error: { code, reason: 'why', unsure: false } }));
    const wire = {
      send: async () => ({ results, state: STATE }),
      state: () => STATE,
      forget: () => undefined,
    };
    const delivery = createDelivery({ wire, clock, log: createTestLog() });
    const ends = await Promise.all(
      refusals.map(() => delivery.add('1', 'main').catch((error: Error) => error.name)),
    );
    expect(ends).toEqual([...Array(4).fill('TypeError'), 'TrustError', 'TrustError']);
  });

  it('that was never sent is not unsure', async () => {
    const { delivery } = open(() => {
      throw new TrustError('UNAVAILABLE', 'nobody answers');
    });
    const refused = await delivery.add('1', 'main').catch((error: unknown) => error);
    expect(refused).not.toBeInstanceOf(UnsureError);
  });

  it('refuses what comes while the log is stopped and the queue is full, and loses nothing of what it took', async () => {
    let goOn = (): void => undefined;
    const stopped = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const taken: unknown[] = [];
    const send = async (json: string): Promise<AuditBatchAnswer> => {
      await stopped;
      const { entries } = JSON.parse(json) as Batch;
      const first = taken.length;
      taken.push(...entries);
      return {
        results: entries.map((_, n) => ({ event: { id: `evt_${first + n}`, index: first + n } })),
        state: STATE,
      };
    };
    const wire = { send, state: () => STATE, forget: () => undefined };
    const queue = { main: 8, denials: 2, bytes: 1_000 };
    const delivery = createDelivery({ wire, clock, log: createTestLog(), queue });
    const accepted = [delivery.add('0', 'main')];
    // The first is on its way, and answered by nobody; the others wait behind it.
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let n = 1; n <= 8; n += 1) accepted.push(delivery.add(String(n), 'main'));
    expect(delivery.isFull('main')).toBe(true);
    for (let n = 0; n < 20; n += 1)
      await expect(delivery.add('late', 'main')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    goOn();
    const events = await Promise.all(accepted);
    expect(events.map((event) => event?.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('is bounded, with room for what is owed and for denials apart', async () => {
    const queue = { main: 4, denials: 2, bytes: 1_000 };
    const { delivery } = open(() => undefined, { queue });
    const add = (lane: 'main' | 'owed' | 'denial') => delivery.add('1', lane);
    const settled = await Promise.allSettled([
      ...Array.from({ length: 6 }, () => add('main')),
      ...Array.from({ length: 3 }, () => add('owed')),
      ...Array.from({ length: 3 }, () => add('denial')),
    ]);
    const outcomes = settled.map(({ status }) => (status === 'fulfilled' ? 1 : 0)).join('');
    expect(outcomes).toBe('111100110110');
    await expect(delivery.add('1'.repeat(900), 'main')).resolves.toEqual({ id: 'evt_0', index: 0 });
    const [large, next] = await Promise.allSettled([delivery.add('1'.repeat(1_000), 'main'), add('main')]);
    expect(large.status).toBe('fulfilled');
    expect(next).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE' } });
  });
});
