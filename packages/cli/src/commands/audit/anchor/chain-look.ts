import type { AnchorProof, EvmAnchorProof, TrustedBlock } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import type { Io } from '../../../io.js';
import { UsageError } from '../../../usage-error.js';

const MAX_ANSWER = 1_048_576;
const TIMEOUT_MS = 15_000;

/** Looks the block of an anchor up at an endpoint, in place of an auditor with an explorer: what the endpoint says of the
 *  block is believed, and nothing else of it.
 *  @throws {TrustError} PROOF_NOT_PROVEN: another chain, another block of that number, or too few on it
 *  | UNAVAILABLE | UPSTREAM_FAILED */
export async function lookUpBlock(
  io: Io,
  url: string,
  anchor: AnchorProof,
  confirmations: number,
): Promise<TrustedBlock> {
  if (anchor.kind !== 'evm')
    throw new UsageError('--rpc is for anchors on EVM chains; name the block in the trust file');
  const { chain, block }: EvmAnchorProof = anchor;
  const ask = createAsk(io, url);
  const found = `eip155:${Number(await ask('eth_chainId', []))}`;
  if (found !== chain) throw notProven(`the endpoint is of ${found}, and the anchor of ${chain}`);
  const latest = Number(await ask('eth_blockNumber', []));
  if (!(latest - block.number + 1 >= confirmations))
    throw notProven(`block ${block.number} has not ${confirmations} confirmations yet`);
  const answer = await ask('eth_getBlockByNumber', [`0x${block.number.toString(16)}`, false]);
  const { hash } = Object(answer) as { hash?: unknown };
  if (hash !== block.hash)
    throw notProven(`the chain has another block ${block.number}: it dropped this anchor`);
  return { chain, number: block.number, hash: block.hash };
}

function createAsk(io: Io, url: string): (method: string, params: readonly unknown[]) => Promise<unknown> {
  if (!/^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?=[:/]|$))/.test(url))
    throw new UsageError('--rpc takes an https address, or http on this machine');
  return async (method, params) => {
    const response = await io
      .fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      .catch(() => {
        throw new TrustError('UNAVAILABLE', 'the RPC endpoint cannot be reached');
      });
    const { result } = Object(parse(await readBounded(response))) as { result?: unknown };
    if (result === undefined || result === null)
      throw new TrustError('UPSTREAM_FAILED', 'the RPC endpoint does not answer as JSON-RPC does');
    return result;
  };
}

async function readBounded(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER) return '';
  }
  return text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notProven(reason: string): TrustError {
  return new TrustError('PROOF_NOT_PROVEN', reason, { caveat: 'anchor block' });
}
