import { readdirSync } from 'node:fs';
import { createAgent, parseRefusal } from '@talosprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { operateOn, useNodes } from '../support/nodes.js';
import { castOf, crypto, type Operator } from '../support/world.js';

const { newPlace, start, fail } = useNodes();

const threadsOf = (pid: number): number => readdirSync(`/proc/${pid}/task`).length;

interface Opening {
  readonly url: string;
  readonly init: RequestInit;
}

/** Makes openings of sessions and sends none: their nonces are asked for, their proofs are made. */
async function openings(operator: Operator, count: number): Promise<Opening[]> {
  const cast = await castOf(operator, { docs: '/' });
  const held: Opening[] = [];
  const wire: typeof fetch = async (input, init = {}) => {
    if (!String(input).endsWith('/talos/v1/sessions')) return fetch(input, init);
    held.push({ url: String(input), init: { ...init, signal: null } });
    throw new TypeError('not sent');
  };
  const gateway = operator.ready.kernel;
  for (let n = 0; n < count; n += 1) {
    const agent = createAgent({
      identity: cast.agent,
      capability: cast.agentChain,
      gateway,
      fetch: wire,
      crypto,
    });
    await agent.fetch(`${gateway}/x`, { method: 'POST', body: '{}' }).catch(() => undefined);
  }
  return held;
}

describe('server kernel --workers', { timeout: 120_000 }, () => {
  it('verifies on threads, and counts once what counts once, however many connections send it', async () => {
    const place = await newPlace();
    const audit = await start(place, 'audit');
    const plain = await start(place, 'kernel');
    const kernel = await start(place, 'kernel --workers 3');
    expect(threadsOf(kernel.pid)).toBeGreaterThanOrEqual(threadsOf(plain.pid) + 3);
    const operator = await operateOn(kernel, audit);
    for (const { url, init } of await openings(operator, 4)) {
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
    const [first] = await openings(await operateOn(kernel), 1);
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
