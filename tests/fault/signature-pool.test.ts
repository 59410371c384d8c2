import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  type Anchors,
  createDidResolver,
  isTrustError,
  parseAnchors,
  portableCrypto,
  type SignatureJob,
  type SignatureVerifier,
  verifyCapability,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createSignaturePool,
  type SignaturePool,
} from '../../packages/server/src/platform/signature-pool.js';
import { buildProgram } from './program.js';

const crypto = createNodeCrypto();
const SEED = new Uint8Array(32).fill(5);

type Program = Awaited<ReturnType<typeof buildProgram>>;
let real: Program;
let odd: Program;
const pools: SignaturePool[] = [];

beforeAll(async () => {
  real = await buildProgram('server/src/platform/signature-worker.ts');
  odd = await buildProgram('server/src/platform/testing/odd-signature-worker.ts', 'node_modules/.cache/odd');
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});
afterAll(async () => {
  await real.remove();
  await odd.remove();
});

function open(options: Partial<Parameters<typeof createSignaturePool>[0]> = {}): SignaturePool {
  const pool = createSignaturePool({ workers: 1, program: pathToFileURL(real.path), ...options });
  pools.push(pool);
  return pool;
}

function job(text: string, good = true): SignatureJob {
  const message = new TextEncoder().encode(text);
  const signature = crypto.ed25519Sign(message, SEED);
  return {
    message,
    publicKey: crypto.ed25519PublicKey(SEED),
    signature: good ? signature : new Uint8Array(64),
  };
}

interface ChainCase {
  readonly id: string;
  readonly chain: string;
  readonly anchors: readonly unknown[];
  readonly gateway: string;
  readonly now: number;
  readonly revoked: readonly string[];
}

function chainCases(): readonly ChainCase[] {
  return ['valid', 'invalid'].flatMap((kind) => {
    const path = fileURLToPath(
      new URL(`../../packages/contracts/vectors/${kind}/chain.json`, import.meta.url),
    );
    return (JSON.parse(readFileSync(path, 'utf8')) as { cases: ChainCase[] }).cases;
  });
}

async function decide(row: ChainCase, signatures?: SignatureVerifier): Promise<unknown> {
  const anchors: Anchors = parseAnchors(row.anchors, crypto);
  const context = {
    now: row.now,
    audience: row.gateway,
    anchors,
    isRevoked: (lid: string) => row.revoked.includes(lid),
    resolver: createDidResolver({ now: () => row.now }),
    crypto,
  };
  try {
    const verified = await verifyCapability(row.chain, {
      ...context,
      ...(signatures === undefined ? {} : { signatures }),
    });
    return { cth: verified.cth, holder: verified.holder, expires: verified.expires };
  } catch (error) {
    return isTrustError(error) ? { code: error.code, ...error.data } : error;
  }
}

describe('a pool of threads for signatures', () => {
  it('decides every chain of the vectors as one thread does', async () => {
    const pool = open({ workers: 2 });
    const cases = chainCases();
    expect(cases.length).toBeGreaterThan(30);
    const decided = await Promise.all(cases.map((row) => decide(row, pool.verify)));
    for (const [index, row] of cases.entries()) expect(decided[index], row.id).toEqual(await decide(row));
  });

  it('keeps the one Ed25519 rule, and names the first signature that breaks it', async () => {
    const { verify } = open();
    expect(await verify([job('a'), job('b'), job('')])).toBe(-1);
    expect(await verify([job('a'), job('b', false), job('c', false)])).toBe(1);
    expect(await verify(new Array(8).fill(job('x'.repeat(2048))))).toBe(-1);
    expect(portableCrypto.ed25519Verify(job('a').signature, job('a').message, job('a').publicKey)).toBe(true);
  });

  it('answers each batch with its own answer, many at once', async () => {
    const { verify } = open({ workers: 2, slots: 64 });
    for (let round = 0; round < 3; round++) {
      const good = Array.from({ length: 100 }, (_, index) => (index * 7) % 3 > 0);
      const answers = await Promise.all(
        good.map((right, index) => verify([job(`${round}-${index}`, right)])),
      );
      expect(answers).toEqual(good.map((right) => (right ? -1 : 0)));
    }
  });

  it('refuses what it cannot hold, and goes on', async () => {
    const { verify } = open({ workers: 2, slots: 2 });
    const batches = Array.from({ length: 6 }, (_, index) => verify([job(`${index}`)]));
    const settled = await Promise.allSettled(batches);
    expect(settled.map(({ status }) => status === 'fulfilled')).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(settled[5]).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
    expect(await verify([job('later')])).toBe(-1);
  });

  it.each([
    ['no jobs', []],
    ['more jobs than a chain has links', new Array(9).fill(job('a'))],
    ['more bytes than a chain has', [job('a'.repeat(16_385))]],
    ['a key of another length', [{ ...job('a'), publicKey: new Uint8Array(33) }]],
    ['a signature of another length', [{ ...job('a'), signature: new Uint8Array(63) }]],
  ])('takes no batch of %s', async (_, jobs) => {
    const { verify } = open();
    await expect(verify(jobs)).rejects.toThrow(RangeError);
    expect(await verify([job('next')])).toBe(-1);
  });

  it.each(['end', 'lie', 'forge'])(
    'accepts nothing from a thread that does %s, and starts another',
    async (deed) => {
      const ended: unknown[] = [];
      const pool = open({ program: pathToFileURL(odd.path), onThreadEnd: (cause) => ended.push(cause) });
      expect(await pool.verify([job('before')])).toBe(-1);
      const settled = await Promise.allSettled([
        pool.verify([job(deed, false)]),
        pool.verify([job('behind it', false)]),
      ]);
      for (const one of settled) {
        // An answer that was given before the deed is a true one.
        if (one.status === 'fulfilled') expect(one.value).toBe(0);
        else expect(one.reason).toMatchObject({ code: 'UNAVAILABLE' });
      }
      await expect.poll(() => ended.length).toBe(1);
      await expect.poll(() => pool.size()).toBe(1);
      expect(await pool.verify([job('after')])).toBe(-1);
      expect(await pool.verify([job('after', false)])).toBe(0);
    },
  );

  it('heeds no message, only the answers', async () => {
    const { verify } = open({ program: pathToFileURL(odd.path) });
    expect(await Promise.all([verify([job('shout', false)]), verify([job('next')])])).toEqual([0, -1]);
  });

  it('refuses chains while no thread starts', async () => {
    const ended: unknown[] = [];
    const program = new URL('file:///nowhere/to/be/found.mjs');
    const pool = open({ program, onThreadEnd: (cause) => ended.push(cause) });
    await expect(pool.verify([job('a')])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect.poll(() => ended.length).toBe(1);
    await expect(pool.verify([job('a')])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('finishes what is under way when it closes, and takes no more', async () => {
    const pool = open({ workers: 2 });
    const under = Array.from({ length: 20 }, (_, index) => pool.verify([job(`${index}`)]));
    const closed = pool.close();
    await expect(pool.verify([job('late')])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await Promise.all(under)).toEqual(new Array(20).fill(-1));
    await closed;
    await pool.close();
    expect(pool.size()).toBe(0);
  });

  it.each([0, 65, 1.5, Number.NaN])('has no %s threads', (workers) => {
    expect(() => createSignaturePool({ workers })).toThrow(RangeError);
  });
});
