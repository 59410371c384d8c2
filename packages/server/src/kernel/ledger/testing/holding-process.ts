import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTrustError, parseAnchors, verifyCapabilityAsOf } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { createSecret } from '../../../platform/secret.js';
import { createSql } from '../../../platform/sql.js';
import { clock } from '../../../platform/system.js';
import { createLedger } from '../ledger.js';
import { createLedgerStore } from '../ledger-store.js';

/** What the process is told on standard input. */
export interface HoldingTask {
  readonly address: {
    readonly socketFolder: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  readonly chain: string;
  readonly anchor: object;
  readonly workers: number;
  /** Of each call: what it may take, and what it comes to. */
  readonly held: { readonly cost: number; readonly tokens: number };
  readonly spent: { readonly cost: number; readonly tokens: number };
}

/** A line for everything that happened, once it is certain. */
export type HoldingLine =
  | { readonly did: 'ready' | 'hold' | 'settle' }
  | { readonly did: 'refuse'; readonly code: string };

// A process that is ready, is told to begin (SIGUSR2), and then holds and settles until a limit is used up or somebody kills it.
const { address, chain, anchor, workers, held, spent } = JSON.parse(readFileSync(0, 'utf8')) as HoldingTask;
const crypto = createNodeCrypto();
const sql = createSql({ address: { ...address, password: createSecret(address.password) } });
const ledger = createLedger({ store: createLedgerStore(sql), clock });
const capability = verifyCapabilityAsOf(chain, {
  time: Math.floor(clock.now() / 1000),
  anchors: parseAnchors([anchor], crypto),
  crypto,
});
const say = (line: HoldingLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

async function work(): Promise<void> {
  for (;;) {
    try {
      const cost = { amount: held.cost, currency: 'EUR' };
      const hold = await ledger.hold(capability, { cost, tokens: held.tokens });
      say({ did: 'hold' });
      await sleep(1);
      if (hold === undefined) continue;
      await hold.settle(spent);
      say({ did: 'settle' });
    } catch (error) {
      const code = isTrustError(error) ? error.code : String(error);
      say({ did: 'refuse', code });
      if (code !== 'RATE_LIMITED') return;
      await sleep(20);
    }
  }
}

await sql.query('SELECT 1');
const told = once(process, 'SIGUSR2');
say({ did: 'ready' });
await told;
await Promise.all(Array.from({ length: workers }, work));
await ledger.close();
await sql.close();
