import { readdirSync } from 'node:fs';
import { parseRefusal } from '@talosprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { openings, operateOn, useNodes } from '../support/nodes.js';

const { newPlace, start, fail } = useNodes();

const threadsOf = (pid: number): number => readdirSync(`/proc/${pid}/task`).length;

describe('server kernel --workers', { timeout: 120_000 }, () => {
  it('verifies on threads, and counts once what counts once, however many connections send it', async () => {
    const place = await newPlace();
    const audit = await start(place, 'audit');
    const plain = await start(place, 'kernel');
    const kernel = await start(place, 'kernel --workers 3');
    expect(threadsOf(kernel.pid)).toBeGreaterThanOrEqual(threadsOf(plain.pid) + 3);
    const operator = await operateOn(kernel, audit);
    for (const { url, init } of await openings(operator, operator.ready.kernel, 4)) {
      const answers = await Promise.all(Array.from({ length: 24 }, () => fetch(url, init)));
      const codes = await Promise.all(
        answers.map(async (one) =>
          one.ok ? 'opened' : parseRefusal(new Uint8Array(await one.arrayBuffer()))?.code,
        ),
      );
      expect(codes.filter((code) => code === 'opened')).toHaveLength(1);
      expect(codes.filter((code) => code === 'PROOF_INVALID')).toHaveLength(23);
    }
  });

  it('runs on a laptop by itself: the embedded database belongs to one process, which keeps the log too', async () => {
    const place = await newPlace();
    const kernel = await start(place, 'kernel --workers=2', { TALOS_DATABASE_URL: '' });
    expect(Object.keys(kernel.ready)).toEqual(expect.arrayContaining(['kernel', 'audit']));
    expect(kernel.ready.gateway).toBeUndefined();
    const [first] = await openings(await operateOn(kernel), kernel.ready.kernel!, 1);
    expect((await fetch(first!.url, first!.init)).status).toBe(201);
    const bad = { ...first!.init, body: String(first!.init.body).replace(/.{8}"}$/, 'AAAAAAAA"}') };
    expect((await fetch(first!.url, bad)).status).toBe(401);
  });

  it('refuses a number of threads that is none', async () => {
    const { error, end } = await fail(await newPlace(), 'kernel --workers=many');
    expect(error).toMatchObject({ code: 'SETTINGS_INVALID', hint: expect.stringContaining('--help') });
    expect(end.code).toBe(1);
  });
});
