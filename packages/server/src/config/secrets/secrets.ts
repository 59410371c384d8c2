import {
  createChecker,
  type Disclosure,
  type EventOf,
  MAX_SECRETS,
  type Principal,
  SecretName,
  type SecretRecord,
} from '@talosprotocol/contracts';
import { type CryptoProvider, createUuidv7, formatTime, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Outbox } from '../../platform/outbox.js';
import { sealActor } from '../../platform/sealed-actor.js';
import type { Secret } from '../../platform/secret.js';
import type { Queries, Sql } from '../../platform/sql.js';
import type { Clock, Random } from '../../platform/system.js';
import type { Sealing } from './sealing.js';
import {
  findSecret,
  keepSealed,
  nextVersion,
  readSecrets,
  removeSecret,
  type SecretRow,
} from './secret-store.js';

/** Members that every event has (AUD-1). */
type Common = 'v' | 'id' | 'time' | 'type' | 'origin' | 'tenant' | 'emitter' | 'eseq' | 'prev' | 'principal';

/** The event of a secret that was set or removed (AUD-4). */
export interface SecretDraft {
  readonly id: string;
  readonly type: 'secret.changed';
  readonly tenant: string;
  readonly principal: null;
  readonly members: Omit<EventOf<'secret.changed'>, Common>;
  readonly disclosures: readonly Disclosure[];
}

/** Secrets the platform uses for its users, such as keys to model providers: kept encrypted, told to no caller. */
export interface Secrets {
  /** By name, without values. */
  list(): Promise<SecretRecord[]>;
  /** Keeps a value in place of the one before. @throws {TrustError} CONFLICT: too many; UNAVAILABLE: the log takes nothing */
  set(by: Principal, name: string, value: Secret<string>): Promise<SecretRecord>;
  /** @throws {TrustError} NOT_FOUND */
  remove(by: Principal, name: string): Promise<void>;
  /** The value, for whoever uses it in this process; undefined if there is none of that name. Looks at the database.
   *  @throws {TrustError} UNAVAILABLE: it cannot be opened, or the database cannot be asked */
  reveal(name: string): Promise<Secret<string> | undefined>;
}

export interface SecretsDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly log: Log;
  readonly sealing: Sealing;
  readonly outbox: Pick<Outbox<SecretDraft>, 'put' | 'deliver'>;
  /** @throws {TrustError} UNAVAILABLE: no event is taken now, so nothing is changed */
  readonly assertAccepting: () => void;
  /** Of events. */
  readonly tenant: () => string;
}

/** Builds it. Every change is an event, kept in the transaction of the change (SEC-4). */
export function createSecrets(deps: SecretsDeps): Secrets {
  const { sql, clock, random, sealing } = deps;
  return {
    list: async () => (await readSecrets(sql)).map(toRecord),
    set: (by, name, value) =>
      change(deps, by, name, async (tx) => {
        const at = clock.now();
        const id = `sec_${createUuidv7(at, random(16))}`;
        const row = await nextVersion(tx, { id, name, changed_at: at }, MAX_SECRETS);
        if (row === undefined) throw tooMany();
        await keepSealed(tx, row.id, sealing.seal(row, value.reveal()));
        return ['set', row];
      }),
    remove: async (by, name) => {
      await change(deps, by, name, async (tx) => {
        const row = await removeSecret(tx, name);
        if (row === undefined) throw new TrustError('NOT_FOUND', `there is no secret ${name}`);
        return ['removed', row];
      });
    },
    reveal: async (name) => {
      const row = await findSecret(sql, name);
      return row && sealing.open(row, row);
    },
  };
}

type Change = readonly [SecretDraft['members']['change'], SecretRow];

async function change(
  deps: SecretsDeps,
  by: Principal,
  name: string,
  work: (tx: Queries) => Promise<Change>,
): Promise<SecretRecord> {
  const { sql, outbox, log } = deps;
  assertName(name);
  deps.assertAccepting();
  const [row, event] = await sql.transaction(async (tx) => {
    const [what, changed] = await work(tx);
    const draft = draftOf(deps, by, what, changed);
    await outbox.put(tx, [draft]);
    return [changed, draft.id] as const;
  });
  // It is done, and its event is kept beside it: who is told otherwise would do it twice.
  await outbox.deliver(event).catch((err: unknown) => log.warn('the event of a change waits', { err }));
  return toRecord(row);
}

function draftOf(
  deps: SecretsDeps,
  by: Principal,
  what: SecretDraft['members']['change'],
  { id, name, version }: SecretRow,
): SecretDraft {
  const { actor, disclosure } = sealActor(by, deps);
  return {
    id: `evt_${createUuidv7(deps.clock.now(), deps.random(16))}`,
    type: 'secret.changed',
    tenant: deps.tenant(),
    principal: null,
    members: { change: what, secret: id, name, version, actor },
    disclosures: [disclosure],
  };
}

const nameFault = createChecker(SecretName);

function assertName(name: string): void {
  if (nameFault(name) === undefined) return;
  throw new TrustError('MALFORMED', 'not a name of a secret', {
    hint: 'lower-case letters, digits, dots, dashes and underscores, at most 64, the first one a letter or digit',
  });
}

function toRecord({ id, name, version, created_at, changed_at }: SecretRow): SecretRecord {
  return { id, name, version, created: formatTime(created_at), changed: formatTime(changed_at) };
}

function tooMany(): TrustError {
  return new TrustError('CONFLICT', `there are ${MAX_SECRETS} secrets already`, {
    hint: 'remove one that nothing uses: talos secrets list',
  });
}
