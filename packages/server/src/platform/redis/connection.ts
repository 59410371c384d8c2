import { Redis as Client, Cluster } from 'ioredis';

/** What we use of the driver, of one server or of many alike. */
export interface Connection
  extends Pick<Client, 'evalsha' | 'eval' | 'info' | 'ping' | 'quit' | 'disconnect' | 'on' | 'status'> {
  /** Those that run scripts. */
  primaries(): readonly Pick<Client, 'script'>[];
}

export const TIMEOUT_MS = 500;
export const CONNECT_TIMEOUT_MS = 2_000;
const MAX_PAUSE_MS = 2_000;
const DEFAULT_PORT = 6379;

/** Longest waits, in milliseconds. */
export interface RedisTimes {
  /** For an answer; 500 by default. */
  readonly timeoutMs?: number;
  /** For a connection; 2,000 by default. */
  readonly connectTimeoutMs?: number;
}

/** Connects in the background, to the server of a `redis:` or `rediss:` URL, or with `+cluster` to all of the Redis Cluster
 *  that the server belongs to. */
export function openConnection(url: string, times: RedisTimes): Connection {
  const { protocol } = new URL(url);
  if (protocol.endsWith(CLUSTER)) return openCluster(new URL(url), times);
  const client = new Client(url, { ...optionsOf(times), enableOfflineQueue: false, retryStrategy });
  return Object.assign(client, { primaries: () => [client] });
}

const CLUSTER = '+cluster:';

function openCluster(url: URL, times: RedisTimes): Connection {
  const options = optionsOf(times);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const cluster = new Cluster([{ host, port: Number(url.port || DEFAULT_PORT) }], {
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    slotsRefreshTimeout: options.connectTimeout,
    // A call is not worth more tries than its time limit has room for.
    maxRedirections: 4,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    redisOptions: {
      ...options,
      ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
      ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
      ...(url.protocol.startsWith('rediss') ? { tls: {} } : {}),
    },
  });
  return Object.assign(cluster, {
    primaries: () => cluster.nodes('master'),
  }) as unknown as Connection;
}

const retryStrategy = (times: number): number => Math.min(MAX_PAUSE_MS, 50 * 2 ** Math.min(times, 10));

/** A command that cannot be sent now is sent never: a call that waits for a counter is refused, and would be counted for
 *  nothing later. */
function optionsOf({ timeoutMs = TIMEOUT_MS, connectTimeoutMs = CONNECT_TIMEOUT_MS }: RedisTimes) {
  return {
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeoutMs,
    connectTimeout: connectTimeoutMs,
    // A connection on which nothing is answered any more is made anew, or what was sent would pile up in it.
    socketTimeout: 2 * timeoutMs,
    // After a failover this address may lead to a replica, until it is asked for again.
    reconnectOnError: ({ message }: Error) => message.startsWith('READONLY'),
    connectionName: 'talos',
    disableClientInfo: true,
    protocol: 2,
  } as const;
}
