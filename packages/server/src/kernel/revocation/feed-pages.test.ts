import { createSigner } from '@talosprotocol/protocol';
import { expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { crypto } from '../testing/kernel-world.js';
import { createFeedPages } from './feed-pages.js';

it('lets one address wait 16 times, and others beside it', async () => {
  const listeners = new Set<() => void>();
  const organisation = createSigner(random(32), crypto);
  const pages = createFeedPages({
    sql: { query: async () => [] } as never,
    feed: {
      head: () => ({ n: 0, hash: null }) as never,
      heartbeat: () => undefined,
      onNews: (listener) => {
        listeners.add(listener as () => void);
        return () => void listeners.delete(listener as () => void);
      },
      writer: { iss: organisation.did } as never,
    },
    store: { readSnapshot: async () => ({ head: { n: 0, hash: null }, items: [] }) as never },
    organisation,
    crypto,
    clock: { now: () => 0, monotonic: () => 0 },
  });
  const { signal } = new AbortController();
  const held = Array.from({ length: 16 }, () => pages.after(0, signal, '192.0.2.1'));
  await expect(pages.after(0, signal, '192.0.2.1')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  held.push(pages.after(0, signal, '192.0.2.2'));
  for (const listener of [...listeners]) listener();
  expect(await Promise.all(held)).toHaveLength(17);
  const again = pages.after(0, signal, '192.0.2.1');
  for (const listener of [...listeners]) listener();
  expect(await again).toMatchObject({ entries: [] });
});
