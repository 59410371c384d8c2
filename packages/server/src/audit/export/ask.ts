import {
  type BundleFilter,
  createChecker,
  BundleFilter as FilterSchema,
  MAX_EARLIER,
  MAX_INTEGER,
  type Redaction,
} from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';

/** What is asked of the log for a bundle (AUD-63). */
export interface BundleAsk {
  readonly filter: BundleFilter;
  readonly redaction: Redaction;
  /** The first index. */
  readonly from?: number;
  /** The index after the last. */
  readonly to?: number;
  /** Sizes of which the bundle is to prove that they are its beginning. */
  readonly earlier: readonly number[];
}

const LISTS = { agent: 'agents', capability: 'capabilities', tool: 'tools' } as const;
const REDACTIONS: readonly string[] = ['full', 'commitments', 'hashes'] satisfies Redaction[];
const check = createChecker(FilterSchema);

/** Reads the query of an export: `agent`, `capability` and `tool` may be given several times, all others once.
 *  @throws {TrustError} MALFORMED */
export function readBundleAsk(query: string): BundleAsk {
  const found = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!KNOWN.includes(name)) throw malformed(`there is no parameter ${JSON.stringify(name.slice(0, 32))}`);
    found.set(name, [...(found.get(name) ?? []), value]);
  }
  const once = (name: string): string | undefined => {
    const [value, ...more] = found.get(name) ?? [];
    if (more.length > 0) throw malformed(`${name} is given twice`);
    return value;
  };
  const [from, to, redact = 'full'] = [once('from'), once('to'), once('redact')];
  if (!REDACTIONS.includes(redact)) throw malformed(`redact is one of ${REDACTIONS.join(', ')}`);
  const earlier = (found.get('earlier') ?? []).map((text) => readIndex(text, 'earlier'));
  if (earlier.length > MAX_EARLIER) throw malformed(`earlier is given at most ${MAX_EARLIER} times`);
  return {
    filter: readFilter(found, once),
    redaction: redact as Redaction,
    ...(from === undefined ? {} : { from: readIndex(from, 'from') }),
    ...(to === undefined ? {} : { to: readIndex(to, 'to') }),
    earlier: [...new Set(earlier)].sort((a, b) => a - b),
  };
}

const ONCE = ['effect', 'since', 'until'] as const;
const KNOWN: readonly string[] = [...Object.keys(LISTS), ...ONCE, 'redact', 'from', 'to', 'earlier'];

function readFilter(
  found: ReadonlyMap<string, readonly string[]>,
  once: (name: string) => string | undefined,
): BundleFilter {
  const lists = Object.entries(LISTS).flatMap(([name, member]) => {
    const values = [...new Set(found.get(name) ?? [])].sort();
    return values.length === 0 ? [] : [[member, values]];
  });
  const singles = ONCE.flatMap((name) => {
    const value = once(name);
    return value === undefined ? [] : [[name, value]];
  });
  const filter: unknown = Object.fromEntries([...lists, ...singles]);
  const wrong = check(filter);
  if (wrong !== undefined) throw malformed(`the filter: ${wrong}`);
  return filter as BundleFilter;
}

function readIndex(text: string, name: string): number {
  const value = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (value <= MAX_INTEGER) return value;
  throw malformed(`${name} is not a whole number`);
}

function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', reason);
}
