import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalBytes, decodeUtf8 } from '@talosprotocol/protocol';
import { PROGRAM } from '../program.js';
import { seconds } from './capabilities.js';
import { forgeLog } from './forge.js';
import type { StepOutcome } from './step.js';
import { part, type World } from './world.js';

/** Exports every receipt as one bundle, and has it verified by a process that knows nothing but two files. */
export async function exportAndVerify(world: World): Promise<StepOutcome> {
  const { folder } = world.scratch;
  const path = join(folder, 'bundle.json');
  const trust = join(folder, 'trust.json');
  const audit = part(world, 'audit');
  const bytes = await audit.bundle();
  await writeFile(path, bytes, { mode: 0o600 });
  await writeFile(trust, JSON.stringify(await audit.trust(), null, 2), { mode: 0o600 });
  world.bundle = { path, trust };
  const good = await verify(path, trust);
  const copies = await verifyCopies(world, bytes);
  return {
    ok: good.code === 0 && copies.every(({ code }) => code === 3),
    lines: [
      `${path} (${bytes.length} bytes), trust file beside it`,
      `talos audit verify bundle.json --trust trust.json, in a process of its own: exit code ${good.code}`,
      ...copies.map(
        ({ name, code, reason }) => `${name}: exit code ${code}${reason === undefined ? '' : ` (${reason})`}`,
      ),
    ],
    facts: {
      verified: good.code === 0,
      exit_code: good.code,
      copies: copies.map(({ name, code }) => ({ name, exit_code: code })),
    },
  };
}

interface Verdict {
  readonly code: number | null;
  readonly reason?: string | undefined;
}

/** All copies at once: each verifier is a process of its own. */
async function verifyCopies(
  world: World,
  bytes: Uint8Array,
): Promise<readonly (Verdict & { readonly name: string })[]> {
  const { trust } = part(world, 'bundle');
  return Promise.all(
    copiesOf(world, bytes).map(async ([name, copy], index) => {
      const path = join(world.scratch.folder, `forged-${index}.json`);
      await writeFile(path, copy, { mode: 0o600 });
      const verdict = await verify(path, trust);
      await rm(path);
      return { name, ...verdict };
    }),
  );
}

type Entries = { entries: unknown[] };

function copiesOf(world: World, bytes: Uint8Array): readonly (readonly [string, Uint8Array])[] {
  const edit = (change: (bundle: Entries) => void): Uint8Array => {
    const bundle = JSON.parse(decodeUtf8(bytes)) as Entries;
    change(bundle);
    return canonicalBytes(bundle);
  };
  const at = randomInt(bytes.length);
  const flipped = bytes.slice();
  flipped[at] = (flipped[at] as number) ^ 1;
  return [
    [`a copy with byte ${at} changed`, flipped],
    ['a copy with a receipt dropped', edit(({ entries }) => entries.splice(2, 1))],
    ['a copy with two receipts swapped', edit(({ entries }) => entries.splice(2, 2, entries[3], entries[2]))],
    ['a copy with a receipt repeated', edit(({ entries }) => entries.splice(2, 0, entries[2]))],
    ['a log forged as a whole and signed with other keys', forgeLog(bytes, seconds(world))],
  ];
}

/** The verifier's process gets no variable but the path of its programs: no data folder, no token, no database. */
async function verify(bundle: string, trust: string): Promise<Verdict> {
  const child = spawn(process.execPath, [PROGRAM, 'audit', 'verify', bundle, '--trust', trust, '--json'], {
    env: { PATH: process.env['PATH'] },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, reason: reasonOf(Buffer.concat(chunks).toString('utf8')) };
}

function reasonOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { message: string } };
    return error?.message.replace(/^PROOF_NOT_PROVEN: [^:]*: /, '');
  } catch {
    return undefined;
  }
}
