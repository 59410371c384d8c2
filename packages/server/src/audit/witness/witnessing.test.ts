import { setTimeout as sleep } from 'node:timers/promises';
import type { Receipt, WitnessFaultCode } from '@talosprotocol/contracts';
import {
  canonicalBytes,
  isTrustError,
  parseCheckpoint,
  parseNote,
  parseTrustFile,
  type TrustError,
  verifyReceipt,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestLog } from '../../platform/testing/test-log.js';
import { AUDIT_LIMITS, type AuditDeps } from '../deps.js';
import { type Audit, createAudit } from '../service.js';
import { type AuditWorld, auditDeps, decision, openAuditWorld } from '../testing/room.js';
import { openTileStore } from '../tile-store.js';
import {
  answer,
  type Behaviour,
  conflict,
  follow,
  type OddWitness,
  openOddWitness,
} from './testing/odd-witness.js';
import type { LogWitnesses, WitnessLimits } from './witness-set.js';

const crypto = createNodeCrypto();
/** For a checkpoint; this machine may be busy. */
const WAIT_MS = 10_000;
const QUICK: WitnessLimits = {
  roundMs: 20,
  timeoutMs: 400,
  askMs: 1_500,
  waitMs: 2_000,
  pauseMs: { first: 20, longest: 100 },
};

let world: AuditWorld;
let tiles: string;
let lines: string[];
let settings: LogWitnesses;
const open = new Set<Audit>();
let one: OddWitness;
let two: OddWitness;
beforeAll(async () => {
  world = await openAuditWorld();
});
afterAll(() => world?.close());
beforeEach(async () => {
  tiles = await world.fresh();
  [one, two] = [await openOddWitness(61), await openOddWitness(62)];
  settings = { witnesses: [one, two].map(({ vkey, url }) => ({ vkey, url })), quorum: 2 };
  lines = [];
});
afterEach(async () => {
  for (const audit of open) await audit.stop();
  open.clear();
  await Promise.all([one.close(), two.close()]);
});

async function start(witness: Partial<WitnessLimits> = {}, more: Partial<AuditDeps> = {}): Promise<Audit> {
  const audit = createAudit(
    auditDeps(world.sql, tiles, {
      ...more,
      witnesses: () => settings,
      log: createTestLog(lines),
      limits: { ...AUDIT_LIMITS, intervalMs: 10, witness: { ...QUICK, ...witness } },
    }),
  );
  await audit.start();
  open.add(audit);
  return audit;
}

async function stop(audit: Audit): Promise<void> {
  open.delete(audit);
  await audit.stop();
}

/** Records some events; gives the receipt id of the last. */
async function record(audit: Audit, count = 1): Promise<string> {
  let id = '';
  for (let at = 0; at < count; at += 1) ({ id } = await audit.record(decision()));
  return `rcp_${id.slice(4)}`;
}

const namesOf = (note: string): string[] => parseNote(note).signatures.map(({ name }) => name);
const verify = async (audit: Audit, receipt: Receipt) =>
  verifyReceipt(receipt, parseTrustFile(canonicalBytes(await audit.trust()), crypto), crypto);
const faultOf = (audit: Audit, { name }: OddWitness): WitnessFaultCode | undefined =>
  audit.witnesses().witnesses.find((witness) => witness.name === name)?.fault?.code;
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'fine',
    (error: unknown) => (isTrustError(error) ? error.code : String(error)),
  );

describe('a log with witnesses (AUD-31)', () => {
  it('is shown with the cosignatures of as many as must, and so are its receipts', async () => {
    const audit = await start();
    const receipt = await record(audit, 5);
    const seen = await audit.receipt(receipt, WAIT_MS, 'witnessed');
    const { cosignatures } = await verify(audit, seen);
    expect(cosignatures.map(({ name }) => name).sort()).toEqual([one.name, two.name]);
    // The log's own first, the others in the order in which they answered, each once.
    const [own, ...others] = namesOf(audit.checkpoint().note);
    expect([own, ...others.sort()]).toEqual(['talos.test/log/default', one.name, two.name]);
    const { quorum, checkpoint, witnesses } = audit.witnesses();
    expect([quorum, checkpoint?.size, checkpoint?.witnesses.toSorted()]).toEqual([
      2,
      audit.checkpoint().size,
      [one.name, two.name],
    ]);
    expect(witnesses).toMatchObject([
      { name: one.name, vkey: one.vkey, url: one.url, size: one.size, fault: null },
      { name: two.name, fault: null },
    ]);
    expect(Date.parse(witnesses[0]?.cosigned ?? '')).toBeGreaterThan(Date.now() - 60_000);
    // Of what is older nobody waits for anything.
    await verify(audit, await audit.receipt(receipt));
  });

  it('goes on without them: events are durable and have receipts, with fewer cosignatures', async () => {
    two.behave = () => undefined;
    const audit = await start();
    const began = performance.now();
    const receipt = await record(audit, 20);
    expect(performance.now() - began).toBeLessThan(2_000);
    const plain = await audit.receipt(receipt, WAIT_MS);
    expect(await codeOf(verify(audit, plain))).toBe('PROOF_NOT_PROVEN');
    expect(namesOf(audit.checkpoint().note)).toEqual(['talos.test/log/default']);
    const refused = audit.receipt(receipt, WAIT_MS, 'witnessed');
    await expect(refused).rejects.toThrow('too few witnesses');
    audit.assertReady();
    await expect.poll(() => faultOf(audit, two)).toBe('timeout');
    // It comes back, and the same event gets what it lacked.
    two.behave = follow;
    await expect
      .poll(() => codeOf(audit.receipt(receipt).then((again) => verify(audit, again))))
      .toBe('fine');
    expect(faultOf(audit, two)).toBeUndefined();
    expect(lines.some((line) => line.includes('cosigns again') && line.includes(two.name))).toBe(true);
  });

  it('shows what enough of them have seen while a newer checkpoint is on its way', async () => {
    const audit = await start();
    await audit.receipt(await record(audit), WAIT_MS, 'witnessed');
    two.behave = () => undefined;
    await audit.receipt(await record(audit, 3), WAIT_MS);
    await expect.poll(() => faultOf(audit, two)).toBe('timeout');
    const { size, note } = audit.checkpoint();
    expect([size < (await audit.stats()).size, namesOf(note).length]).toEqual([true, 3]);
  });

  it('leads a witness on from wherever it is, with proofs that hold', async () => {
    const audit = await start();
    await audit.receipt(await record(audit, 40), WAIT_MS, 'witnessed');
    one.asked.length = 0;
    one.size = 3;
    await audit.receipt(await record(audit, 7), WAIT_MS, 'witnessed');
    expect(one.asked.map(({ oldSize }) => oldSize)).toContain(3);
  });

  it('has its bundles and its trust file ask for the quorum', async () => {
    const audit = await start();
    await record(audit, 5);
    let bundle = '';
    for await (const part of await audit.bundle()) bundle += part;
    expect(namesOf((JSON.parse(bundle) as { checkpoint: string }).checkpoint)).toHaveLength(3);
    expect((await audit.trust()).logs).toMatchObject([{ witnesses: [one.vkey, two.vkey], quorum: 2 }]);
  });

  it('follows its settings: what is enough, and who', async () => {
    two.behave = answer(503, '');
    const audit = await start();
    const receipt = await record(audit);
    await expect(audit.receipt(receipt, WAIT_MS, 'witnessed')).rejects.toThrow('too few');
    settings = { ...settings, quorum: 1 };
    await audit.receipt(await record(audit), WAIT_MS, 'witnessed');
    expect(namesOf(audit.checkpoint().note)).toEqual(['talos.test/log/default', one.name]);
    settings = { witnesses: settings.witnesses.slice(1), quorum: 1 };
    expect(namesOf(audit.checkpoint().note)).toEqual(['talos.test/log/default']);
    settings = { witnesses: [], quorum: 0 };
    await expect(audit.receipt(receipt, WAIT_MS, 'witnessed')).rejects.toThrow('no witnesses');
    expect(audit.witnesses()).toEqual({ quorum: 0, checkpoint: null, witnesses: [] });
    expect((await audit.trust()).logs).toEqual([{ origin: 'talos.test/log/default', vkey: audit.vkey }]);
  });

  it('keeps what they have seen over a restart without them', async () => {
    const first = await start();
    const receipt = await record(first, 3);
    const { note } = await first.receipt(receipt, WAIT_MS, 'witnessed').then(() => first.checkpoint());
    await expect.poll(async () => (await storedNote()) === first.checkpoint().note).toBe(true);
    await stop(first);
    one.behave = answer(500, '');
    two.behave = answer(500, '');
    const again = await start();
    expect(parseCheckpoint(parseNote(again.checkpoint().note).text).size).toBeGreaterThanOrEqual(
      parseCheckpoint(parseNote(note).text).size,
    );
    expect(namesOf(again.checkpoint().note)).toHaveLength(3);
    await verify(again, await again.receipt(receipt));
    await stop(again);
    // Kept under other settings, it counts for nothing.
    settings = { ...settings, witnesses: [...settings.witnesses].slice(0, 1), quorum: 0 };
    const other = await start();
    expect(namesOf(other.checkpoint().note)).toHaveLength(3);
    expect(other.witnesses().checkpoint?.witnesses).toEqual([one.name]);
  });
});

const storedNote = async (): Promise<string | null> => {
  const [row] = await world.sql.query<{ witnessed: string | null }>('SELECT witnessed FROM audit_checkpoint');
  return row?.witnessed ?? null;
};

/** Text that looks as if it were what was asked for. */
const slippedIn: Behaviour = ({ text }, response, witness) =>
  answer(200, `something else\n\n${witness.lines(`${text}\nsomething else\n`)}`)(
    { text, oldSize: 0, size: 0 },
    response,
    witness,
  );

describe('a witness that lies, fails or babbles is named, and nothing else happens (AUD-33)', () => {
  const HOUR = 3_600;
  const now = (): number => Math.floor(Date.now() / 1000);
  const cases: [string, WitnessFaultCode, Behaviour][] = [
    [
      'signs another text',
      'bad_signature',
      ({ text, ...rest }, response, w) =>
        answer(200, w.lines(text.replace('talos', 'other')))({ text, ...rest }, response, w),
    ],
    [
      'signs with the key of somebody else, under its name',
      'not_cosigned',
      ({ text, ...rest }, response, w) =>
        answer(200, w.lines(text, now(), 99))({ text, ...rest }, response, w),
    ],
    [
      'answers the cosignature of somebody else',
      'not_cosigned',
      ({ text, ...rest }, response, w) =>
        answer(200, w.lines(text, now(), 99, 'else.example'))({ text, ...rest }, response, w),
    ],
    [
      'changes the time',
      'bad_signature',
      ({ text, ...rest }, response, w) => {
        const [head = '', base64 = ''] = w
          .lines(text)
          .trimEnd()
          .split(/ (?=[^ ]+$)/);
        const bytes = Buffer.from(base64, 'base64');
        bytes[11] = (bytes[11] as number) ^ 1;
        return answer(200, `${head} ${bytes.toString('base64')}\n`)({ text, ...rest }, response, w);
      },
    ],
    [
      'signs for a time to come',
      'wrong_time',
      ({ text, ...rest }, response, w) =>
        answer(200, w.lines(text, now() + HOUR))({ text, ...rest }, response, w),
    ],
    [
      'signs for a time long ago',
      'wrong_time',
      ({ text, ...rest }, response, w) =>
        answer(200, w.lines(text, now() - HOUR))({ text, ...rest }, response, w),
    ],
    ['slips in another text', 'garbage', slippedIn],
    ['answers nothing', 'garbage', answer(200, '')],
    ['answers a page', 'garbage', answer(200, '<html>\n')],
    [
      'answers without end',
      'garbage',
      (_, response) => {
        response.writeHead(200);
        const more = setInterval(() => response.write('x'.repeat(16_384)), 1);
        response.once('close', () => clearInterval(more));
      },
    ],
    [
      'names one size and then another',
      'garbage',
      (asked, response, w) =>
        (asked.size === 0 ? follow : conflict(asked.oldSize === 0 ? 1 : 0))(asked, response, w),
    ],
    [
      'names the size it was led on from',
      'garbage',
      (asked, response, w) => conflict(asked.oldSize)(asked, response, w),
    ],
    ['names a size that is none', 'garbage', conflict('many')],
    ['answers another status', 'garbage', answer(204, '')],
    ['says it does not know the log', 'unknown_log', answer(404, 'unknown log\n')],
    ['says the key is wrong', 'refuses_key', answer(403, 'invalid signature\n')],
    ['cannot now', 'busy', answer(429, '')],
    ['breaks', 'busy', answer(500, '')],
    [
      'sends somewhere else',
      'garbage',
      (_, response) => {
        response.writeHead(307, { location: 'http://127.0.0.1:1/add-checkpoint' }).end();
      },
    ],
    ['hangs up', 'unreachable', (_, response) => void response.socket?.destroy()],
    ['says nothing', 'timeout', () => undefined],
    ['stops in the middle', 'timeout', (_, response) => void response.writeHead(200).write('\u2014 od')],
  ];

  it.each(cases)('%s: %s', async (_, code, behave) => {
    two.behave = behave;
    settings = { ...settings, quorum: 1 };
    const audit = await start();
    await expect.poll(() => faultOf(audit, two)).toBe(code);
    const receipt = await record(audit, 3);
    const { cosignatures } = await verify(audit, await audit.receipt(receipt, WAIT_MS, 'witnessed'));
    expect(cosignatures.map(({ name }) => name)).toEqual([one.name]);
    expect(lines.some((line) => line.includes(two.name) && line.includes(`"${code}"`))).toBe(true);
    audit.assertReady();
  });

  it('is said to redirect if it does, and is not followed', async () => {
    two.behave = (_, response) => void response.writeHead(308, { location: `${one.url}/x` }).end();
    settings = { ...settings, quorum: 1 };
    const audit = await start();
    const detail = 'it redirects (308), and redirects are not followed';
    await expect
      .poll(() => audit.witnesses().witnesses.find(({ name }) => name === two.name)?.fault)
      .toMatchObject({ code: 'garbage', detail });
  });

  it.each<[string, WitnessFaultCode, Behaviour]>([
    ['says it saw more', 'ahead', conflict(1_000_000)],
    ['says it saw something else', 'forked', answer(409, 'another root\n')],
    ['refuses a proof that holds', 'forked', answer(422, 'no\n')],
  ])('%s, though it cosigned in this run: %s', async (_, code, behave) => {
    settings = { ...settings, quorum: 1 };
    const audit = await start();
    await audit.receipt(await record(audit), WAIT_MS, 'witnessed');
    await expect
      .poll(() => audit.witnesses().witnesses.every(({ cosigned }) => cosigned !== null))
      .toBe(true);
    two.behave = behave;
    const receipt = await record(audit);
    await expect.poll(() => faultOf(audit, two)).toBe(code);
    await audit.receipt(receipt, WAIT_MS, 'witnessed');
    audit.assertReady();
  });

  it('is asked less and less often, and said once', async () => {
    two.behave = answer(500, '');
    settings = { ...settings, quorum: 1 };
    const audit = await start({ pauseMs: { first: 40, longest: 400 } });
    for (let at = 0; at < 12; at += 1) {
      await record(audit);
      await sleep(60);
    }
    expect(two.asked.length).toBeLessThan(8);
    expect(lines.filter((line) => line.includes('does not cosign'))).toHaveLength(1);
    const [, state] = audit.witnesses().witnesses;
    expect(state?.fault).toMatchObject({ code: 'busy', times: two.asked.length });
  });
});

describe('a log that asks before it signs (AUD-32)', () => {
  /** What the log signed, so that a test sees that it signed nothing more. */
  const signed = async (): Promise<string | null> => {
    const [row] = await world.sql.query<{ note: string | null }>('SELECT note FROM audit_checkpoint');
    return row?.note ?? null;
  };
  const refusal = async (): Promise<TrustError> => {
    try {
      await start();
    } catch (error) {
      if (isTrustError(error)) return error;
      throw error;
    }
    throw new Error('it started');
  };

  it('does not start below what a witness saw, and says which one', async () => {
    const first = await start();
    await first.receipt(await record(first, 9), WAIT_MS, 'witnessed');
    await stop(first);
    const before = await signed();
    two.size += 5;
    const error = await refusal();
    expect(error.code).toBe('LOG_CORRUPT');
    expect(error.data.reason).toContain(
      `the witness ${two.name} contradicts this log: it says it saw ${two.size}`,
    );
    expect(error.data.hint).toContain('restore');
    expect(await signed()).toBe(before);
    // Whoever knows that it lies takes it out.
    settings = { witnesses: settings.witnesses.slice(0, 1), quorum: 1 };
    const again = await start();
    await again.receipt(await record(again), WAIT_MS, 'witnessed');
  });

  it('does not start if it forgot everything', async () => {
    const first = await start();
    await first.receipt(await record(first, 9), WAIT_MS, 'witnessed');
    await stop(first);
    tiles = await world.fresh();
    expect((await refusal()).data.reason).toContain('contradicts this log: it says it saw');
    expect(await signed()).toBeNull();
  });

  it('does not start on another history of the same size', async () => {
    const first = await start();
    await first.receipt(await record(first, 3), WAIT_MS, 'witnessed');
    await stop(first);
    // As our witness answers it, and as litewitness does.
    for (const behave of [answer(409, 'another root was seen at this size\n'), answer(422, 'bad proof\n')]) {
      two.behave = behave;
      expect((await refusal()).code).toBe('LOG_CORRUPT');
    }
  });

  it('is not kept waiting by one that does not answer, and stops when that one then says that it saw more', async () => {
    const first = await start();
    await first.receipt(await record(first, 9), WAIT_MS, 'witnessed');
    await stop(first);
    let held = true;
    two.behave = (asked, response, witness) => {
      if (!held) return conflict(10_000)(asked, response, witness);
    };
    let begun = 0;
    const openTiles = async () => {
      const store = await openTileStore(tiles);
      const writeCheckpoint = (note: string): Promise<void> => {
        begun += 1;
        return store.writeCheckpoint(note);
      };
      return { ...store, writeCheckpoint };
    };
    const audit = await start({}, { openTiles });
    await record(audit, 2);
    audit.assertReady();
    expect(lines.some((line) => line.includes('has not seen yet') && line.includes(two.name))).toBe(true);
    held = false;
    await expect.poll(() => codeOf(Promise.resolve().then(() => audit.assertReady()))).not.toBe('fine');
    expect(() => audit.assertAccepting('write')).toThrow('contradicts itself');
    // A signature that was under way then may still come; no other does, and nothing takes the contradiction back.
    const before = begun;
    await sleep(100);
    expect(() => audit.assertAccepting('write')).toThrow('contradicts itself');
    await stop(audit);
    expect(begun).toBeLessThanOrEqual(before + 1);
  });

  it('is not taken back by a checkpoint that was under way when the witness contradicted', async () => {
    const first = await start();
    await first.receipt(await record(first, 3), WAIT_MS, 'witnessed');
    await stop(first);
    const held: (() => void)[] = [];
    let isHolding = false;
    let shown = 0;
    const openTiles = async () => {
      const store = await openTileStore(tiles);
      const writeCheckpoint = async (note: string): Promise<void> => {
        if (isHolding) await new Promise<void>((resolve) => held.push(resolve));
        await store.writeCheckpoint(note);
        shown += 1;
      };
      return { ...store, writeCheckpoint };
    };
    two.behave = () => undefined;
    const audit = await start({}, { openTiles });
    isHolding = true;
    await record(audit);
    await expect.poll(() => held.length).toBe(1);
    two.behave = conflict(10_000);
    const refusal = () => codeOf(Promise.resolve().then(() => audit.assertReady()));
    await expect.poll(refusal).not.toBe('fine');
    const before = shown;
    isHolding = false;
    held[0]?.();
    await expect.poll(() => shown).toBe(before + 1);
    await sleep(50);
    expect(() => audit.assertAccepting('write')).toThrow('contradicts itself');
    expect(await refusal()).not.toBe('fine');
  });

  it('does not start on a database that went back behind what witnesses had seen, or on what is not its own', async () => {
    const first = await start();
    const early = await first
      .receipt(await record(first), WAIT_MS, 'witnessed')
      .then(() => first.checkpoint().note);
    await first.receipt(await record(first, 5), WAIT_MS, 'witnessed');
    await expect.poll(storedNote).toBe(first.checkpoint().note);
    await stop(first);
    const kept = (await storedNote()) ?? '';
    const store = (note: string) => world.sql.query('UPDATE audit_checkpoint SET witnessed = $1', [note]);
    const root = /\n([A-Za-z0-9+/]{43}=)\n/.exec(early)?.[1] ?? '';
    await store(kept.replace(/\n[A-Za-z0-9+/]{43}=\n/, `\n${root}\n`));
    expect((await refusal()).data.reason).toContain('does not verify');
    await store(kept);
    await stop(await start());
  });
});
