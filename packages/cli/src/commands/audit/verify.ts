import { MAX_BUNDLE_BYTES } from '@talosprotocol/contracts';
import {
  type BundleFacts,
  type BundleReport,
  type CryptoProvider,
  inspectBundle,
  isTrustError,
  parseJsonObject,
  parseReceipt,
  parseTrustFile,
  type Trust,
  TrustError,
  type VerifiedReceipt,
  verifyBundle,
  verifyReceipt,
} from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { readBoundedFile } from '../../bounded-file.js';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { EXIT } from '../../exit-code.js';
import type { Output } from '../../output.js';
import { printable } from '../../printable.js';

interface Options {
  readonly trust?: string;
}

const MAX_TRUST = 4 * 1024 * 1024;
const MAX_RECEIPT = 4 * 1024 * 1024;

/** What even a proven bundle does not show (AUD-23). */
const NOT_PROVEN = [
  'that the agent rather than the gateway acted, beyond the proof it gave when a session opened',
  'that this range is all there ever was: whoever holds a receipt or a later checkpoint can compare',
  'constraints on arguments: arguments are not kept',
  "the times, beyond the log's word",
];

/** `talos audit verify`: the offline verifier. Reads two files; no network, no platform, no keys. */
export function addVerify(audit: Command, shell: Shell, crypto: CryptoProvider): void {
  const text = {
    usage: 'verify <file>',
    summary: 'verify a bundle or a receipt offline, against a trust file of your own',
    examples: ['talos audit verify bundle.json --trust trust.json'],
    notes: [
      'No network and no platform. Nothing inside the bundle is trusted: the keys of log and exporter, the emitters and the',
      'anchors come from the trust file. Without one this says what is consistent, that nothing is proven, and fails.',
      'Exit code 0 proven, 3 not proven, 1 the files cannot be read or the call is wrong.',
    ],
  };
  const verify: Handler<Options> = async ({ io, output, args, options }) => {
    const bytes = await readBoundedFile(io, args[0] ?? '', MAX_BUNDLE_BYTES);
    const isReceipt = isReceiptFile(bytes);
    if (options.trust === undefined) return refuseWithoutTrust(output, bytes, isReceipt, crypto);
    const trust = parseTrustFile(await readBoundedFile(io, options.trust, MAX_TRUST), crypto);
    if (isReceipt)
      reportReceipt(
        output,
        proven(() => verifyReceipt(parseReceipt(bytes), trust, crypto)),
        trust,
      );
    else
      reportBundle(
        output,
        proven(() => verifyBundle(bytes, trust, crypto)),
        trust,
      );
    return EXIT.ok;
  };
  defineCommand(audit, shell, text, verify).option(
    '--trust <file>',
    'whom you trust, got by another way than the bundle',
  );
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

/** Whatever refuses the evidence, the answer is that it proves nothing (AUD-24). */
function proven<T>(verify: () => T): T {
  try {
    return verify();
  } catch (error) {
    if (!isTrustError(error) || error.code === 'PROOF_NOT_PROVEN') throw error;
    const { reason = error.message } = error.data;
    throw new TrustError('PROOF_NOT_PROVEN', `${reason} (${error.code})`, error.data, error);
  }
}

/** AUD-20: says what is consistent, that nothing is proven, and fails. */
function refuseWithoutTrust(
  output: Output,
  bytes: Uint8Array,
  isReceipt: boolean,
  crypto: CryptoProvider,
): typeof EXIT.proofInvalid {
  const consistent = isReceipt ? undefined : inspectBundle(bytes, crypto);
  if (isReceipt) proven(() => parseReceipt(bytes));
  const error = {
    code: 'PROOF_NOT_PROVEN',
    message: 'Not proven: no trust file was given.',
    hint: 'add --trust <file>, got from somebody you trust and not with the bundle',
  };
  output.result(
    { ok: false, proven: false, error, ...(consistent === undefined ? {} : { consistent }) },
    () => {
      output.line(output.color.red('NOT PROVEN: no trust file was given.'));
      if (consistent !== undefined) printConsistent(output, consistent);
      output.line('Whoever wrote the file could have made all of it.');
    },
  );
  output.next('talos audit verify <file> --trust <file got from somebody you trust>');
  return EXIT.proofInvalid;
}

function printConsistent(output: Output, facts: BundleFacts): void {
  output.line('It is consistent in itself:');
  printFacts(output, facts);
  output.line(`  signed by  ${printable(facts.exporter)}, a key the bundle names itself`);
}

function reportBundle(output: Output, report: BundleReport, trust: Trust): void {
  const { counts } = report;
  const trusted = trustedKeys(trust);
  output.result({ ok: true, proven: true, kind: 'bundle', report, trusted, notProven: NOT_PROVEN }, () => {
    output.line(
      output.color.green('PROVEN: these events, unchanged, in this order, none missing in the range,'),
    );
    output.line(output.color.green('logged by a key you trust under this root.'));
    printFacts(output, report);
    output.line(`  decisions  ${counts.allowed} allowed, ${counts.denied} denied`);
    output.line(`  recomputed ${counts.recomputed} allowed decisions from their chains and disclosed items`);
    if (counts.unchecked > 0)
      output.line(output.color.yellow(`  unchecked  ${counts.unchecked} whose chain lies before the range`));
    output.line(`  outcomes   ${counts.outcomes}, revocations ${counts.revocations}`);
    printTrusted(output, trust, report);
    printNotProven(output);
  });
}

function printFacts(
  output: Output,
  { origin, from, to, size, root, first, last, subjects }: BundleFacts,
): void {
  output.line(`  log        ${printable(origin)}`);
  output.line(`  events     ${from} to ${to - 1} of ${size}`);
  output.line(`  root       ${root}`);
  output.line(`  times      ${first} to ${last}`);
  output.line(`  subjects   ${subjects.length}`);
}

function printTrusted(output: Output, trust: Trust, report: BundleFacts): void {
  const [log] = trust.logs.get(report.origin)?.keys ?? [];
  output.line('Trusted, because your trust file says so:');
  output.line(`  log key    ${printable(log?.name ?? report.origin)}`);
  output.line(`  exporter   ${report.exporter}`);
  for (const emitter of report.emitters) output.line(`  emitter    ${emitter}`);
  for (const issuer of trust.anchors.keys()) output.line(`  anchor     ${issuer}`);
}

function trustedKeys(trust: Trust): object {
  return {
    logs: [...trust.logs.keys()],
    exporters: [...trust.exporters],
    emitters: [...trust.emitters],
    anchors: [...trust.anchors.keys()],
  };
}

function printNotProven(output: Output): void {
  output.line('Not proven by it:');
  for (const text of NOT_PROVEN) output.line(`  - ${text}`);
}

function reportReceipt(output: Output, { event, index, size, values }: VerifiedReceipt, trust: Trust): void {
  const disclosed = Object.fromEntries(values);
  const notProven = ['that the capability allowed it: a bundle holds the chain', ...NOT_PROVEN];
  output.result(
    {
      ok: true,
      proven: true,
      kind: 'receipt',
      index,
      size,
      event,
      disclosed,
      trusted: trustedKeys(trust),
      notProven,
    },
    () => {
      output.line(output.color.green('PROVEN: this event is in a log you trust, unchanged.'));
      output.line(`  log        ${printable(event.origin)}, entry ${index} of ${size}`);
      output.line(`  event      ${event.type} at ${event.time}, recorded by ${event.emitter}`);
      for (const [pointer, value] of values)
        output.line(`  ${printable(pointer).padEnd(10)} ${printable(JSON.stringify(value))}`);
      output.line('Not proven by it:');
      for (const text of notProven) output.line(`  - ${text}`);
    },
  );
}
