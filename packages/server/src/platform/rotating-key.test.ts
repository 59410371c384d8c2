import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createKeyStore } from './key-store.js';
import { openRotatingKey, type RotatingKey } from './rotating-key.js';
import { random } from './system.js';
import { createTestLog } from './testing/test-log.js';

const DAY = 86_400_000;
const time = { now: 0 };
let folder: string;
let key: RotatingKey;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'talos-keys-'));
  time.now = 1_000 * DAY;
});
afterEach(async () => {
  await key?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function open(days = () => 30): Promise<RotatingKey> {
  const keys = createKeyStore({ folder, random });
  const clock = { now: () => time.now };
  key = await openRotatingKey({ keys, name: 'addresses', days, clock, log: createTestLog(), everyMs: 10 });
  return key;
}

const hex = (): string => Buffer.from(key.current()).toString('hex');

// AUD-92
it('is one key for a period, over restarts, and another for the next; the old one is destroyed', async () => {
  await open();
  const first = hex();
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  await key.stop();
  time.now += 10 * DAY;
  await open();
  expect(hex()).toBe(first);
  expect(await readdir(folder)).toEqual(['addresses-33.key']);
  time.now += 20 * DAY;
  await expect.poll(hex).not.toBe(first);
  await expect.poll(() => readdir(folder)).toEqual(['addresses-34.key']);
});

it('leaves nothing of a key that was there before there were periods, and touches no other', async () => {
  const keys = createKeyStore({ folder, random });
  for (const name of ['addresses', 'addresses-1', 'addresses-x', 'log']) await keys.loadOrCreateSeed(name);
  await open();
  expect(await readdir(folder)).toEqual(['addresses-33.key', 'addresses-x.key', 'log.key']);
});

it('follows how long it is to be used', async () => {
  let days = 30;
  await open(() => days);
  const first = hex();
  days = 1;
  await expect.poll(hex).not.toBe(first);
  await expect.poll(() => readdir(folder)).toEqual(['addresses-1000.key']);
});
