import { TrustError } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { explainDiskFull } from './disk-full.js';

const MIB = 1024 * 1024;
const folder = (free: () => Promise<number>) => ({
  path: '/srv/talos',
  disk: { free, assertWritable: async () => undefined },
});
const full = new TrustError('DISK_FULL', 'free disk is below the reserve');

describe('a start that the disk has no room for', () => {
  it('says how much is needed, and where', async () => {
    const error = await explainDiskFull(
      full,
      folder(async () => 119.96 * MIB),
      256 * MIB,
    );
    expect(error).toMatchObject({
      code: 'DISK_FULL',
      data: {
        reason: '119.9 MiB are free on the disk of /srv/talos, and 256 MiB are kept in reserve',
        hint: expect.stringMatching(/^free 137 MiB on the file system of \/srv\/talos .*TALOS_DISK_RESERVE/),
      },
    });
  });

  it('passes on what is not of this disk', async () => {
    const other = new TrustError('UNAVAILABLE', 'no');
    expect(
      await explainDiskFull(
        other,
        folder(async () => 0),
        MIB,
      ),
    ).toBe(other);
    expect(
      await explainDiskFull(
        full,
        folder(async () => MIB),
        MIB,
      ),
    ).toBe(full);
    expect(
      await explainDiskFull(
        full,
        folder(() => Promise.reject(new Error('no'))),
        MIB,
      ),
    ).toBe(full);
  });
});
