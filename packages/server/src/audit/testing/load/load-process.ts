import { clock } from '../../../platform/system.js';
import { decision } from '../room.js';
import { measureExplorer } from './explore.js';
import { growTo } from './grow.js';
import { measureIngest, sorted } from './ingest.js';
import { type LoadLog, openLoadLog, openLoadPlace } from './load-log.js';
import { measureProofs } from './proofs.js';

/** A process that measures a log in the data folder of its first argument, and says what it found as one line of JSON:
 *  - `ingest <producers> <events> <rounds>`: the log and plain inserts in turns;
 *  - `grow <size>`: grows the log to that size;
 *  - `measure <appends>`: how long the log took to open, and what appends and proofs take in it;
 *  - `explore <size> <samples>`: fills the tables of a log, and asks for its events in every way. */
const [, , folder = '', mode = '', ...numbers] = process.argv;
const [first = 0, second = 0, third = 0] = numbers.map(Number);

const found = mode === 'explore' ? await explore() : await measureLog();
process.stdout.write(`${JSON.stringify({ ...found, rss: process.memoryUsage.rss() })}\n`);

async function explore(): Promise<object> {
  const place = await openLoadPlace(folder);
  const explored = await measureExplorer(place, first, second);
  await place.close();
  return explored;
}

async function measureLog(): Promise<object> {
  const load = await openLoadLog(folder);
  const measured = await measure(load);
  await load.close();
  return { ...measured, startMs: load.startMs };
}

async function measure(load: LoadLog): Promise<object> {
  if (mode === 'ingest') return measureIngest(load, { producers: first, events: second, rounds: third });
  if (mode === 'grow') return { growth: await growTo(load, first) };
  return { appends: await measureAppends(load, 64, first), proofs: await measureProofs(load) };
}

/** Events per second of so many producers, and milliseconds until one is durable. */
async function measureAppends(load: LoadLog, producers: number, events: number) {
  const waits: number[] = [];
  let left = events;
  const begun = clock.monotonic();
  const produce = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const from = clock.monotonic();
      await load.audit.record(decision({ cth: load.cth }));
      waits.push(clock.monotonic() - from);
    }
  };
  await Promise.all(Array.from({ length: producers }, produce));
  const perSecond = events / ((clock.monotonic() - begun) / 1000);
  await load.audit.reach((await load.audit.stats()).sequenced, 60_000);
  return { perSecond, waits: sorted(waits) };
}
