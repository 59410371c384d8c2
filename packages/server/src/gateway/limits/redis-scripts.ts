import { createScript } from '../../platform/redis/redis.js';
import { PLACE_WAIT_MS } from './rate-limits.js';

/** What the scripts share. Time is that of Redis, so that it does not matter whose clock goes wrong. A bucket is a hash of its
 *  level and when that was; a key that is not there is a full bucket, so that every key may go once it would be full. Places
 *  are a sorted set of leases by the millisecond in which they end.
 *  Of each key, four arguments follow the first two: its kind, capacity, flow per minute, and an amount. */
const PRELUDE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease, lease_ms = ARGV[1], tonumber(ARGV[2])
local function asked(i)
  local at = 4 * i - 1
  return ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]) / 60000, tonumber(ARGV[at + 3])
end
local function level_of(key, capacity, per_ms)
  local bucket = redis.call('HMGET', key, 'level', 'at')
  if not bucket[1] then return capacity end
  return math.min(capacity, tonumber(bucket[1]) + math.max(0, now - tonumber(bucket[2])) * per_ms)
end
local function set_level(key, level, capacity, per_ms)
  if level >= capacity then return redis.call('DEL', key) end
  redis.call('HSET', key, 'level', string.format('%.9f', level), 'at', now)
  redis.call('PEXPIRE', key, math.ceil((capacity - level) / per_ms) + 1000)
end
local function keep_place(key)
  redis.call('ZADD', key, now + lease_ms, lease)
  redis.call('PEXPIRE', key, lease_ms + 1000)
end
`;

/** Takes all or nothing. Gives the number of the key there was too little in (0: of none) and how long for, and what is left
 *  in each. */
export const TAKE = createScript(`${PRELUDE}
local answer, levels = { 0, 0 }, {}
for i, key in ipairs(KEYS) do
  local kind, capacity, per_ms, amount = asked(i)
  local wait = ${PLACE_WAIT_MS}
  if kind == 'concurrent' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    levels[i] = capacity - redis.call('ZCARD', key)
  else
    levels[i] = level_of(key, capacity, per_ms)
    wait = math.ceil((amount - levels[i]) / per_ms)
  end
  answer[i + 2] = math.floor(levels[i])
  if amount - levels[i] > 0.000001 and (answer[1] == 0 or wait > answer[2]) then
    answer[1], answer[2] = i, wait
  end
end
if answer[1] > 0 then return answer end
for i, key in ipairs(KEYS) do
  local kind, capacity, per_ms, amount = asked(i)
  local rest = math.max(0, levels[i] - amount)
  if kind == 'concurrent' then keep_place(key) else set_level(key, rest, capacity, per_ms) end
  answer[i + 2] = math.floor(rest + 0.000001)
end
return answer
`);

/** Keeps places, also those that Redis has lost meanwhile. */
export const RENEW = createScript(`${PRELUDE}
for _, key in ipairs(KEYS) do keep_place(key) end
return 0
`);

/** Gives places back, and takes from buckets of tokens what was used more than was taken. */
export const END = createScript(`${PRELUDE}
for i, key in ipairs(KEYS) do
  local kind, capacity, per_ms, more = asked(i)
  if kind == 'concurrent' then
    redis.call('ZREM', key, lease)
  else
    set_level(key, math.max(0, level_of(key, capacity, per_ms) - more), capacity, per_ms)
  end
end
return 0
`);
