import { calcPrice, findProvider } from '@pydantic/genai-prices';
import type { ModelRates } from '@talosprotocol/contracts';
import { type CryptoProvider, canonicalBytes } from '@talosprotocol/protocol';
import type { ProviderPolicy } from './provider.js';

/** The release of the price table; a test holds it against the package. */
export const PRICE_TABLE = '@pydantic/genai-prices 0.1.8';

/** What models cost. */
export interface Prices {
  /** What tokens of a call cost that reads `input` of them at `at` (Unix milliseconds); undefined if nobody knows. */
  ratesOf(provider: ProviderPolicy, model: string, input: number, at: number): ModelRates | undefined;
  /** Most tokens a model takes and gives together, as far as that is known. */
  windowOf(provider: ProviderPolicy, model: string, at: number): number | undefined;
  /** Most tokens that may be read of a document whose model this is: what the operator says, else more than the table does. */
  readableOf(provider: ProviderPolicy, model: string, at: number): number | undefined;
  /** True if what a document costs there may be in no count of tokens. */
  paysByPage(provider: ProviderPolicy): boolean;
  /** Names the table and what the operator put in its place: hex. */
  hashOf(provider: ProviderPolicy): string;
}

/** Models that take more than the table knows, by much; by a name that begins so. */
const LARGER: readonly (readonly [RegExp, number])[] = [[/^gemini-1\.5-pro/, 2_097_152]];
/** Windows of the table are rounded down: one of 1,000,000 is of 1,047,576 or 1,050,000. */
const TENTHS = 11;

function withMargin(window: number, model: string): number {
  const known = LARGER.find(([name]) => name.test(model.slice(model.lastIndexOf('/') + 1)))?.[1] ?? 0;
  return Math.max(Math.ceil((window * TENTHS) / 10), known);
}

/** Models that draw, by their names: where the table has no price for pictures of one, it has that of its words in its place. */
const DRAWS = /(?:^|[-/])image(?:$|[-:])/;

type Table = Record<string, unknown>;

/** Who has a document read by another service for models that read none themselves, and charges for its pages. */
const BY_PAGE: ReadonlySet<string | undefined> = new Set(['openrouter']);

/** Builds it. */
export function createPrices(crypto: CryptoProvider): Prices {
  const tables = new WeakMap<ProviderPolicy, { readonly id: string | undefined }>();
  // Only by address: a provider that merely serves a model of a name that others have may ask another price.
  const tableOf = (provider: ProviderPolicy): string | undefined => {
    const known = tables.get(provider) ?? { id: findProvider({ providerApiUrl: provider.baseUrl })?.id };
    tables.set(provider, known);
    return known.id;
  };
  const find = (provider: ProviderPolicy, model: string, input: number, at: number) => {
    const providerId = provider.prices ?? tableOf(provider);
    if (providerId === undefined) return undefined;
    return calcPrice({ input_tokens: input, output_tokens: 1 }, model, {
      providerId,
      timestamp: new Date(at),
    });
  };
  const hashes = new WeakMap<ProviderPolicy, string>();
  const hash = ({ prices, models }: ProviderPolicy): string => {
    const own = [...(models ?? [])].flatMap(([model, { rates }]) => (rates ? [[model, rates]] : []));
    return crypto.sha256Hex(canonicalBytes([PRICE_TABLE, prices ?? null, Object.fromEntries(own)]));
  };
  return {
    ratesOf: (provider, model, input, at) => {
      const own = provider.models?.get(model)?.rates;
      if (own !== undefined) return own;
      const table = DRAWS.test(model) ? undefined : find(provider, model, input, at)?.model_price;
      return table && ratesFrom(table, input);
    },
    windowOf: (provider, model, at) =>
      provider.models?.get(model)?.window ?? find(provider, model, 1, at)?.model.context_window,
    readableOf: (provider, model, at) => {
      const window = find(provider, model, 1, at)?.model.context_window;
      return provider.models?.get(model)?.window ?? (window && withMargin(window, model));
    },
    paysByPage: (provider) => BY_PAGE.has(provider.prices) || BY_PAGE.has(tableOf(provider)),
    hashOf: (provider) => {
      const known = hashes.get(provider) ?? hash(provider);
      hashes.set(provider, known);
      return known;
    },
  };
}

/** What a table may ask a price of its own for, that may be in a call of ours, and that is in no count of tokens: then nobody knows what
 *  the call costs. Audio does not pass, and of what a provider looks up elsewhere LLM-7 says. */
const UNCOUNTED = [
  'requests_kcount',
  'input_text_messages_kcount',
  'input_image_mtok',
  'output_image_mtok',
  'output_video_mtok',
  'output_reasoning_mtok',
  'output_citation_mtok',
];

/** Rates of the table are dollars for a million tokens, in steps by how much is read. What a cache costs that the table does
 *  not name costs as all that is read. */
function ratesFrom(table: Table, input: number): ModelRates | undefined {
  const rate = (name: string): number | undefined => microUnits(table[name], input);
  const [read, written] = [rate('input_mtok'), rate('output_mtok') ?? 0];
  if (read === undefined || UNCOUNTED.some((name) => table[name] !== undefined)) return undefined;
  const [cacheRead, cacheWrite] = [rate('cache_read_mtok'), rate('cache_write_mtok')];
  return {
    currency: 'USD',
    input: read,
    output: written,
    ...(cacheRead === undefined ? {} : { cache_read: cacheRead }),
    ...(cacheWrite === undefined ? {} : { cache_write: cacheWrite }),
  };
}

interface Tiered {
  readonly base: number;
  readonly tiers: readonly { readonly start: number; readonly price: number }[];
}

function microUnits(price: unknown, input: number): number | undefined {
  if (price === undefined) return undefined;
  const dollars = typeof price === 'number' ? price : stepOf(price as Tiered, input);
  // Prices have few digits; what their floating point adds beyond a thousandth of a micro-unit is none of them.
  return Math.ceil(Number((dollars * 1_000_000).toFixed(3)));
}

/** A step counts for all tokens of a call that reads more than where it starts. */
function stepOf({ base, tiers }: Tiered, input: number): number {
  return tiers.reduce((price, tier) => (input > tier.start ? tier.price : price), base);
}
