import type { ModelRates } from '@talosprotocol/contracts';
import { parseMoney } from '../../money.js';
import { UsageError } from '../../usage-error.js';

/** Reads `0.15/0.60USD`: what a million tokens cost that are read, and that are written. What is free is `0`.
 *  @throws {UsageError} */
export function parsePrice(text: string): ModelRates {
  const [, input = '', output = '', currency = ''] = /^([0-9.]+)\/([0-9.]+) ?([A-Z]{3})$/.exec(text) ?? [];
  if (currency === '')
    throw new UsageError(`--price takes two amounts and a currency: ${text}`, 'such as 0.15/0.60USD');
  const rate = (amount: string): number =>
    amount === '0' ? 0 : parseMoney(`${amount}${currency}`, '--price').amount;
  return { currency, input: rate(input), output: rate(output) };
}
