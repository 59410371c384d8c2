import { isTrustError, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../../platform/log.js';
import type { AnchorStore } from '../anchor-store.js';
import type { Sight } from '../anchorer.js';
import type { AnchoredEvents } from './anchored-events.js';
import type { EvmPlace } from './chain.js';
import { formatWatched, noteOthers, noteUnread, parseWatched, type Watched, watchedFrom } from './watched.js';

/** Looks for others who anchor the same origin. Whoever trusts the right anchorer is not deceived by them; that there is
 *  one may mean that somebody shows another history under our name. */
export interface ForeignWatch {
  /** Looks at blocks up to `confirmed` that it has not looked at, also before a restart: in steps, of which one call makes
   *  a bounded number. Does not reject: what it cannot see is in the answer. */
  look(confirmed: number): Promise<Sight>;
}

export interface ForeignWatchDeps {
  readonly events: AnchoredEvents;
  /** Under this name it is kept how far it was looked. */
  readonly name: string;
  readonly place: Pick<EvmPlace, 'anchorer' | 'origin'>;
  readonly store: Pick<AnchorStore, 'watched' | 'noteWatched'>;
  readonly log: Log;
}

/** Blocks of one request: what public endpoints answer. So far is looked back at first. */
const BLOCKS = 1_000;
const REQUESTS = 16;
/** Looks in which a single block must fail before it is passed over. */
const TRIES = 3;

export function createForeignWatch(deps: ForeignWatchDeps): ForeignWatch {
  const { events, name, place, store } = deps;
  let watched: Watched | undefined;
  let blocks = BLOCKS;
  const stuck = { block: -1, looks: 0 };
  const unsaid: string[] = [];
  const open = async (confirmed: number): Promise<Watched> => {
    const kept = await store.watched(name);
    const found = kept === undefined ? watchedFrom(Math.max(-1, confirmed - BLOCKS)) : parseWatched(kept);
    unsaid.push(...found.said);
    return found;
  };
  const step = async (at: Watched, confirmed: number): Promise<void> => {
    const from = at.seen + 1;
    const to = Math.min(confirmed, from + blocks - 1);
    try {
      unsaid.push(...noteOthers(at, place, await events.read(from, to)));
    } catch (error) {
      blocks = Math.ceil((to - from + 1) / 2);
      if (to > from && !isUnavailable(error)) return;
      if (to > from || !(await isUnreadable(deps, from, stuck))) throw error;
      unsaid.push(...noteUnread(at, place, from));
    }
    at.seen = to;
    blocks = Math.min(BLOCKS, blocks * 2);
    await store.noteWatched(name, formatWatched(at));
  };
  const advance = async (confirmed: number): Promise<void> => {
    watched ??= await open(confirmed);
    assertNear(watched.seen, confirmed);
    for (let asked = 0; asked < REQUESTS && watched.seen < confirmed; asked += 1)
      await step(watched, confirmed);
  };
  return {
    look: async (confirmed) => {
      const blind = confirmed < 0 ? undefined : await faultOf(() => advance(confirmed));
      const alarms = unsaid.splice(0).map((reason) => ({ code: 'FOREIGN', reason }) as const);
      return { alarms, blind, unseen: Math.max(0, confirmed - (watched?.seen ?? confirmed)) };
    },
  };
}

/** Whether it is the block, and not the endpoint: it failed again and again, and once more after another question about it
 *  was answered. @throws {TrustError} what the endpoint answers them with */
async function isUnreadable(
  { events, name, log }: ForeignWatchDeps,
  block: number,
  stuck: { block: number; looks: number },
): Promise<boolean> {
  Object.assign(stuck, { block, looks: stuck.block === block ? stuck.looks + 1 : 1 });
  if (stuck.looks < TRIES) return false;
  await events.probe(block);
  if ((await faultOf(() => events.read(block, block))) === undefined) return false;
  log.warn('a block is passed over: its anchors cannot be read', { stage: name, line: `block ${block}` });
  return true;
}

/** An endpoint that knows less than was seen shows nothing new, whatever happens. */
function assertNear(seen: number, confirmed: number): void {
  if (seen - confirmed <= BLOCKS) return;
  const reason = `the RPC endpoint has ${seen - confirmed} blocks fewer than were looked at`;
  throw new TrustError('UPSTREAM_FAILED', reason, { hint: 'name an endpoint that is not behind' });
}

function isUnavailable(error: unknown): boolean {
  return isTrustError(error) && error.code === 'UNAVAILABLE';
}

async function faultOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
}
