import { TrustError } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../../define-command.js';
import { parseCount } from '../../../grant/duration.js';
import { withPlace } from '../../../place.js';
import { printable } from '../../../printable.js';
import { withProgress } from '../../../progress.js';
import { type ServerEnvOptions, serverEnv } from '../../../server-env.js';
import { runServerCommand } from '../../../server-process.js';
import { UsageError } from '../../../usage-error.js';

interface Options extends ServerEnvOptions {
  readonly rpc?: string;
  readonly chainId?: string;
  readonly maxFeeGwei?: string;
}

/** `talos audit anchor deploy`: the contract on a chain, made with the platform's anchor key. */
export function addAnchorDeploy(anchor: Command, shell: Shell): void {
  const text = {
    usage: 'deploy',
    summary: 'put the anchor contract on an EVM chain, with the anchor key of the data folder',
    examples: [
      'talos audit anchor deploy --rpc http://127.0.0.1:8545 --chain-id 31337',
      'ANCHOR_RPC=https://... talos audit anchor deploy --chain-id 1 --max-fee-gwei 20',
    ],
    notes: [
      'The key is made if it is missing; without coin on the chain this fails and names the address to fund. An endpoint with a',
      'key in its address goes into ANCHOR_RPC, where no list of processes shows it. Nobody owns the contract: it serves',
      'any number of logs.',
    ],
  };
  const deploy: Handler<Options> = async ({ io, output, options }) => {
    const rpc = options.rpc ?? io.env['ANCHOR_RPC'];
    if (rpc === undefined) throw new UsageError('which chain?', 'add --rpc <url>, or set ANCHOR_RPC');
    if (options.chainId === undefined) throw new UsageError('which chain?', 'add --chain-id <id>');
    const env = {
      ...serverEnv(io, options),
      ANCHOR_RPC: rpc,
      ANCHOR_CHAIN_ID: String(parseCount(options.chainId, 1, '--chain-id')),
      ANCHOR_MAX_FEE_GWEI: String(parseCount(options.maxFeeGwei ?? '100', 1, '--max-fee-gwei')),
    };
    const made = readMade(
      await withProgress(io, output, 'Deploying', runServerCommand('anchor-deploy', env)),
    );
    const { contract, chain, origin, anchorer } = made;
    const trust = { contracts: [{ chain, address: contract, origin, anchorer }] };
    output.result({ ok: true, ...made, trust }, () => {
      output.line(`Contract ${contract} on ${chain}, in block ${made.block}`);
      output.line('In talos.yaml, then restart:');
      output.line(
        `  audit: { anchors: [ { kind: evm, rpc: "\${ANCHOR_RPC}", chainId: ${chain.slice(7)}, contract: "${contract}" } ] }`,
      );
      output.line(
        'In the trust file of an auditor (talos audit export --trust-out writes it), besides the blocks that they look up:',
      );
      output.line(`  ${JSON.stringify(trust)}`);
    });
    output.next('name it in talos.yaml, restart, then talos audit anchor status');
    return undefined;
  };
  withPlace(defineCommand(anchor, shell, text, deploy))
    .option('--rpc <url>', 'JSON-RPC endpoint of the chain (default: ANCHOR_RPC)')
    .option('--chain-id <id>', 'the chain that is meant')
    .option('--max-fee-gwei <number>', 'most a unit of gas may cost (default: 100)');
}

interface Made {
  readonly contract: string;
  readonly chain: string;
  readonly origin: string;
  readonly anchorer: string;
  readonly transaction: string;
  readonly block: number;
}

function readMade(value: unknown): Made {
  const { contract, chain, origin, anchorer, transaction, block } = Object(value) as Record<string, unknown>;
  const texts = [contract, chain, origin, anchorer, transaction];
  if (!texts.every((text) => typeof text === 'string') || typeof block !== 'number')
    throw new TrustError('INTERNAL', 'the answer about the contract cannot be read');
  const [address = '', on = '', of = '', by = '', hash = ''] = texts.map((text) => printable(String(text)));
  return { contract: address, chain: on, origin: of, anchorer: by, transaction: hash, block };
}
