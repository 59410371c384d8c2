import type { EventOf, Principal } from '@talosprotocol/contracts';
import { type CryptoProvider, commit, createUuidv7, disclose } from '@talosprotocol/protocol';
import type { Clock, Random } from '../../platform/system.js';
import type { AuditDraft } from '../draft.js';

export interface CountDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly tenant: string;
}

type Counted = Pick<EventOf<'log.counted'>, 'size' | 'agents' | 'endings'>;
type Counts = Omit<Counted, 'size'>;

/** Bytes of the counts of one event: an event has at most 65,535. */
const MAX_BYTES = 48_000;
const MAX_AGENTS = 64;
const MAX_ENDINGS = 512;

/** The events in which the log states what it holds before `size` (AUD-55), for whoever asked for evidence. */
export function countedDrafts(
  deps: CountDeps,
  { size, ...counts }: Counted,
  by: Principal | undefined,
): AuditDraft<'log.counted'>[] {
  return divide(counts).map((part) => {
    const id = `evt_${createUuidv7(deps.clock.now(), deps.random(16))}`;
    const draft = { id, type: 'log.counted', tenant: deps.tenant, principal: null } as const;
    const members = { size, ...part };
    if (by === undefined) return { ...draft, members, disclosures: [] };
    const actor = { kind: by.kind, id: by.id, how: by.how };
    const salt = deps.random(32);
    const disclosures = [disclose('/actor', actor, salt)];
    return {
      ...draft,
      members: { ...members, actor: commit('/actor', actor, salt, deps.crypto) },
      disclosures,
    };
  });
}

function divide({ agents, endings }: Counts): Counts[] {
  const parts: Counts[] = [{ agents: [], endings: [] }];
  let bytes = 0;
  const room = (length: number, isFull: (part: Counts) => boolean): Counts => {
    const last = parts.at(-1) as Counts;
    if (bytes + length <= MAX_BYTES && !isFull(last)) {
      bytes += length;
      return last;
    }
    const next = { agents: [], endings: [] };
    parts.push(next);
    bytes = length;
    return next;
  };
  for (const one of agents)
    room(JSON.stringify(one).length, (part) => part.agents.length === MAX_AGENTS).agents.push(one);
  for (const one of endings)
    room(JSON.stringify(one).length, (part) => part.endings.length === MAX_ENDINGS).endings.push(one);
  return parts;
}
