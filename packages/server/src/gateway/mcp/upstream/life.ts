import type { Clock } from '../../../platform/system.js';
import type { ServerPolicy } from '../../admission/ports.js';
import { type Announcement, initialize, listTools } from './announcement.js';
import type { ChildDeps } from './child.js';
import { type Connection, connect } from './connection.js';
import type { Limits } from './limits.js';
import type { UpstreamMeter } from './upstream-metrics.js';

export interface LifeDeps extends ChildDeps {
  readonly clock: Clock;
  readonly meter: UpstreamMeter;
}

/** One run of a tool server's process, from its start to its end. */
export interface Life {
  readonly connection: Connection;
  /** The tools as announced, at most `maxAgeMs` old and from after the last change it told of. */
  announced(maxAgeMs: number): Announcement | Promise<Announcement>;
  /** True if the server told of a change since `announcement` was made. */
  isOutdated(announcement: Announcement): boolean;
  stop(): Promise<void>;
}

/** Starts the process and completes the handshake. `onEnd` is also called when that fails.
 *  @throws {TrustError} UPSTREAM_FAILED */
export async function startLife(
  server: ServerPolicy,
  limits: Limits,
  deps: LifeDeps,
  onEnd: (reason: string) => void,
  leaving: AbortSignal,
): Promise<Life> {
  // Counts the changes the server told of: a list asked for before the last one is outdated.
  let changes = 0;
  let current: Announcement | undefined;
  let listing: Promise<Announcement> | undefined;
  const onToolsChanged = (): void => {
    changes += 1;
  };
  const connection = connect(server.run, limits.maxMessageBytes, deps, { onToolsChanged, onEnd });
  const isOutdated = ({ change }: Announcement): boolean => change !== changes;
  const list = async (): Promise<Announcement> => {
    const change = changes;
    const tools = await listTools(connection, limits.callTimeoutMs);
    current = { tools, change, at: deps.clock.monotonic() };
    return current;
  };
  const relist = (): Promise<Announcement> => {
    listing ??= list().finally(() => {
      listing = undefined;
    });
    return listing;
  };
  // A server that never answers must not hold up the end of everything for its whole time limit.
  const giveUp = (): void => void connection.stop();
  leaving.addEventListener('abort', giveUp, { once: true });
  try {
    await initialize(connection, limits.startTimeoutMs);
  } catch (error) {
    await connection.stop();
    throw error;
  } finally {
    leaving.removeEventListener('abort', giveUp);
  }
  return {
    connection,
    isOutdated,
    announced(maxAgeMs) {
      if (current === undefined || isOutdated(current)) return relist();
      return deps.clock.monotonic() - current.at <= maxAgeMs ? current : relist();
    },
    stop: () => connection.stop(),
  };
}
