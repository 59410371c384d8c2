import { resolve } from 'node:path';
import type { TrustFile } from '@talosprotocol/contracts';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { AuditClient } from '@talosprotocol/sdk';
import type { Command } from 'commander';
import { writePrivateFile } from '../../bounded-file.js';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import type { Io } from '../../io.js';
import type { Output } from '../../output.js';
import { openPlatform, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';
import { type Kept, keptOf, type SelectionOptions, selectionOf, withSelection } from './selection-options.js';
import { type Witnessed, witnessedOf } from './witnessed.js';

interface Options extends SelectionOptions {
  readonly out?: string;
  readonly trustOut?: string;
}

function tellUnwitnessed(output: Output, { cosigned, quorum }: Witnessed): void {
  output.aside(
    `The state of the log that this bundle is under is signed by ${cosigned} of the ${quorum} witnesses that it takes: an auditor who asks for them will refuse this bundle.`,
  );
  output.aside('talos audit witnesses says which one does not answer; then export again.');
}

function tellTrust(output: Output, trust: string, { contracts = [] }: TrustFile): void {
  output.line(`Trust file in ${trust}`);
  for (const { chain, address } of contracts)
    output.line(
      `  anchored in ${printable(address)} on ${printable(chain)}: an auditor looks its blocks up, and adds them`,
    );
}

/** @throws {UsageError} what was kept is of another log: it is the beginning of nothing here */
async function assertOfLog(client: Pick<AuditClient, 'trust'>, kept: readonly Kept[]): Promise<void> {
  if (kept.length === 0) return;
  const origins = (await client.trust()).logs.map(({ origin }) => origin);
  const other = kept.find(({ origin }) => !origins.includes(origin));
  if (other === undefined) return;
  throw new UsageError(
    `${other.name} is of the log ${printable(other.origin)}, and not of this platform's`,
    `name what you kept of ${printable(origins.join(', '))}`,
  );
}

/** Where the bundle goes. @throws {UsageError} */
function outOf({ cwd }: Io, { out, trustOut }: Options): string {
  if (out === undefined) throw new UsageError('where to?', 'add --out <file>');
  if (trustOut !== undefined && resolve(cwd, out) === resolve(cwd, trustOut))
    throw new UsageError('--out and --trust-out name one file', 'name two: the bundle goes to others');
  return out;
}

/** `talos audit export`: a bundle that can be verified without the platform. */
export function addExport(audit: Command, shell: Shell): void {
  const text = {
    usage: 'export',
    summary: 'write a bundle of events that anybody can verify offline',
    examples: [
      'talos audit export --out bundle.json --trust-out trust.json',
      'talos audit export --out week.json --agent researcher --since 7d',
      'talos audit export --out writes.json --tool files/write_file --effect allow --redact commitments',
    ],
    notes: [
      'Asks the platform on the data folder. Of an agent, or who holds a capability, the bundle proves that nothing is missing; of a',
      'tool alone it proves the calls it shows. --from and --to are indexes of the log; --to is not included. The trust file says',
      'which keys this platform uses, and in which contracts it anchors the log: an auditor gets it once, by another way than the',
      'bundle, keeps it, and adds the blocks of anchors that they looked up.',
    ],
  };
  const exportBundle: Handler<Options> = async ({ io, output, options }) => {
    const out = outOf(io, options);
    const crypto = await createFastestCrypto();
    const kept = await keptOf(io, options);
    const query = await selectionOf(io, options, kept, crypto);
    const { audit: client } = await openPlatform(io, options);
    await assertOfLog(client, kept);
    const bytes = await withProgress(io, output, 'Exporting', client.bundle(query));
    const file = await client.trust();
    const bundle = await writePrivateFile(io, out, bytes);
    const trust =
      options.trustOut === undefined
        ? undefined
        : await writePrivateFile(io, options.trustOut, `${JSON.stringify(file, null, 2)}\n`);
    const witnessed = witnessedOf(bytes, file, crypto);
    const told = {
      ...(trust === undefined ? {} : { trust }),
      ...(witnessed === undefined ? {} : { witnessed }),
    };
    output.result({ ok: true, bundle, bytes: bytes.length, ...told }, () => {
      output.line(`Bundle of ${bytes.length} bytes in ${bundle}`);
      if (trust !== undefined) tellTrust(output, trust, file);
    });
    if (witnessed !== undefined && witnessed.cosigned < witnessed.quorum) tellUnwitnessed(output, witnessed);
    output.next(`talos audit verify ${out} --trust ${options.trustOut ?? 'trust.json'}`);
    return undefined;
  };
  withSelection(withPlatform(defineCommand(audit, shell, text, exportBundle), 'audit'))
    .option('--out <file>', 'the bundle to write')
    .option('--trust-out <file>', 'also write what this platform says an auditor could trust');
}
