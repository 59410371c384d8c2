import type { Commitment, Disclosure, EventType } from '@talosprotocol/contracts';
import { type CryptoProvider, commit, createUuidv7, disclose, encodeUtf8 } from '@talosprotocol/protocol';
import type { Clock, Random } from '../platform/system.js';
import { type Actor, actorOf } from './actor.js';
import type { DraftOf } from './ports.js';

/** A draft as the kernel states it: the rest has a value of its own. */
export type Body<T extends EventType> = Omit<DraftOf<T>, 'id' | 'disclosures' | 'principal'> &
  Partial<Pick<DraftOf<T>, 'id' | 'disclosures' | 'principal'>>;

interface Sealed<M> {
  readonly members: M;
  readonly disclosures: readonly Disclosure[];
}

/** Makes drafts of events, and commits to what is private in them. */
export interface EventDrafts {
  draft<T extends EventType>(body: Body<T>): DraftOf<T>;
  /** The id of the event about something that is kept, made at `at` (Unix milliseconds): always the same. */
  idOf(kept: string, at: number): string;
  seal(
    pointer: string,
    value: unknown,
  ): { readonly commitment: Commitment } & Pick<DraftOf<'chain'>, 'disclosures'>;
  /** The member `actor`; none for nobody. */
  sealActor(actor: Actor | undefined): Sealed<{ readonly actor?: Commitment }>;
}

export interface EventDraftsDeps {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
}

export function createEventDrafts({ crypto, clock, random }: EventDraftsDeps): EventDrafts {
  const seal: EventDrafts['seal'] = (pointer, value) => {
    const salt = random(32);
    return {
      commitment: commit(pointer, value, salt, crypto),
      disclosures: [disclose(pointer, value, salt)],
    };
  };
  return {
    draft: <T extends EventType>(body: Body<T>) =>
      ({
        id: `evt_${createUuidv7(clock.now(), random(16))}`,
        principal: null,
        disclosures: [],
        ...body,
      }) as unknown as DraftOf<T>,
    idOf: (kept, at) => {
      const digest = crypto.sha256(encodeUtf8(`talos-event-v1\n${at}\n${kept}`));
      return `evt_${createUuidv7(Math.floor(at), digest.subarray(0, 16))}`;
    },
    seal,
    sealActor: (actor) => {
      if (actor === undefined) return { members: {}, disclosures: [] };
      const { commitment, disclosures } = seal('/actor', actorOf(actor));
      return { members: { actor: commitment }, disclosures };
    },
  };
}
