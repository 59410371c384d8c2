import { bitcoinHash, decodeHex, TrustError } from '@talosprotocol/protocol';
import type { Clock } from '../../../platform/system.js';
import type { HttpExchange } from '../http-exchange.js';

/** Where headers of Bitcoin blocks are looked up: the API of Esplora, which many explorers and one's own node offer. */
export interface BlockExplorer {
  /** The header of a block of that height with others on it; undefined if there is none yet.
   *  @throws {TrustError} UPSTREAM_FAILED | UNAVAILABLE */
  header(height: number): Promise<Uint8Array | undefined>;
}

const MAX_ANSWER = 1_024;
/** Blocks that count as final: the one and those on it. */
const CONFIRMATIONS = 6;

export interface BlockExplorerOptions {
  readonly clock: Clock;
  /** How old the height of the chain may be, in ms: it need not be asked for with every block that is looked up. */
  readonly tipMs: number;
}

export function createBlockExplorer(
  url: string,
  exchange: HttpExchange,
  { clock, tipMs }: BlockExplorerOptions,
): BlockExplorer {
  const ask = async (path: string, form: RegExp): Promise<string | undefined> => {
    const headers = { accept: 'text/plain' };
    const { status, bytes } = await exchange({
      method: 'GET',
      url: `${url}${path}`,
      headers,
      maxBytes: MAX_ANSWER,
    });
    if (status === 404) return undefined;
    const text = Buffer.from(bytes).toString('latin1').trim();
    if (status === 200 && form.test(text)) return text;
    throw new TrustError('UPSTREAM_FAILED', 'the explorer of Bitcoin blocks gives no proper answer', {
      hint: 'it must offer the API of Esplora, such as https://blockstream.info/api',
    });
  };
  let newest: { readonly height: number; readonly readAt: number } | undefined;
  const readTip = async (): Promise<number> => {
    const readAt = clock.monotonic();
    if (newest === undefined || readAt - newest.readAt >= tipMs)
      newest = { height: Number(await ask('/blocks/tip/height', /^[0-9]{1,9}$/)), readAt };
    return newest.height;
  };
  return {
    header: async (height) => {
      if (!((await readTip()) >= height + CONFIRMATIONS - 1)) return undefined;
      const hash = await ask(`/block-height/${height}`, /^[0-9a-f]{64}$/);
      const hex = hash === undefined ? undefined : await ask(`/block/${hash}/header`, /^[0-9a-f]{160}$/);
      if (hex === undefined) return undefined;
      const header = decodeHex(hex);
      if (bitcoinHash(header) === hash) return header;
      throw new TrustError(
        'UPSTREAM_FAILED',
        'the explorer of Bitcoin blocks gives the header of another block',
      );
    },
  };
}
