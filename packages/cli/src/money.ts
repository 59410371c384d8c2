import type { Cost } from '@talosprotocol/contracts';
import { UsageError } from './usage-error.js';

/** Reads `5.00EUR` or `5 EUR` as micro-units (ENC-5), digit by digit: an amount of money is never a floating-point number.
 *  @throws {UsageError} */
export function parseMoney(text: string, option: string): Cost {
  const [, whole = '', fraction = '', currency = ''] =
    /^(0|[1-9][0-9]{0,9})(?:\.([0-9]{1,6}))? ?([A-Z]{3})$/.exec(text) ?? [];
  const amount = BigInt(`${whole}${fraction.padEnd(6, '0')}`);
  if (amount > 0n && amount <= Number.MAX_SAFE_INTEGER) return { amount: Number(amount), currency };
  throw new UsageError(
    `${option} takes an amount and a currency: ${text}`,
    'such as 5.00EUR; six decimals and nine thousand million at most',
  );
}

/** Money with all digits that say something: `0.0125 EUR`. */
export function formatCost({ amount, currency }: Cost): string {
  return formatMicro(String(amount), currency);
}

/** The same of decimal digits of micro-units, of which there may be more than a number holds. */
export function formatMicro(amount: string, currency: string): string {
  const micro = amount.padStart(7, '0');
  const fraction = micro.slice(-6).replace(/0{1,4}$/, '');
  return `${micro.slice(0, -6)}.${fraction} ${currency}`;
}
