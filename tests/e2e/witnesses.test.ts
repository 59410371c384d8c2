import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  isTrustError,
  parseNote,
  parseTrustFile,
  verifyBundle,
  verifyReceipt,
} from '@talosprotocol/protocol';
import { createIdentity } from '@talosprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { createTestCli } from '../../packages/cli/src/testing/cli.js';
import { usePlatforms, wholeLog } from '../support/own-platforms.js';
import {
  failToStart,
  type PlatformProcess,
  startWitness,
  type WitnessProcess,
} from '../support/platform-process.js';
import { crypto } from '../support/world.js';

const { newPlace, start, program } = usePlatforms();

interface Watched {
  readonly data: string;
  readonly folder: string;
  readonly witnesses: WitnessProcess[];
}

/** The data folder of a platform whose log two witnesses watch, in processes of their own. */
async function watchedPlace(quorum: number): Promise<Watched> {
  const { data } = newPlace();
  const platform = await start(data);
  const { log } = (await (await fetch(`${platform.ready.kernel}/.well-known/talos.json`)).json()) as {
    log: { vkey: string };
  };
  await platform.end('SIGTERM');
  const folder = join(data, '..');
  const witnesses: WitnessProcess[] = [];
  for (const name of ['w1', 'w2']) {
    const place = join(folder, name);
    mkdirSync(place, { mode: 0o711 });
    const config = `version: 1\nservers: {}\nwitness:\n  logs:\n    - vkey: ${log.vkey}\n`;
    writeFileSync(join(place, 'talos.yaml'), config, { mode: 0o600 });
    witnesses.push(await startWitness(program(), place));
  }
  const listed = witnesses.map(({ ready }) => `    - { vkey: ${ready.vkey}, url: '${ready.witness}' }\n`);
  appendFileSync(platform.ready.config, `audit:\n  quorum: ${quorum}\n  witnesses:\n${listed.join('')}`);
  return { data, folder, witnesses };
}

let registered = 0;
/** Something that is logged; gives its receipt. */
async function act({ kernel, audit }: PlatformProcess): Promise<string> {
  registered += 1;
  const { did, signer } = createIdentity({ crypto });
  await kernel.registerSigner(signer, { kind: 'agent', name: `agent ${registered}` });
  const { events } = await audit.events({ limit: 20 });
  const event = events.find((one) => 'did' in one.event && one.event.did === did) ?? events[0];
  return event?.receipt ?? '';
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'fine',
    (error: unknown) => (isTrustError(error) ? error.code : String(error)),
  );

describe('a platform whose log is watched (AUD-30 to AUD-33)', () => {
  it('has evidence that two witnesses saw, and without one of them evidence that is not enough', {
    timeout: 240_000,
  }, async () => {
    const { data, folder, witnesses } = await watchedPlace(2);
    const [one, two] = witnesses as [WitnessProcess, WitnessProcess];
    const platform = await start(data);
    const receipt = await act(platform);
    const trust = parseTrustFile(Buffer.from(JSON.stringify(await platform.audit.trust())), crypto);
    const verified = verifyReceipt(await platform.audit.receipt(receipt, { witnessed: true }), trust, crypto);
    expect(verified.cosignatures.map(({ name }) => name).sort()).toEqual(
      [one.ready.name, two.ready.name].sort(),
    );
    const { report } = await wholeLog(platform);
    expect([report.quorum, report.cosignatures.length]).toEqual([2, 2]);
    expect(parseNote(await platform.audit.checkpoint()).signatures).toHaveLength(3);

    // One is gone: what is done is done and logged, but nobody believes more than one witness says.
    await two.end('SIGKILL');
    const later = await act(platform);
    await expect
      .poll(async () => (await platform.audit.witnesses()).witnesses[1]?.fault?.code)
      .toBe('unreachable');
    expect(await codeOf(platform.audit.receipt(later, { witnessed: true }))).toBe('UNAVAILABLE');
    const bundle = await platform.audit.bundle();
    expect(() => verifyBundle(bundle, trust, crypto)).toThrow('2 of 2 witnesses must have cosigned');
    const cli = createTestCli();
    const exportTo = (...more: string[]) =>
      cli.run(['audit', 'export', '--out', 'late.json', '--audit', platform.ready.audit, ...more], {
        env: { TALOS_DATA: data },
        fetch,
      });
    expect((await exportTo('--json')).json()).toMatchObject({
      ok: true,
      witnessed: { cosigned: 0, quorum: 2 },
    });
    expect((await exportTo()).stderr).toContain('an auditor who asks for them will refuse this bundle');
    // An archive ends where they still had seen it, and says what is missing.
    const archived = await cli.run(['audit', 'log', 'export', 'late.tar', '--audit', platform.ready.audit], {
      env: { TALOS_DATA: data },
      fetch,
    });
    expect([archived.code, archived.stdout]).toEqual([
      0,
      expect.stringMatching(/not in it {2}[1-9]\d* newer/),
    ]);
    cli.remove();
    expect(platform.log()).toContain(two.ready.name);
    // What both had seen before is still proven.
    verifyReceipt(await platform.audit.receipt(receipt), trust, crypto);

    // It comes back where it was, and catches up.
    const again = await startWitness(program(), join(folder, 'w2'), {
      TALOS_WITNESS_PORT: new URL(two.ready.witness).port,
    });
    expect(again.ready.vkey).toBe(two.ready.vkey);
    await expect
      .poll(() => codeOf(platform.audit.receipt(later, { witnessed: true })), { timeout: 60_000 })
      .toBe('fine');
    verifyReceipt(await platform.audit.receipt(later), trust, crypto);
  });

  it('does not start from an old backup: the witnesses saw more', { timeout: 240_000 }, async () => {
    const { data, witnesses } = await watchedPlace(1);
    const first = await start(data);
    await first.audit.receipt(await act(first), { witnessed: true });
    await first.end('SIGTERM');
    execFileSync('cp', ['-a', data, `${data}.backup`]);
    const second = await start(data);
    await second.audit.receipt(await act(second), { witnessed: true });
    await second.end('SIGTERM');
    rmSync(data, { recursive: true });
    execFileSync('cp', ['-a', `${data}.backup`, data]);
    const { error, end } = await failToStart(program(), data);
    expect(error).toMatchObject({
      code: 'LOG_CORRUPT',
      reason: expect.stringMatching(/^the witness \S+ contradicts this log: it says it saw \d+ events/),
      hint: expect.stringContaining('audit.witnesses'),
    });
    expect(end.code).toBe(1);
    // Nothing was signed that a witness would have to refuse.
    for (const { ready } of witnesses) {
      const { logs } = (await (await fetch(`${ready.witness}/logs`)).json()) as {
        logs: { splitViews: number }[];
      };
      expect(logs[0]?.splitViews).toBe(0);
    }
    // Without them it starts: then nobody is there who could know.
    const config = join(data, 'talos.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace(/\naudit:\n[\s\S]*$/, '\n'));
    await (await start(data)).end('SIGTERM');
  });
});
