import { type Cost, MAX_BUNDLE_BYTES } from '@talosprotocol/contracts';
import {
  accountOfBundle,
  type InvoiceGroup,
  type InvoiceLine,
  invoiceOf,
  isTrustError,
  parseTrustFile,
  verifyBundle,
} from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { Command } from 'commander';
import { parseNamed, readBoundedFile } from '../../bounded-file.js';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { EXIT, type ExitCode } from '../../exit-code.js';
import { formatMicro, parseMoney } from '../../money.js';
import type { Output } from '../../output.js';
import { printable } from '../../printable.js';
import { UsageError } from '../../usage-error.js';
import { reportFailure } from '../audit/report.js';

interface Options {
  readonly trust?: string;
  readonly by: string;
  readonly invoice?: string;
}

/** `talos budget recompute`: an invoice from receipts, by nobody's word but that of whom the trust file names. */
export function addRecompute(budget: Command, shell: Shell): void {
  const text = {
    usage: 'recompute <bundle>',
    summary: 'recompute from receipts what calls cost, offline, and find any difference',
    examples: [
      'talos budget recompute bundle.json --trust trust.json',
      'talos budget recompute bundle.json --trust trust.json --by agent --invoice 12.34USD',
    ],
    notes: [
      'No network and no platform. The bundle is verified first: a call whose cost does not follow from its tokens and their rates',
      'is not proven. Then each cost is computed again. With --invoice what you were charged is held against the sum.',
      'Exit code 0 all agrees, 3 the bundle is not proven or the invoice differs, 1 the files cannot be read.',
    ],
  };
  const recompute: Handler<Options> = async ({ io, output, args, options }) => {
    const asked = askedOf(options);
    const crypto = await createFastestCrypto();
    const bytes = await readBoundedFile(io, args[0] ?? '', MAX_BUNDLE_BYTES);
    const given = await readBoundedFile(io, asked.trust, MAX_BUNDLE_BYTES);
    const trust = parseNamed(asked.trust, () => parseTrustFile(given, crypto));
    try {
      const bundle = verifyBundle(bytes, trust, crypto);
      const { headline, shown } = accountOfBundle(bundle, trust);
      const { origin, from, to, first, last } = bundle;
      const of = { origin, from, to, first, last, told: [headline, ...shown.slice(0, 1)] };
      return report(output, of, invoiceOf(bundle, asked.by), asked.charged);
    } catch (error) {
      if (!isTrustError(error) || error.code !== 'PROOF_NOT_PROVEN') throw error;
      reportFailure(output, error);
      return EXIT.proofInvalid;
    }
  };
  defineCommand(budget, shell, text, recompute)
    .option('--trust <file>', 'whom you trust, got by another way than the bundle')
    .option('--by <what>', 'a line for each target (model or tool), or each agent', 'target')
    .option('--invoice <amount>', 'what you were charged for it: 12.34USD');
}

interface Asked {
  readonly trust: string;
  readonly by: InvoiceGroup;
  readonly charged: Cost | undefined;
}

/** @throws {UsageError} */
function askedOf({ by, trust, invoice }: Options): Asked {
  if (by !== 'target' && by !== 'agent') throw new UsageError(`--by takes target or agent: ${by}`);
  if (trust === undefined) throw new UsageError('whom do you trust?', 'add --trust <file>');
  return { trust, by, charged: invoice === undefined ? undefined : parseMoney(invoice, '--invoice') };
}

/** Which records were summed up: the same call must not stand in the bills of two months. */
interface Extent {
  readonly origin: string;
  /** Indexes; `to` is not included. */
  readonly from: number;
  readonly to: number;
  /** When the first and the last record that is shown was made; absent if none is. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  /** In words: whether they are all there are, and of when. */
  readonly told: readonly string[];
}

function report(
  output: Output,
  { told, ...extent }: Extent,
  lines: readonly InvoiceLine[],
  charged: Cost | undefined,
): ExitCode {
  const totals = totalsOf(lines);
  const difference = charged && differenceOf(totals, charged);
  const ok = difference === undefined || difference.amount === '0';
  output.result({ ok, ...extent, headline: told[0], lines, totals, difference }, () => {
    for (const sentence of told) output.line(sentence);
    print(output, lines, totals, difference);
  });
  return ok ? EXIT.ok : EXIT.proofInvalid;
}

interface Total {
  readonly currency: string;
  /** Decimal micro-units. */
  readonly amount: string;
}

/** All that providers counted, within what was held and beyond. */
function totalsOf(lines: readonly InvoiceLine[]): readonly Total[] {
  const sums = new Map<string, bigint>();
  for (const { currency, cost, excess } of lines)
    if (currency !== undefined)
      sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(cost) + BigInt(excess));
  return [...sums].map(([currency, amount]) => ({ currency, amount: `${amount}` }));
}

/** Positive if more was charged than was counted. */
function differenceOf(totals: readonly Total[], charged: Cost): Total {
  const { currency } = charged;
  const counted = BigInt(totals.find((total) => total.currency === currency)?.amount ?? 0);
  return { currency, amount: `${BigInt(charged.amount) - counted}` };
}

function print(
  output: Output,
  lines: readonly InvoiceLine[],
  totals: readonly Total[],
  difference: Total | undefined,
): void {
  for (const line of lines) output.line(describe(line));
  for (const { currency, amount } of totals)
    output.line(output.color.bold(`sum  ${formatMicro(amount, currency)}`));
  if (totals.length === 0) output.line('Nothing cost anything.');
  if (difference !== undefined) output.line(describeDifference(difference));
}

function describe({ of, currency, calls, input, output, cost, excess, ...line }: InvoiceLine): string {
  const price =
    currency === undefined ? 'no price' : formatMicro(`${BigInt(cost) + BigInt(excess)}`, currency);
  const notes = [
    `${calls} calls`,
    `${input} tokens read, ${output} written`,
    ...(excess === '0' || currency === undefined
      ? []
      : [`${formatMicro(excess, currency)} beyond what was held`]),
    ...(line.estimated === 0 ? [] : [`${line.estimated} estimated`]),
    ...(line.unpriced === 0 ? [] : [`${line.unpriced} without a price`]),
    ...(line.open === 0 || currency === undefined
      ? []
      : [`${line.open} open, holding ${formatMicro(line.held, currency)}`]),
  ];
  return `${printable(of)}  ${price}  (${notes.join('; ')})`;
}

function describeDifference({ amount, currency }: Total): string {
  if (amount === '0') return 'The invoice agrees, to the micro-unit.';
  const isMore = !amount.startsWith('-');
  const size = formatMicro(amount.replace('-', ''), currency);
  return `The invoice differs: ${size} ${isMore ? 'more was charged than was counted' : 'less was charged than was counted'}.`;
}
