import { MAX_BUNDLE_BYTES } from '@talosprotocol/contracts';
import {
  accountOfUntrusted,
  type CryptoProvider,
  checkpointOf,
  type FileKind,
  failedEvidence,
  findMisplaced,
  inspectBundle,
  isTrustError,
  kindOfFile,
  type NamedFile,
  parseReceipt,
  parseTrustFile,
  readBeside,
  type Trust,
  verifyBundle,
  verifyEarlier,
  verifyReceipt,
} from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { Command } from 'commander';
import { readBoundedFile } from '../../bounded-file.js';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { EXIT, type ExitCode } from '../../exit-code.js';
import type { Io } from '../../io.js';
import type { Output } from '../../output.js';
import { UsageError } from '../../usage-error.js';
import { reportBundle, reportFailure, reportReceipt, reportUntrusted } from './report.js';

interface Options {
  readonly trust?: string;
  readonly since?: string;
}

/** Where a tar file says that it is one. */
const USTAR_AT = 257;

/** `talos audit verify`: the offline verifier. Reads two files; no network, no platform, no keys. */
export function addVerify(audit: Command, shell: Shell): void {
  const text = {
    usage: 'verify <file>',
    summary: 'verify a bundle or a receipt offline, against a trust file of your own',
    examples: [
      'talos audit verify bundle.json --trust trust.json',
      'talos audit verify bundle.json --trust trust.json --since last-year.json',
    ],
    notes: [
      'No network and no platform. Nothing inside the bundle is trusted: the keys of log and exporter, the emitters and the',
      'anchors come from the trust file. Without one this says what is consistent, that nothing is proven, and fails.',
      'With --since it also proves that the history you kept, as a bundle, a receipt or a checkpoint, is the beginning of this one;',
      'the bundle must have been exported with --earlier for that.',
      'Exit code 0 proven, 3 not proven, 1 the files cannot be read or the call is wrong.',
    ],
  };
  const verify: Handler<Options> = async ({ io, output, args, options }) => {
    const [file = ''] = args;
    const evidence = await readGiven(io, file);
    const given = options.trust === undefined ? undefined : await readGiven(io, options.trust);
    assertPlaces(evidence, given);
    const { bytes } = evidence;
    const crypto = await createFastestCrypto();
    const trust = given && readBeside(given.file, 'trust', () => parseTrustFile(given.bytes, crypto));
    const kept = options.since === undefined ? undefined : await readKept(io, options.since);
    const isReceipt = evidence.kind === 'receipt';
    if (isReceipt && kept !== undefined)
      throw new UsageError('--since goes with a bundle, not with a receipt');
    return orFailure(output, () => {
      if (trust === undefined) return refuseWithoutTrust(output, evidence, crypto);
      if (isReceipt) proveReceipt(output, { file, bytes, trust, crypto });
      else proveBundle(output, { file, bytes, trust, crypto }, kept);
      return EXIT.ok;
    });
  };
  defineCommand(audit, shell, text, verify)
    .option('--trust <file>', 'whom you trust, got by another way than the bundle')
    .option(
      '--since <file>',
      'a bundle, receipt or checkpoint that you kept, which this bundle must continue',
    );
}

interface Given {
  readonly file: string;
  readonly kind: FileKind;
  readonly bytes: Uint8Array;
}

async function readGiven(io: Io, file: string): Promise<Given> {
  const bytes = await readBoundedFile(io, file, MAX_BUNDLE_BYTES);
  return { file, bytes, kind: kindOfFile(bytes) };
}

/** @throws {UsageError} a file stands where another kind of file belongs, or is one for another command */
function assertPlaces(evidence: Given, trust: Given | undefined): void {
  const { file, bytes } = evidence;
  const misplaced = findMisplaced(namedOf(evidence), trust && namedOf(trust));
  if (misplaced !== undefined) {
    const { fault, isSwapped } = misplaced;
    const swap = `swap the two: talos audit verify ${trust?.file} --trust ${file}`;
    const name =
      evidence.kind === 'trust'
        ? 'name the bundle or the receipt'
        : 'whom you trust is a file of its own; talos audit export --trust-out writes one';
    throw new UsageError(fault, isSwapped ? swap : name);
  }
  if (new TextDecoder('latin1').decode(bytes.subarray(USTAR_AT, USTAR_AT + 5)) === 'ustar')
    throw new UsageError(
      `${file} is an archive of a log`,
      `talos audit fsck ${file} --trust <file> looks it through`,
    );
}

function namedOf({ file, kind }: Given): NamedFile {
  return { name: file, kind };
}

function orFailure(output: Output, prove: () => ExitCode): ExitCode {
  try {
    return prove();
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'PROOF_NOT_PROVEN') throw error;
    reportFailure(output, error);
    return EXIT.proofInvalid;
  }
}

interface Evidence {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly trust: Trust;
  readonly crypto: CryptoProvider;
}

function proveReceipt(output: Output, { file, bytes, trust, crypto }: Evidence): void {
  const receipt = proven(file, () => verifyReceipt(parseReceipt(bytes), trust, crypto));
  reportReceipt(output, receipt, trust);
}

function proveBundle(
  output: Output,
  { file, bytes, trust, crypto }: Evidence,
  kept: string | undefined,
): void {
  const report = proven(file, () => verifyBundle(bytes, trust, crypto));
  const earlier =
    kept === undefined ? undefined : proven(file, () => verifyEarlier(report, kept, trust, crypto));
  reportBundle(output, report, trust, earlier);
}

/** The checkpoint in a file that somebody kept. */
async function readKept(io: Io, name: string): Promise<string> {
  const bytes = await readBoundedFile(io, name, MAX_BUNDLE_BYTES);
  return readBeside(name, 'kept', () => checkpointOf(bytes));
}

function proven<T>(file: string, verify: () => T): T {
  try {
    return verify();
  } catch (error) {
    throw failedEvidence(file, error);
  }
}

/** AUD-20: says what is consistent, that nothing is proven, and fails. */
function refuseWithoutTrust(
  output: Output,
  { file, bytes, kind }: Given,
  crypto: CryptoProvider,
): typeof EXIT.proofInvalid {
  const isReceipt = kind === 'receipt';
  const consistent = isReceipt ? undefined : proven(file, () => inspectBundle(bytes, crypto));
  if (isReceipt) proven(file, () => parseReceipt(bytes));
  reportUntrusted(output, accountOfUntrusted(consistent), consistent);
  output.next('talos audit verify <file> --trust <file got from somebody you trust>');
  return EXIT.proofInvalid;
}
