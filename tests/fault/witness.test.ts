import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createWitnessPolicy,
  formatNote,
  parseNote,
  parseSignatureLines,
  readCosignatures,
} from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { crypto, forkingLog } from '../../packages/server/src/witness/testing/forks.js';
import {
  buildServer,
  endAllPlatforms,
  expectNoSurvivors,
  failToStart,
  familyOf,
  startPlatform,
  startWitness,
  type WitnessProcess,
} from '../support/platform-process.js';

const log = forkingLog('log.example/1');
const CONFIG = `version: 1\nservers: {}\nwitness:\n  logs:\n    - vkey: ${log.vkey}\n`;

let program: Awaited<ReturnType<typeof buildServer>>;
const folders: string[] = [];
beforeAll(async () => {
  program = await buildServer();
}, 120_000);
afterEach(endAllPlatforms);
afterAll(async () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  await program.remove();
});

function newPlace(config = CONFIG): string {
  const folder = mkdtempSync(join(tmpdir(), 'talos-witness-'));
  folders.push(folder);
  writeFileSync(join(folder, 'talos.yaml'), config, { mode: 0o600 });
  return folder;
}

const ask = async ({ ready }: WitnessProcess, body: string) => {
  const answer = await fetch(`${ready.witness}/add-checkpoint`, { method: 'POST', body });
  return { status: answer.status, text: await answer.text() };
};

const sizeOf = async ({ ready }: WitnessProcess): Promise<number> => {
  const answer = await fetch(`${ready.witness}/logs`);
  const { logs } = (await answer.json()) as { logs: { size: number }[] };
  return logs[0]?.size ?? 0;
};

function isCosigned({ ready }: WitnessProcess, lines: string, size: number): boolean {
  const signatures = parseSignatureLines(lines);
  const note = formatNote({ text: parseNote(log.checkpoint(size)).text, signatures });
  const policy = createWitnessPolicy(crypto, { witnesses: [ready.vkey], quorum: 1 });
  return readCosignatures(note, policy).isReached;
}

describe('a witness that is killed (AUD-30)', () => {
  it('has never given out what it does not remember, wherever the kill hits', {
    timeout: 240_000,
  }, async () => {
    const data = newPlace();
    let size = 0;
    let answered = 0;
    for (let round = 0; round < 6; round += 1) {
      const witness = await startWitness(program.path, data);
      const kept = await sizeOf(witness);
      // What was answered is there; what was under way is there as a whole or not at all.
      expect([round, kept >= answered, [answered, size].includes(kept)]).toEqual([round, true, true]);
      // The answer that was lost can be had again.
      if (kept > 0) {
        const again = await ask(witness, log.request(kept, kept));
        expect([round, again.status, isCosigned(witness, again.text, kept)]).toEqual([round, 200, true]);
      }
      answered = kept;
      size = kept;
      const family = familyOf(witness.pid);
      const kill = sleep(20 + 60 * round).then(() => witness.end('SIGKILL'));
      for (;;) {
        size = answered + 1;
        const answer = await ask(witness, log.request(answered, size)).catch(() => undefined);
        if (answer === undefined) break;
        expect([round, answer.status]).toEqual([round, 200]);
        answered = size;
        // Nobody gets the other history of any size that was answered.
        if (size % 7 === 0) {
          const fork = await ask(witness, log.request(size, size, 'other')).catch(() => undefined);
          if (fork === undefined) break;
          expect([round, fork.status]).toEqual([round, 409]);
        }
      }
      await kill;
      await expectNoSurvivors(family);
    }
    expect(answered).toBeGreaterThan(3);
  });
});

describe('the start of a witness (AUD-30)', () => {
  it('makes a key of its own, follows what its talos.yaml says, and reads it again when told', async () => {
    const data = newPlace('version: 1\nservers: {}\n');
    const witness = await startWitness(program.path, data);
    expect(witness.ready.name).toMatch(/^talos\.local\/[0-9a-f]{16}\/witness$/);
    expect((await ask(witness, log.request(0, 3))).status).toBe(404);
    writeFileSync(join(data, 'talos.yaml'), 'version: 1\nservers: {}\nwitness: {}\n');
    process.kill(witness.pid, 'SIGHUP');
    await expect.poll(() => witness.log()).toContain('what is followed stays');
    writeFileSync(join(data, 'talos.yaml'), CONFIG);
    process.kill(witness.pid, 'SIGHUP');
    await expect.poll(async () => (await ask(witness, log.request(0, 3))).status).toBe(200);
    writeFileSync(join(data, 'talos.yaml'), CONFIG.replace('witness:', 'witness:\n  name: another.example'));
    process.kill(witness.pid, 'SIGHUP');
    await expect.poll(() => witness.log()).toContain('witness.name is read at the start');
    expect((await ask(witness, log.request(3, 3))).status).toBe(200);
    expect((await witness.end('SIGTERM')).code).toBe(0);
    const other = await startWitness(program.path, data);
    expect([other.ready.name, other.ready.vkey === witness.ready.vkey]).toEqual(['another.example', false]);
    expect((await ask(other, log.request(3, 5))).status).toBe(200);
  });

  it('is refused where the log itself is at home', { timeout: 120_000 }, async () => {
    const data = newPlace('version: 1\nservers: {}\n');
    await (await startPlatform(program.path, data)).end('SIGTERM');
    const { error } = await failToStart(program.path, data, { TALOS_WITNESS_PORT: '0' }, ['witness']);
    expect(error).toMatchObject({
      code: 'SETTINGS_INVALID',
      reason: expect.stringContaining('of a platform'),
    });
  });

  it('is refused with keys in talos.yaml that are none of a log', async () => {
    const witnessKey = `w.example+${'0'.repeat(8)}+${'A'.repeat(44)}`;
    const data = newPlace(CONFIG.replace(log.vkey, witnessKey));
    const { error } = await failToStart(program.path, data, { TALOS_WITNESS_PORT: '0' }, ['witness']);
    expect(error).toMatchObject({
      code: 'SETTINGS_INVALID',
      reason: expect.stringContaining('/witness/logs/0/vkey'),
    });
    expect(readFileSync(join(data, 'talos.yaml'), 'utf8')).toContain(witnessKey);
  });
});
