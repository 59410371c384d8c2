import { TrustError } from '@talosprotocol/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestLog } from '../platform/testing/test-log.js';
import { createDiskWatch, type DiskWatch } from './disk-watch.js';

/** How each look at the disk ends; one that is not told yet hangs. */
const looks: { well: () => void; ill: (error: Error) => void }[] = [];
const lines: string[] = [];
let watch: DiskWatch;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  looks.length = 0;
  lines.length = 0;
  const assertWritable = () =>
    new Promise<void>((well, ill) => {
      looks.push({ well, ill });
    });
  watch = createDiskWatch({ free: async () => 0, assertWritable }, createTestLog(lines));
});
afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

async function start(): Promise<void> {
  const started = watch.start();
  looks[0]!.well();
  await started;
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the watch of the disk', () => {
  it('has no room before the first answer, and what the last one said from then on', async () => {
    expect(watch.isRoomy()).toBe(false);
    await start();
    watch.assertWritable();
    vi.advanceTimersByTime(1_000);
    looks[1]!.ill(new TrustError('DISK_FULL', 'full'));
    await settle();
    expect(() => watch.assertWritable()).toThrow(expect.objectContaining({ code: 'DISK_FULL' }));
    expect(lines).toHaveLength(1);
    vi.advanceTimersByTime(1_000);
    looks[2]!.well();
    await settle();
    expect(watch.isRoomy()).toBe(true);
  });

  it('says once that there is no room, also if there was none at the start', async () => {
    const started = watch.start();
    looks[0]!.ill(new TrustError('DISK_FULL', 'full'));
    await started;
    vi.advanceTimersByTime(1_000);
    looks[1]!.ill(new TrustError('DISK_FULL', 'full'));
    await settle();
    expect(lines).toHaveLength(1);
    expect(lines.join('')).toContain('writes are refused: the disk is nearly full');
  });

  it('asks a disk that hangs once, and takes it for full until it answers', async () => {
    await start();
    vi.advanceTimersByTime(5_000);
    expect(looks).toHaveLength(2);
    expect(watch.isRoomy()).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(looks).toHaveLength(2);
    expect(watch.isRoomy()).toBe(false);
    expect(() => watch.assertWritable()).toThrow(expect.objectContaining({ code: 'DISK_FULL' }));
    expect(lines.join('\n')).toMatch(/writes are refused: the disk does not answer/);
    expect(lines).toHaveLength(1);
    looks[1]!.well();
    await settle();
    expect(watch.isRoomy()).toBe(true);
    vi.advanceTimersByTime(1_000);
    expect(looks).toHaveLength(3);
  });
});
