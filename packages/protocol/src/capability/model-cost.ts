import type { ModelRates, ModelUsage } from '@talosprotocol/contracts';
import { malformed } from '../error.js';

const MILLION = 1_000_000n;

/** What tokens cost, in whole micro-units of the currency of the rates, rounded up once (AUD-126). Exact: nothing is
 *  computed in floating point.
 *  @throws {TrustError} MALFORMED: more tokens from and into a cache than were read, or more money than JSON holds
 *  @example modelCost({ input: 1000, output: 100 }, { currency: 'USD', input: 150_000, output: 600_000 }) // 210 */
export function modelCost(usage: ModelUsage, rates: Omit<ModelRates, 'currency'>): number {
  const { input, output, cache_read: read = 0, cache_write: written = 0 } = usage;
  const plain = BigInt(input) - BigInt(read) - BigInt(written);
  if (plain < 0n) throw malformed('more tokens of a cache than were read');
  const { cache_read: readRate = rates.input, cache_write: writtenRate = rates.input } = rates;
  const sum =
    plain * BigInt(rates.input) +
    BigInt(read) * BigInt(readRate) +
    BigInt(written) * BigInt(writtenRate) +
    BigInt(output) * BigInt(rates.output);
  const cost = Number((sum + MILLION - 1n) / MILLION);
  if (!Number.isSafeInteger(cost)) throw malformed('the cost is beyond what a number of JSON holds');
  return cost;
}
