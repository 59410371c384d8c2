import { encodeCursor, uuidv7Time } from '@talosprotocol/protocol';
import { clock } from '../../../platform/system.js';
import { createExplorer, type EventQuery, type Explorer } from '../../explorer/explorer.js';
import { createRoller } from '../../rollup/roller.js';
import { createStatistics } from '../../rollup/stats.js';
import { createAudit } from '../../service.js';
import { decision } from '../room.js';
import { createTraffic, seeded, type Traffic } from '../traffic.js';
import { askStats, STATS } from './ask-stats.js';
import type { Asked, Bench } from './asked.js';
import { fillLog } from './fill.js';
import { sorted } from './ingest.js';
import type { LoadPlace } from './load-log.js';
import { BEGIN, createPicker, DAYS, QUESTIONS, type Question, SELDOM } from './questions.js';
import { createRemembered, type Remembered } from './remembered.js';

export interface Explored {
  readonly asked: readonly Asked[];
  readonly events: number;
  readonly fillSeconds: number;
  /** How long the sums of all events took to be made. */
  readonly countSeconds: number;
}

const LIMIT = 100;
const SEED = 11;

/** Fills a log with so many events over 30 days, and asks for them in every way. @throws {Error} an answer was wrong */
export async function measureExplorer(place: LoadPlace, events: number, samples: number): Promise<Explored> {
  const traffic = createTraffic({
    seed: SEED,
    agents: 100,
    chainsPerAgent: 2,
    tools: 24,
    exp: 2_000_000_000,
  });
  const remembered = createRemembered(events + 1_000);
  const begun = clock.monotonic();
  await fillRemembered(place, traffic, remembered, events);
  const filled = clock.monotonic();
  const roller = createRoller({ sql: place.sql, log: place.deps.log });
  while (!(await roller.step()));
  const counted = clock.monotonic();
  const asked = await askAll({ place, traffic, remembered, samples });
  return {
    asked,
    events: remembered.size,
    fillSeconds: (filled - begun) / 1000,
    countSeconds: (counted - filled) / 1000,
  };
}

const timeAt = (index: number, events: number): number =>
  BEGIN + Math.floor((index / events) * DAYS * 86_400_000);

async function fillRemembered(
  { sql, deps }: LoadPlace,
  traffic: Traffic,
  remembered: Remembered,
  events: number,
): Promise<void> {
  const seldom = seldomCalls();
  const timeOf = (index: number): number => timeAt(index, events);
  const next = () => {
    if (remembered.size >= events) return [];
    const drafts = traffic.next(Math.min(10_000, events - remembered.size));
    // What happened seldom lies far back.
    if (remembered.size === 0) drafts.push(...seldom);
    for (const draft of drafts) remembered.add(draft, timeOf(remembered.size));
    return drafts;
  };
  await fillLog({ sql, deps, vkey: createAudit(deps).vkey }, next, timeOf);
}

/** A few calls, denied before anybody knew whose they were, of a tool that nobody else uses. */
function seldomCalls() {
  return [0, 1, 2].map(() => {
    const made = decision({ effect: 'deny' });
    const { members } = made;
    return {
      ...made,
      members: { ...members, code: 'UNKNOWN_TOOL' as const, action: { ...members.action, ...SELDOM } },
    };
  });
}

async function askAll(bench: Bench): Promise<Asked[]> {
  const { sql, deps } = bench.place;
  const explorer = createExplorer({ sql, clock, crypto: deps.crypto });
  const statistics = createStatistics({ ...deps, roller: createRoller({ sql, log: deps.log }) });
  const random = seeded(SEED);
  const asked: Asked[] = [];
  const picker = createPicker(bench.remembered, bench.traffic, random);
  for (const [query, make] of Object.entries(QUESTIONS))
    asked.push(await askEvents(bench, explorer, query, () => make(picker)));
  asked.push(await askOne(bench, explorer, random));
  for (const ask of STATS) asked.push(await askStats(bench, statistics, ask, random));
  return asked;
}

async function askEvents(
  bench: Bench,
  explorer: Explorer,
  query: string,
  make: () => Question,
): Promise<Asked> {
  const waits: number[] = [];
  let requests = 0;
  for (let i = 0; i < bench.samples; i += 1) {
    const { filter, order = 'newest', behind } = make();
    const place = behind === undefined ? undefined : behind % bench.remembered.size;
    const cursor = place === undefined ? undefined : await cursorAt(bench, place);
    const answer = await askUntilFull(explorer, {
      filter,
      order,
      ...(cursor === undefined ? {} : { cursor }),
    });
    waits.push(...answer.waits);
    requests = Math.max(requests, answer.waits.length);
    const from = place ?? (order === 'newest' ? bench.remembered.size : 0);
    const right = bench.remembered.find(filter, from, order, LIMIT);
    if (JSON.stringify(answer.indexes) !== JSON.stringify(right))
      throw new Error(`${query}: ${JSON.stringify(filter)} gave ${answer.indexes}, right is ${right}`);
  }
  return { query, samples: waits.length, requests, ...sorted(waits) };
}

/** A page may be short: the work of each is bounded (AUD-66). */
async function askUntilFull(explorer: Explorer, query: Omit<EventQuery, 'limit'>) {
  const indexes: number[] = [];
  const waits: number[] = [];
  let cursor = query.cursor;
  do {
    const wanted = { ...query, limit: LIMIT - indexes.length };
    const begun = clock.monotonic();
    const { events, next } = await explorer.events(cursor === undefined ? wanted : { ...wanted, cursor });
    waits.push(clock.monotonic() - begun);
    for (const { index } of events) indexes.push(index);
    cursor = next ?? undefined;
  } while (cursor !== undefined && indexes.length < LIMIT);
  return { indexes, waits };
}

async function cursorAt({ place: { sql } }: Bench, index: number): Promise<string> {
  const [row] = await sql.query<{ id: string }>('SELECT id FROM audit_event WHERE idx = $1', [index]);
  const id = row?.id ?? '';
  return encodeCursor({ seconds: Math.floor(uuidv7Time(id) / 1000), id });
}

async function askOne(
  { remembered, samples }: Bench,
  explorer: Explorer,
  random: () => number,
): Promise<Asked> {
  const waits: number[] = [];
  for (let i = 0; i < samples; i += 1) {
    const index = Math.floor(random() * remembered.size);
    const begun = clock.monotonic();
    const { event } = await explorer.event(String(index));
    waits.push(clock.monotonic() - begun);
    if (event.type !== remembered.kind(index).type) throw new Error(`event ${index} is a ${event.type}`);
  }
  return { query: 'one event', samples, requests: 1, ...sorted(waits) };
}
