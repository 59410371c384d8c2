import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { arch, platform } from 'node:process';
import { createReaper } from '../../../../platform/reaper.js';
import { createHttpExchange } from '../../http-exchange.js';
import { createRpc, type Rpc } from '../json-rpc.js';

/** A real chain of one's own. */
export interface Anvil {
  readonly url: string;
  readonly chainId: number;
  readonly rpc: Rpc;
  mine(blocks: number): Promise<void>;
  /** Gives an address some coin. */
  fund(address: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a chain; it ends with this process however that ends. A block comes with each transaction, unless told. */
export async function startAnvil(options: readonly string[] = []): Promise<Anvil> {
  const reaper = createReaper();
  const child = spawn(findBinary(), ['--port', '0', ...options], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  reaper.addGroup(child.pid ?? 0);
  const url = `http://${await findAddress(child.stdout)}`;
  const rpc = createRpc(url, createHttpExchange('anvil', new AbortController().signal, 30_000));
  const chainId = Number(await rpc('eth_chainId'));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    url,
    chainId,
    rpc,
    mine: async (blocks) => void (await rpc('anvil_mine', `0x${blocks.toString(16)}`)),
    fund: async (address) => void (await rpc('anvil_setBalance', address, '0xde0b6b3a7640000')),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await reaper.close();
    },
  };
}

/** The binary itself: the script of the package would start it as a child that outlives the script. */
function findBinary(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'));
  const name = `@foundry-rs/anvil-${platform}-${arch === 'x64' ? 'amd64' : arch}`;
  return join(require.resolve(`${name}/package.json`), '../bin/anvil');
}

/** Anvil says where it listens; it goes on printing, which nobody needs. */
function findAddress(output: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    output.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('utf8')).slice(-65_536);
      const [, address] = /Listening on ([0-9.]+:[0-9]+)/.exec(text) ?? [];
      if (address !== undefined) resolve(address);
    });
    output.once('end', () => reject(new Error(`anvil ended: ${text.slice(-500)}`)));
  });
}
