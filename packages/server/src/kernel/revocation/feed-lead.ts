import { type FeedHead, type Signer, signFeedHeartbeat, TrustError } from '@talosprotocol/protocol';
import type { SqlSession } from '../../platform/sql.js';
import type { Clock } from '../../platform/system.js';
import { takeFeedLead, writeHeartbeat } from './feed-store.js';

/** Leads the feed while this node's session holds its lock: one node signs heartbeats at a time. */
export interface FeedLead {
  /** Takes the lead if it is free; if it has it, beats where `catchUp` says the feed stands, and gives the heartbeat that was
   *  written.
   *  @throws {TrustError} UNAVAILABLE: the database does not answer; what `catchUp` throws */
  beat(catchUp: () => Promise<FeedHead>): Promise<string | undefined>;
}

export interface FeedLeadDeps {
  readonly iss: string;
  readonly organisation: Signer;
  readonly clock: Clock;
  readonly session: () => SqlSession | undefined;
  /** Gives up the session, and with it the lead. */
  readonly give: () => void;
}

const ANSWER_MS = 3_000;
/** A clock that was set by more than this is another clock. */
const STEP_MS = 1_000;

interface Held {
  readonly session: SqlSession;
  readonly epoch: number;
  /** By how much the time of day was ahead of the monotonic clock when the lead was taken. */
  readonly offset: number;
  beat: number;
}

export function createFeedLead({ iss, organisation, clock, session, give }: FeedLeadDeps): FeedLead {
  let held: Held | undefined;

  const beat = async (on: SqlSession, catchUp: () => Promise<FeedHead>): Promise<string | undefined> => {
    // Within an epoch readers take the time of a heartbeat for when it was sent: a clock that was set begins another one.
    const offset = clock.now() - clock.monotonic();
    if (held?.session !== on || Math.abs(offset - held.offset) > STEP_MS) {
      const epoch = await takeFeedLead(on, iss);
      held = epoch === undefined ? undefined : { session: on, epoch, offset, beat: 0 };
    }
    if (held === undefined) return undefined;
    const { epoch } = held;
    const head = await catchUp();
    held.beat += 1;
    const time = Math.floor(clock.now());
    const heartbeat = signFeedHeartbeat(
      { time, epoch, beat: held.beat, n: head.n, hash: head.hash },
      organisation,
    );
    if (await writeHeartbeat(on, { iss, epoch, heartbeat })) return heartbeat;
    held = undefined;
    give();
    return undefined;
  };
  return {
    beat: async (catchUp) => {
      const on = session();
      if (on === undefined) return undefined;
      try {
        return await within(beat(on, catchUp));
      } catch (error) {
        held = undefined;
        give();
        throw error;
      }
    },
  };
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new TrustError('UNAVAILABLE', 'the database does not answer the revocation feed');
    timer = setTimeout(() => reject(error), ANSWER_MS);
  });
  work.catch(() => undefined);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
