import { join } from 'node:path';
import { createChecker, EvmAnchorSettings } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import { createKeyStore } from '../platform/key-store.js';
import type { Settings } from '../platform/settings.js';
import { random } from '../platform/system.js';
import { loadIdentities } from './identities.js';

const check = createChecker(EvmAnchorSettings);
const ANSWER_MS = 15_000;
const BLOCK_MS = 300_000;

/** `anchor-deploy`: puts the anchor contract on a chain with this platform's anchor key, which also works while the
 *  platform runs. `ANCHOR_RPC`, `ANCHOR_CHAIN_ID` and `ANCHOR_MAX_FEE_GWEI` say where.
 *  @throws {TrustError} SETTINGS_INVALID | UNAVAILABLE (such as no coin: the hint names the address) | UPSTREAM_FAILED */
export async function deployAnchor(
  { dataFolder, keyPassphrase }: Settings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<object> {
  const { rpc: url, chainId, maxFeeGwei = 0 } = readPlace(env);
  const keys = createKeyStore({ folder: join(dataFolder, 'keys'), random, passphrase: keyPassphrase });
  const { origin } = await loadIdentities(keys, await createFastestCrypto());
  const [{ deployContract }, { createRpc }, { createWallet }, { createHttpExchange }] = await Promise.all([
    import('../audit/anchor/evm/deploy.js'),
    import('../audit/anchor/evm/json-rpc.js'),
    import('../audit/anchor/evm/wallet.js'),
    import('../audit/anchor/http-exchange.js'),
  ]);
  const wallet = createWallet(await keys.loadOrCreateSeed('anchor'));
  const rpc = createRpc(url, createHttpExchange('the RPC endpoint', new AbortController().signal, ANSWER_MS));
  const maxFee = BigInt(maxFeeGwei) * 1_000_000_000n;
  const made = await deployContract({ rpc, wallet, chainId, maxFee, origin, limitMs: BLOCK_MS });
  return { ...made, chain: `eip155:${chainId}`, origin, anchorer: wallet.address };
}

function readPlace(env: Readonly<Record<string, string | undefined>>): EvmAnchorSettings {
  const place = {
    kind: 'evm',
    rpc: env['ANCHOR_RPC'],
    chainId: Number(env['ANCHOR_CHAIN_ID']),
    maxFeeGwei: Number(env['ANCHOR_MAX_FEE_GWEI'] ?? 100),
    contract: `0x${'0'.repeat(40)}`,
  };
  const wrong = check(place);
  if (wrong === undefined) return place as EvmAnchorSettings;
  throw new TrustError('SETTINGS_INVALID', `where to deploy: ${wrong}`, {
    hint: 'the endpoint is https, or http on this machine; the chain id is a number',
  });
}
