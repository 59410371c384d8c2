import type { AuditEvent } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  decodeUtf8,
  encodeUtf8,
  parseJsonObject,
  parseTime,
  TrustError,
} from '@talosprotocol/protocol';
import { append, type EmitterHead } from '../append.js';
import { buildBatch } from '../batch.js';
import { type AuditDraft, uuidOf } from '../draft.js';
import { columnsOf, type FinishedEvent, type Finisher } from '../finished-event.js';
import { createMemory } from '../known.js';
import type { Lead } from '../lead.js';
import { readLinks } from '../links.js';
import { draftOf } from '../same-event.js';

/** An entry of a log that was verified, with what opens its commitments (canonical JSON). */
export interface ArchivedEntry {
  readonly leaf: Uint8Array;
  readonly disclosures: string | undefined;
}

/** Writes entries back into the tables, in order, as the sequencer wrote them: by the same code, so that what is found by
 *  what, and what is owed, follows from the events again. */
export interface Restorer {
  add(entries: readonly ArchivedEntry[]): Promise<void>;
  /** Events that were added, and the last boot they tell of. */
  readonly size: number;
  readonly boot: number;
}

export interface RestorerDeps {
  readonly lead: Lead;
  readonly crypto: CryptoProvider;
  readonly makeRoom: (size: number) => Promise<void>;
}

export function createRestorer({ lead, crypto, makeRoom }: RestorerDeps): Restorer {
  const memory = createMemory(crypto);
  const emitters = new Map<string, EmitterHead>();
  const state = { size: 0, boot: 0 };
  const addRun = async (emitter: string, events: readonly Archived[]): Promise<void> => {
    const drafts = events.map(({ draft }) => draft);
    const byId = new Map(events.map((event) => [event.draft.id, event]));
    const tip = { epoch: lead.head.epoch, size: state.size, emitter: emitters.get(emitter) ?? NOBODY };
    const known = await memory.read(lead, drafts, false);
    const built = buildBatch(drafts, tip, known, {
      finish: restore(byId, crypto),
      timeOf: ({ id }) => parseTime(byId.get(id)?.event.time ?? ''),
    });
    const fault = built.settled.find((end) => 'fault' in end);
    if (fault !== undefined || built.events.length !== events.length) throw notRestored(fault);
    await makeRoom(state.size + events.length);
    const places = await memory.place(lead, built);
    await append(lead.session, { ...built, ...places }, emitter);
    memory.learn(built, places.newFacets);
    emitters.set(emitter, built.emitter);
    state.size += events.length;
  };
  return {
    add: async (entries) => {
      const events = entries.map(readEntry);
      for (const { event } of events) if (event.type === 'log.opened') state.boot = event.boot;
      for (const run of runsOf(events)) await addRun(run[0]?.event.emitter ?? '', run);
    },
    get size() {
      return state.size;
    },
    get boot() {
      return state.boot;
    },
  };
}

const NOBODY: EmitterHead = { eseq: 0, prev: null, timeMs: 0 };

interface Archived {
  readonly event: AuditEvent;
  readonly draft: AuditDraft;
  readonly text: string;
  readonly disclosures: string | undefined;
}

function readEntry({ leaf, disclosures }: ArchivedEntry): Archived {
  const text = decodeUtf8(leaf);
  const event = parseJsonObject(text) as unknown as AuditEvent;
  return { event, draft: draftOf(event), text, disclosures };
}

/** Events of one emitter that follow each other. */
function runsOf(events: readonly Archived[]): Archived[][] {
  const runs: Archived[][] = [];
  for (const event of events) {
    const last = runs.at(-1);
    if (last?.[0]?.event.emitter === event.event.emitter) last.push(event);
    else runs.push([event]);
  }
  return runs;
}

/** Gives back the event as it was signed, if it stands where it stood. */
function restore(events: ReadonlyMap<string, Archived>, crypto: CryptoProvider): Finisher {
  return (draft, place): FinishedEvent => {
    const { event, text, disclosures } = events.get(draft.id) as Archived;
    const isSame =
      event.eseq === place.eseq &&
      event.prev === place.prev &&
      (event.principal === null || event.principal.pseq === place.pseq);
    if (!isSame)
      throw new TrustError('LOG_CORRUPT', `event ${uuidOf(draft.id)} does not follow those before it`);
    return {
      ...columnsOf(draft),
      links: draft.type === 'chain' ? readLinks(draft.members, crypto) : undefined,
      text,
      hash: crypto.sha256Hex(encodeUtf8(text)),
      disclosures,
    };
  };
}

function notRestored(end: unknown): TrustError {
  const { fault } = (end ?? {}) as { fault?: unknown };
  const why = fault instanceof Error ? `: ${fault.message}` : ': an event is there twice';
  return new TrustError('LOG_CORRUPT', `the events do not make a log${why}`, {}, fault);
}
