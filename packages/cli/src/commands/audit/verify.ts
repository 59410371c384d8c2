import { MAX_BUNDLE_BYTES } from '@talosprotocol/contracts';
import {
  accountOfUntrusted,
  type CryptoProvider,
  checkpointOf,
  inspectBundle,
  isTrustError,
  parseJsonObject,
  parseReceipt,
  type Trust,
  TrustError,
  verifyBundle,
  verifyEarlier,
  verifyReceipt,
} from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { Command } from 'commander';
import { readTrustFile } from '../../anchors-file.js';
import { parseNamed, readBoundedFile } from '../../bounded-file.js';
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

const MAX_RECEIPT = 4 * 1024 * 1024;

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
    const bytes = await readBoundedFile(io, file, MAX_BUNDLE_BYTES);
    const crypto = await createFastestCrypto();
    const trust = options.trust === undefined ? undefined : await readTrustFile(io, options.trust, crypto);
    const kept = options.since === undefined ? undefined : await readKept(io, options.since);
    const isReceipt = isReceiptFile(bytes);
    if (isReceipt && kept !== undefined)
      throw new UsageError('--since goes with a bundle, not with a receipt');
    return orFailure(output, () => {
      if (trust === undefined) return refuseWithoutTrust(output, file, bytes, crypto);
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
  return parseNamed(name, () => checkpointOf(bytes));
}

/** Only chooses the verifier, which then decides. A bundle is canonical JSON and so starts with its checkpoint; what
 *  is disclosed further inside has no say. */
function isReceiptFile(bytes: Uint8Array): boolean {
  if (bytes.length > MAX_RECEIPT || startsWith(bytes, '{"checkpoint":')) return false;
  try {
    return parseJsonObject(bytes, { maxBytes: MAX_RECEIPT })['format'] === 'talos-receipt-v1';
  } catch (error) {
    if (isTrustError(error)) return false;
    throw error;
  }
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(0, text.length)) === text;
}

/** Whatever refuses the evidence, the answer is that it proves nothing (AUD-24). A file that is none is named: perhaps
 *  another was meant. */
function proven<T>(file: string, verify: () => T): T {
  try {
    return verify();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    const { reason = error.message, ...facts } = error.data;
    const where = error.code === 'MALFORMED' || facts.caveat === 'bundle' ? `${file}: ` : '';
    const code = error.code === 'PROOF_NOT_PROVEN' ? '' : ` (${error.code})`;
    throw new TrustError('PROOF_NOT_PROVEN', `${where}${reason}${code}`, facts, error);
  }
}

/** AUD-20: says what is consistent, that nothing is proven, and fails. */
function refuseWithoutTrust(
  output: Output,
  file: string,
  bytes: Uint8Array,
  crypto: CryptoProvider,
): typeof EXIT.proofInvalid {
  const isReceipt = isReceiptFile(bytes);
  const consistent = isReceipt ? undefined : proven(file, () => inspectBundle(bytes, crypto));
  if (isReceipt) proven(file, () => parseReceipt(bytes));
  reportUntrusted(output, accountOfUntrusted(consistent), consistent);
  output.next('talos audit verify <file> --trust <file got from somebody you trust>');
  return EXIT.proofInvalid;
}
