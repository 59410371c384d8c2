import type { Limit } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { UsageError } from '../usage-error.js';
import { parseCount, parseDuration } from './duration.js';

/** Options of `cap issue` and `cap attenuate` besides the grants. */
export interface LinkOptionValues {
  readonly to?: string;
  readonly expires?: string;
  readonly calls?: string;
  readonly per?: string;
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
    .option('--calls <number>', 'how many calls it is good for')
    .option('--per <period>', 'over which period --calls counts: total, day or month (default: total)')
    .option('--dlg <number>', 'how many times it may be passed on (default: 0)')
    .option('--aud <did>', 'a gateway it is for (repeatable)', collect)
    .option('--bearer', 'make a key that can be sent as a secret, to a holder made for it')
    .option('--bearer-below', 'links below may be such keys')
    .option('--no-invoke', 'the holder may pass it on, but not use it')
    .option('--out <file>', 'write it to a file of mode 0600 instead of printing it')
    .option('--show-key', 'print a --bearer key: whoever reads it can use it');
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

const PERIODS = ['total', 'day', 'month'] as const;

/** The limits, delegation depth and flags that were given, as claims.
 *  @throws {UsageError} */
export function claimsOf(options: LinkOptionValues): {
  limits?: Limit[];
  dlg?: number;
  invoke?: boolean;
  bearer_below?: boolean;
} {
  const { calls, per = 'total', dlg, invoke, bearerBelow } = options;
  const period = PERIODS.find((known) => known === per);
  if (period === undefined) throw new UsageError('--per takes total, day or month');
  if (options.per !== undefined && calls === undefined) throw new UsageError('--per needs --calls');
  return {
    ...(calls === undefined ? {} : { limits: [{ per: period, calls: parseCount(calls, 1, '--calls') }] }),
    ...(dlg === undefined ? {} : { dlg: parseCount(dlg, 0, '--dlg') }),
    ...(invoke === false ? { invoke } : {}),
    ...(bearerBelow === true ? { bearer_below: true } : {}),
  };
}

/** When it ends, in Unix seconds; undefined if that was not said. */
export function expiryOf({ expires }: LinkOptionValues, now: number): number | undefined {
  return expires === undefined ? undefined : Math.floor(now / 1000) + parseDuration(expires);
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
