import type { BudgetCounter, BudgetPeriod, BudgetStatus } from '@talosprotocol/contracts';
import type { BudgetQuery } from '@talosprotocol/sdk';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { formatCost } from '../../money.js';
import type { Output } from '../../output.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { drawBar, withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';

interface Options extends PlatformOptions {
  readonly budget?: string;
  readonly principal?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

/** `talos budget status`: what of each budget is used and left. */
export function addStatus(budget: Command, shell: Shell): void {
  const text = {
    usage: 'status',
    summary: 'say what of each budget in force is used and left, and when it begins anew',
    examples: [
      'talos budget status',
      'talos budget status --budget each-team',
      'talos budget status --principal did:key:z6Mk...',
    ],
    notes: [
      'Asks the gateway. What is used is spent, held by calls under way, or leased: taken beforehand by a process that has not spent it',
      'yet. So at most that much was spent. Of each budget those who used most come first; --principal shows what counts for one DID or prn,',
      'save what is counted by key. Needs the permission budget:read.',
    ],
  };
  const status: Handler<Options> = async ({ io, output, options }) => {
    const query = queryOf(options);
    const { gateway } = await openPlatform(io, options);
    const found = await withProgress(io, output, 'Asking the gateway', gateway.budgets(query));
    output.result({ ok: true, ...found }, () => print(output, found));
    output.next(nextOf(found));
    return undefined;
  };
  withPlatform(defineCommand(budget, shell, text, status), 'gateway')
    .option('--budget <name>', 'only this budget')
    .option('--principal <did>', 'only what counts for this principal')
    .option('--limit <count>', 'so many counters at most, 1 to 100 (default: 100)')
    .option('--cursor <next>', 'go on after a page, where the one before said next');
}

/** @throws {UsageError} */
function queryOf({ budget, principal, limit, cursor }: Options): BudgetQuery {
  if (limit !== undefined && !/^(?:[1-9][0-9]?|100)$/.test(limit))
    throw new UsageError(`--limit takes 1 to 100: ${limit}`);
  return {
    ...(budget === undefined ? {} : { budget }),
    ...(principal === undefined ? {} : { principal }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

function print(output: Output, { budgets, counters }: BudgetStatus): void {
  const subjects = counters.map(({ subject }) => printable(subject).length);
  const width = Math.max(0, ...subjects);
  for (const budget of budgets) {
    output.line(headingOf(output, budget));
    const own = counters.filter((counter) => counter.budget === budget.name);
    for (const counter of own) output.line(`  ${lineOf(output, counter, budget, width)}`);
    if (own.length === 0 && budget.mode !== 'off') output.line('  none here');
  }
  if (budgets.length === 0)
    output.line(
      'No budget of the policy in force counts this. Limits in a key are its own: talos cap inspect shows them.',
    );
}

function headingOf({ color }: Output, budget: BudgetPeriod): string {
  const { name, mode, for: whom, per, zone, starts, ends, surface, model, server } = budget;
  const what = [surface, model, server]
    .filter((one) => one !== undefined)
    .map((one) => `, ${printable(one)}`);
  const when =
    starts === null || ends === null
      ? 'in total'
      : `per ${per}, ${shownIn(zone, starts)} to ${shownIn(zone, ends)} ${zone}`;
  return `${color.bold(name)}  ${mode}, for ${whom}${what.join('')}, ${when}`;
}

function lineOf(
  { color }: Output,
  counter: BudgetCounter,
  { zone, mode }: BudgetPeriod,
  width: number,
): string {
  const { subject, used, leased, limit, percent, override, mark } = counter;
  const notes = [
    ...(leased === 0 ? [] : [`${amountOf(leased, counter)} of it leased`]),
    ...(override === null ? [] : [overrideText(override, counter, zone)]),
    ...(mark === null ? [] : [`${mark.percent} % said ${shownIn(zone, mark.said)}`]),
  ];
  const text = `${drawBar(used / limit)} ${String(percent).padStart(3)} %`;
  const bar = percent >= 100 && mode === 'hard' ? color.red(text) : percent >= 80 ? color.yellow(text) : text;
  const amounts = amountsOf(counter);
  return `${printable(subject).padEnd(width)}  ${bar}  ${amounts}${notes.length === 0 ? '' : `  (${notes.join('; ')})`}`;
}

function amountsOf(counter: BudgetCounter): string {
  const { used, limit, left, kind, currency } = counter;
  if (currency === undefined) return `${used} of ${limit} ${kind} used, ${left} left`;
  const [spent, most, rest] = [used, limit, left].map((units) => amountOf(units, counter));
  return `${spent} of ${most} used, ${rest} left`;
}

function amountOf(units: number, { kind, currency }: BudgetCounter): string {
  return currency === undefined ? `${units} ${kind}` : formatCost({ amount: units, currency });
}

function overrideText(
  { until, usual }: NonNullable<BudgetCounter['override']>,
  counter: BudgetCounter,
  zone: string,
): string {
  return `until ${shownIn(zone, until)} in place of ${usual === null ? 'no limit' : amountOf(usual, counter)}`;
}

/** As clocks of that zone show it; in UTC if this machine does not know the zone. */
function shownIn(timeZone: string, time: string): string {
  try {
    return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(
      Date.parse(time),
    );
  } catch {
    return `${time.slice(0, 16)}Z`;
  }
}

function nextOf({ budgets, counters, next }: BudgetStatus): string {
  if (next !== null) return `there are more: the same with --cursor ${next}`;
  const hard = new Set(budgets.filter(({ mode }) => mode === 'hard').map(({ name }) => name));
  const ended = counters.find(({ budget, left }) => left === 0 && hard.has(budget));
  if (ended !== undefined)
    return `${ended.budget} is used up. More for a time: talos budget set ${ended.budget} --${ended.kind} <more> --until 24h`;
  if (budgets.length === 0) return 'set one: talos budget set --help';
  return 'who spends it: talos audit stats --by agent';
}
