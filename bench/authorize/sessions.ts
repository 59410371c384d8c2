import {
  type Authorizer,
  createAuthorizer,
  createSessionTable,
  type Program,
  type SessionTable,
  sessionRefusal,
  type VerifiedCapability,
  verifyCapability,
} from '@talosprotocol/protocol';
import { collectGarbage, heldBytes } from '../runner.js';
import { itemOf } from './calls.js';
import { type ChainShape, crypto, issueFor, random, type World } from './world.js';

/** How many sessions there are, and for how many capabilities: session n is of capability n modulo their number. */
export interface SessionSizes extends ChainShape {
  readonly sessions: number;
  /** A multiple of 64, or one for each session. */
  readonly capabilities: number;
}

/** What a gateway keeps with a session. */
export interface Context {
  readonly capability: VerifiedCapability;
  readonly program: Program;
}

/** Open sessions, each with an id, a key and a replay window of its own. */
export interface Sessions {
  readonly table: SessionTable<Context>;
  readonly authorizer: Authorizer;
  readonly sids: readonly string[];
  /** An id of which only the randomness is wrong. */
  readonly forgedSid: string;
  /** The last number used, by session. */
  readonly seqs: Uint32Array;
  /** Memory of the table and all it refers to, by session. */
  readonly bytesEach: number;
}

const SID_LENGTH = 42;

/** Issues, verifies and opens. The memory is what the table holds then; ids and numbers are the clients'. */
export async function openSessions(world: World, sizes: SessionSizes): Promise<Sessions> {
  const { sessions, capabilities } = sizes;
  const sids = Buffer.alloc(sessions * SID_LENGTH);
  collectGarbage();
  const before = heldBytes();
  const authorizer = createAuthorizer(crypto);
  // The operator names the actions of its tools; a number each.
  for (const kind of ['allowed', 'write'] as const) authorizer.actions.intern(itemOf(0, kind));
  const table = createTable(world, sessions);
  for (let holder = 0; holder < capabilities; holder += 1) {
    const capability = await verifyCapability(issueFor(world, holder, sizes), world.context());
    const context = { capability, program: authorizer.programOf(capability) };
    for (let session = holder; session < sessions; session += capabilities)
      sids.write(openOne(table, context, { session, holder }), session * SID_LENGTH, 'latin1');
  }
  collectGarbage();
  const bytesEach = Math.round((heldBytes() - before) / sessions);
  const texts = Array.from({ length: sessions }, (_, session) =>
    sids.toString('latin1', session * SID_LENGTH, (session + 1) * SID_LENGTH),
  );
  const forgedSid = altered(texts[0] as string);
  return { table, authorizer, sids: texts, forgedSid, seqs: new Uint32Array(sessions), bytesEach };
}

function createTable(world: World, capacity: number): SessionTable<Context> {
  return createSessionTable<Context>({
    node: 1,
    boot: 1,
    gateway: world.gateway,
    capacity,
    crypto,
    now: Date.now,
    random,
    isRevoked: (lid) => world.revoked.has(lid),
  });
}

function openOne(
  table: SessionTable<Context>,
  context: Context,
  { session, holder }: { readonly session: number; readonly holder: number },
): string {
  const { capability } = context;
  const { sid } = table.open({
    subject: capability.holder,
    lids: capability.links.map(({ lid }) => lid),
    exp: capability.expires,
    window: 256,
    context,
    authority: String(holder),
    bytes: 1024 + 12 * capability.chain.length,
    deriveKey: () => keyOf(session),
  });
  return sid;
}

/** The key of a session, which both sides agreed on when it was opened; made anew so that nobody has to keep it. */
export function keyOf(session: number): Uint8Array {
  const key = new Uint8Array(32).fill(7);
  new DataView(key.buffer).setUint32(0, session);
  return key;
}

/** Another character within the randomness, which nobody can guess. */
function altered(sid: string): string {
  return `${sid.slice(0, 30)}${sid[30] === 'A' ? 'B' : 'A'}${sid.slice(31)}`;
}

/** The number by which the table refuses for this reason. */
export function refusalCode(code: string, reason = ''): number {
  for (let number = -1; ; number -= 1) {
    const refusal = sessionRefusal(number);
    if (refusal.code === code && refusal.message.includes(reason)) return number;
  }
}
