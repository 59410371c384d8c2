import type { Limit } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { collect } from '../collect.js';
import { UsageError } from '../usage-error.js';
import { parseCount, parseDuration } from './duration.js';
import { type LimitOptionValues, limitsOf } from './limit-options.js';

/** Options of `cap issue` and `cap attenuate` besides the grants. */
export interface LinkOptionValues extends LimitOptionValues {
  readonly to?: string;
  readonly expires?: string;
  readonly notBefore?: string;
  readonly dlg?: string;
  readonly aud?: readonly string[];
  readonly bearer?: boolean;
  readonly bearerBelow?: boolean;
  /** False with `--no-invoke`. */
  readonly invoke?: boolean;
  readonly out?: string;
  readonly showKey?: boolean;
}

export function withLinkOptions(command: Command): Command {
  return command
    .option('--to <did or name>', 'who will hold it: a DID, or the name of an identity of yours')
    .option('--expires <duration>', 'how long it is valid: 90s, 15m, 24h, 30d')
    .option('--not-before <when>', 'when it begins: 15m from now, or 2026-12-01T08:00:00Z (default: now)')
    .option('--calls <number>', 'how many calls it is good for')
    .option('--cost <amount>', 'how much money its calls may cost: 5.00EUR')
    .option('--tokens <number>', 'how many tokens its calls may take')
    .option('--rate <calls/time>', 'how many calls in a time: 10/60s, 100/1h')
    .option('--per <period>', 'for --calls, --cost and --tokens: total, day or month (default: total)')
    .option('--limit <limit>', "one more limit: 'calls=5,cost=1.50EUR per day' (repeatable)", collect)
    .option('--dlg <number>', 'how many times it may be passed on (default: 0)')
    .option('--aud <did>', 'a gateway it is for (repeatable)', collect)
    .option('--bearer', 'make a key that can be sent as a secret, to a holder made for it')
    .option('--bearer-below', 'links below may be such keys')
    .option('--no-invoke', 'the holder may pass it on, but not use it')
    .option('--out <file>', 'write it to a file of mode 0600 instead of printing it')
    .option('--show-key', 'print a --bearer key: whoever reads it can use it');
}

/** The limits, delegation depth and flags that were given, as claims.
 *  @throws {UsageError} */
export function claimsOf(options: LinkOptionValues): {
  limits?: Limit[];
  dlg?: number;
  invoke?: boolean;
  bearer_below?: boolean;
} {
  const { dlg, invoke, bearerBelow } = options;
  const limits = limitsOf(options);
  return {
    ...(limits.length === 0 ? {} : { limits }),
    ...(dlg === undefined ? {} : { dlg: parseCount(dlg, 0, '--dlg') }),
    ...(invoke === false ? { invoke } : {}),
    ...(bearerBelow === true ? { bearer_below: true } : {}),
  };
}

/** When it ends, in Unix seconds; undefined if that was not said. */
export function expiryOf({ expires }: LinkOptionValues, now: number): number | undefined {
  return expires === undefined ? undefined : Math.floor(now / 1000) + parseDuration(expires);
}

/** When it begins, as a claim; nothing if that was not said.
 *  @throws {UsageError} it would end before it began */
export function startOf({ notBefore }: LinkOptionValues, exp: number, now: number): { nbf?: number } {
  if (notBefore === undefined) return {};
  const nbf = parseMoment(notBefore, now);
  if (nbf < exp) return { nbf };
  throw new UsageError('it would end before it begins', 'give --expires a later end: it counts from now');
}

/** A duration from now, or a moment of UTC. */
function parseMoment(text: string, now: number): number {
  if (!text.includes('T')) return Math.floor(now / 1000) + parseDuration(text);
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  // The 30th of February would be read as the 2nd of March.
  if (time >= 0 && new Date(time).toISOString().startsWith(text.slice(0, 10))) return time / 1000;
  throw new UsageError(`not a moment: ${text}`, 'such as --not-before 2026-12-01T08:00:00Z, or 15m');
}

/** A key is a secret: it goes to a file, or to the screen if that was asked for in so many words.
 *  @throws {UsageError} */
export function checkKeyTarget({ bearer, out, showKey, to }: LinkOptionValues): void {
  if (bearer === true && to !== undefined)
    throw new UsageError('--bearer makes its own holder', 'leave out --to');
  if (bearer !== true && showKey === true) throw new UsageError('--show-key is for --bearer');
  if (bearer === true && out === undefined && showKey !== true)
    throw new UsageError('a bearer key is a secret', 'add --out <file>, or --show-key to print it');
  if (bearer !== true && to === undefined)
    throw new UsageError('who will hold it?', 'add --to <did or name>, or --bearer');
}
