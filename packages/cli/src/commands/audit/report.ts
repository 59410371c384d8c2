import type {
  BundleFacts,
  BundleReport,
  Spending,
  Trust,
  TrustError,
  VerifiedReceipt,
} from '@talosprotocol/protocol';
import { formatMoney } from '../../money.js';
import { describeFailure, type Output } from '../../output.js';
import { printable } from '../../printable.js';
import { printWitnesses, withoutWitnesses } from './witness-lines.js';

/** What even a proven bundle does not show (AUD-23). */
const NOT_PROVEN = [
  'that the agent rather than the gateway acted, beyond the proof it gave when a session opened',
  'that this range is all there ever was: whoever holds a receipt or a later checkpoint can compare',
  'constraints on arguments: arguments are not kept',
  'limits by the day, the month and of rates and tokens, and that a denial was right',
  "the times and which policy was in force, beyond the log's word",
];

/** What this bundle does not show either. */
function notProvenBy({ counts, quorum }: BundleReport): readonly string[] {
  const { allowed, recomputed, unchecked } = counts;
  const hidden = allowed - recomputed - unchecked;
  return [
    ...(unchecked > 0
      ? [`that ${unchecked} allowed decisions were right: their chain or session lies before the range`]
      : []),
    ...(hidden > 0 ? [`what ${hidden} allowed decisions were about: their items are not disclosed`] : []),
    ...withoutWitnesses(quorum),
    ...NOT_PROVEN,
  ];
}

const STATEMENT_HINT =
  'the bundle was changed after it was signed, or the statement belongs to another or to somebody you do not trust';

/** The first check that failed, and where (AUD-21). */
export function reportFailure(output: Output, error: TrustError): void {
  const { reason = error.message, caveat, item } = error.data;
  const hint = error.data.hint ?? (caveat === 'statement' ? STATEMENT_HINT : undefined);
  const failure = { ...describeFailure(error), ...(hint === undefined ? {} : { hint }) };
  output.result({ ok: false, proven: false, error: failure }, () => {
    output.line(output.color.red(`NOT PROVEN: ${printable(reason)}`));
    if (caveat !== undefined) output.line(`  check      ${printable(caveat)}`);
    if (item !== undefined) output.line(`  at         ${printable(item)}`);
    if (hint !== undefined) output.line(`  hint       ${printable(hint)}`);
  });
}

/** What a bundle is about, though nobody vouches for it. */
export function printConsistent(output: Output, facts: BundleFacts): void {
  output.line('It is consistent in itself:');
  printFacts(output, facts);
  output.line(`  signed by  ${printable(facts.exporter)}, a key the bundle names itself`);
}

/** What a bundle proved, on whose word, and what it did not. */
export function reportBundle(output: Output, report: BundleReport, trust: Trust): void {
  const { calls: _calls, chains: _chains, earlier: _earlier, ...facts } = report;
  const { counts } = facts;
  const trusted = trustedKeys(trust);
  output.result(
    { ok: true, proven: true, kind: 'bundle', report: facts, trusted, notProven: notProvenBy(report) },
    () => {
      output.line(
        output.color.green('PROVEN: these events, unchanged, in this order, none missing in the range,'),
      );
      output.line(output.color.green('logged by a key you trust under this root.'));
      printFacts(output, report);
      printWitnesses(output, report.cosignatures);
      output.line(`  decisions  ${counts.allowed} allowed, ${counts.denied} denied`);
      output.line(
        `  recomputed ${counts.recomputed} allowed decisions from their chains and disclosed items`,
      );
      if (counts.unchecked > 0)
        output.line(
          output.color.yellow(`  unchecked  ${counts.unchecked} whose chain lies before the range`),
        );
      output.line(`  outcomes   ${counts.outcomes}, revocations ${counts.revocations}`);
      for (const spending of report.costs) output.line(`  cost       ${describeSpending(spending)}`);
      printTrusted(output, trust, report);
      printNotProven(output, notProvenBy(report));
    },
  );
}

/** Money as people read it. */
function describeSpending({ currency, spent, held }: Spending): string {
  const open =
    BigInt(held) === 0n ? '' : `, and at most ${formatMoney(held)} of calls without an outcome here`;
  return `${formatMoney(spent)} ${currency}${open}`;
}

function printFacts(
  output: Output,
  { origin, from, to, size, root, first, last, subjects }: BundleFacts,
): void {
  output.line(`  log        ${printable(origin)}`);
  output.line(`  events     ${from} to ${to - 1} of ${size}`);
  output.line(`  root       ${root}`);
  output.line(`  times      ${first ?? 'none'} to ${last ?? 'none'}`);
  output.line(`  subjects   ${subjects.length}`);
}

function printTrusted(output: Output, trust: Trust, report: BundleFacts): void {
  const [log] = trust.logs.get(report.origin)?.keys ?? [];
  output.line('Trusted, because your trust file says so:');
  output.line(`  log key    ${printable(log?.name ?? report.origin)}`);
  output.line(`  exporter   ${report.exporter}`);
  for (const emitter of report.emitters) output.line(`  emitter    ${emitter}`);
  for (const issuer of trust.all.keys()) output.line(`  anchor     ${issuer}`);
}

function trustedKeys(trust: Trust): object {
  return {
    logs: [...trust.logs.keys()],
    exporters: [...trust.exporters],
    emitters: [...trust.emitters],
    anchors: [...trust.all.keys()],
  };
}

function printNotProven(output: Output, texts: readonly string[]): void {
  output.line('Not proven by it:');
  for (const text of texts) output.line(`  - ${text}`);
}

/** The same of one receipt. */
export function reportReceipt(
  output: Output,
  { event, index, size, cosignatures, values }: VerifiedReceipt,
  trust: Trust,
): void {
  const disclosed = Object.fromEntries(values);
  const notProven = [
    'that the capability allowed it: a bundle holds the chain',
    ...withoutWitnesses(trust.logs.get(event.origin)?.witnesses?.quorum ?? 0),
    ...NOT_PROVEN,
  ];
  output.result(
    {
      ok: true,
      proven: true,
      kind: 'receipt',
      index,
      size,
      cosignatures,
      event,
      disclosed,
      trusted: trustedKeys(trust),
      notProven,
    },
    () => {
      output.line(output.color.green('PROVEN: this event is in a log you trust, unchanged.'));
      output.line(`  log        ${printable(event.origin)}, entry ${index} of ${size}`);
      printWitnesses(output, cosignatures);
      output.line(`  event      ${event.type} at ${event.time}, recorded by ${event.emitter}`);
      for (const [pointer, value] of values)
        output.line(`  ${printable(pointer).padEnd(10)} ${printable(JSON.stringify(value))}`);
      output.line('Not proven by it:');
      for (const text of notProven) output.line(`  - ${text}`);
    },
  );
}
