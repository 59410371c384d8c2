import {
  createReplayWindow,
  createSessionTable,
  type ReplayWindow,
  type SessionTable,
  type VerifiedCapability,
  verifyCapability,
} from '@talosprotocol/protocol';
import { collectGarbage, heldBytes } from '../runner.js';
import { type ChainShape, crypto, issueFor, random, type World } from './world.js';

/** What each open session carries. */
interface Context {
  readonly capability: VerifiedCapability;
  /** The table uses a number up only with a MAC; where none is measured, this window stands for its own. */
  readonly seen: ReplayWindow;
}

/** Open sessions, each with a holder, a capability and a key of its own. */
export interface Sessions {
  readonly table: SessionTable<Context>;
  readonly sids: readonly string[];
  readonly keys: readonly Uint8Array[];
  /** The last number used, by session. */
  readonly seqs: Float64Array;
  readonly bytesEach: number;
}

/** Issues, verifies and opens; the memory is what they hold once that is done. */
export async function openSessions(world: World, count: number, shape: ChainShape = {}): Promise<Sessions> {
  const table = createSessionTable<Context>({
    node: 1,
    boot: 1,
    gateway: world.gateway,
    capacity: count,
    crypto,
    now: Date.now,
    random,
    isRevoked: (lid) => world.revoked.has(lid),
  });
  const sids: string[] = [];
  const keys: Uint8Array[] = [];
  collectGarbage();
  const before = heldBytes();
  for (let session = 0; session < count; session += 1) {
    const capability = await verifyCapability(issueFor(world, session, shape), world.context());
    const key = random(32);
    keys.push(key);
    sids.push(openOne(table, capability, key));
  }
  collectGarbage();
  const bytesEach = Math.round((heldBytes() - before) / count);
  return { table, sids, keys, seqs: new Float64Array(count), bytesEach };
}

function openOne(table: SessionTable<Context>, capability: VerifiedCapability, key: Uint8Array): string {
  const session = table.open({
    subject: capability.holder,
    lids: capability.links.map(({ lid }) => lid),
    exp: capability.expires,
    window: 256,
    context: { capability, seen: createReplayWindow(256) },
    deriveKey: () => Uint8Array.from(key),
  });
  return session.sid;
}
