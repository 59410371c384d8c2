import { encodeBase64url, isTrustError } from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import type { Secret } from '../platform/secret.js';
import type { Random } from '../platform/system.js';
import type { Check } from './check.js';

/** Before this one a script that has read the time cannot write any more, and ours do both. */
const OLDEST = 5;
const TOO_OLD = `update it: scripts that read the time and write need Redis ${OLDEST} or newer`;

/** What an operator can do, by what the server or the network said. */
const MENDS: readonly (readonly [said: RegExp, mend: string])[] = [
  [
    /^NOPERM/,
    'let the user of TALOS_REDIS_URL run EVALSHA, EVAL and SCRIPT LOAD, and read and write talos:*',
  ],
  [/^READONLY/, 'it is a replica: name its primary in TALOS_REDIS_URL'],
  [/^(?:MOVED|ASK|CLUSTERDOWN)/, 'it is of a Redis Cluster: let TALOS_REDIS_URL begin with redis+cluster:'],
  [/^(?:OOM|MISCONF)/, 'mend the server: it takes no writes at present'],
  [/^(?:LOADING|BUSY)/, 'wait until the server has done what it is at, and look again'],
  [
    /certificate|altnames/i,
    'its certificate must be of a CA that this machine knows: see NODE_EXTRA_CA_CERTS',
  ],
  [/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH/, 'start it, or put TALOS_REDIS_URL right'],
];
const SILENT =
  'start it, or put TALOS_REDIS_URL right: rediss: where it speaks TLS, and redis: where it does not';
/** Each has its place in a Redis Cluster, of which one node alone does not hold them all. */
const TRIALS = 16;

/** What `doctor` says of the Redis that rates are counted in: whether it answers, lets us in, and counts. Of the URL only the
 *  host is told. */
export async function examineRedis(url: Secret<string>, random: Random, log: Log): Promise<Check> {
  const name = 'redis';
  const { host } = new URL(url.reveal());
  const [{ createRedis }, { tryRedisLimits }] = await Promise.all([
    import('../platform/redis/redis.js'),
    import('../gateway/service.js'),
  ]);
  const redis = createRedis({ url, log });
  try {
    await redis.check();
    const version = await redis.version();
    if (version !== undefined && Number.parseInt(version, 10) < OLDEST)
      return { name, ok: false, detail: `${host}: version ${version} is too old`, mend: TOO_OLD };
    for (let trial = 0; trial < TRIALS; trial += 1) await tryRedisLimits(redis, encodeBase64url(random(16)));
    return { name, ok: true, detail: `${host}: version ${version ?? 'untold'} answers and counts` };
  } catch (error) {
    return unwell(name, host, error);
  } finally {
    await redis.close();
  }
}

/** What is wrong, and why in the words of the server or the network, in which nothing is that was sent. */
function unwell(name: string, host: string, error: unknown): Check {
  if (!isTrustError(error)) throw error;
  const reason = error.data.reason ?? error.message;
  const said = error.cause instanceof Error ? error.cause.message : '';
  const detail = `${host}: ${reason.includes(said) ? reason : `${reason}: ${said}`}`;
  const mend = error.data.hint ?? MENDS.find(([pattern]) => pattern.test(said))?.[1] ?? SILENT;
  return { name, ok: false, detail, mend };
}
