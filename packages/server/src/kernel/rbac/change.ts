import type { OidcSettings, Principal, RbacChange } from '@talosprotocol/contracts';
import {
  type AccessPolicy,
  type CryptoProvider,
  commit,
  createUuidv7,
  decideAccess,
  disclose,
  GLOBAL,
  hasAnywhere,
  TrustError,
} from '@talosprotocol/protocol';
import { createEntrance } from '../../platform/entrance.js';
import type { Log } from '../../platform/log.js';
import { createOutbox, type Outbox } from '../../platform/outbox.js';
import type { Queries, Sql } from '../../platform/sql.js';
import type { Clock, Random } from '../../platform/system.js';
import { OUTBOX_TABLE } from '../outbox-table.js';
import type { DraftOf } from '../ports.js';
import { forbidden } from './access.js';
import { readPolicy } from './policy-store.js';

/** What a change needs of the audit room. */
export interface ChangeSink {
  /** @throws {TrustError} UNAVAILABLE: no event is taken now, so nothing is changed */
  assertAccepting(op: 'read'): void;
  /** @throws {TrustError} UNAVAILABLE | DISK_FULL */
  record(draft: DraftOf<'rbac.changed'>): Promise<unknown>;
}

export interface ChangeDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly log: Log;
  readonly audit: ChangeSink;
  readonly tenant: () => string;
  /** The OpenID provider in force; undefined if people do not log in here. */
  readonly oidc: () => Pick<OidcSettings, 'issuer'> | undefined;
}

/** Who does it, as the log keeps it. */
export type Actor = Pick<Principal, 'kind' | 'id' | 'how'> | { readonly kind: 'bootstrap' };

/** One change under way: nobody else changes anything until it is done. */
export interface ChangeContext {
  readonly tx: Queries;
  readonly policy: AccessPolicy;
  /** Unix milliseconds. */
  readonly now: number;
  /** Of the provider whose people count; undefined if nobody logs in. */
  readonly issuer: string | undefined;
  newId<P extends string>(prefix: P): `${P}_${string}`;
  /** Keeps an event for the log; `detail` holds no secret. */
  record(change: RbacChange, target: string, detail: object): Promise<void>;
}

/** Makes changes, one after another in all processes. */
export interface Changes {
  /** Resolves when the change is in force, and its event in the log or, if that takes none at this moment, in the outbox
   *  beside the change. What `work` throws undoes both. @throws {TrustError} UNAVAILABLE: the log takes nothing */
  run<T>(actor: Actor, work: (context: ChangeContext) => Promise<T>): Promise<T>;
  /** The same for somebody who may write to RBAC: asked again now that nothing changes any more. */
  runAs<T>(principal: Principal, work: (context: ChangeContext) => Promise<T>): Promise<T>;
}

export function createChanges(deps: ChangeDeps): Changes {
  const { sql, audit, log } = deps;
  const outbox = createOutbox({ ...deps, table: OUTBOX_TABLE, record: audit.record });
  // In this process one after another before a connection is taken: those that wait would leave none for others.
  const { enter } = createEntrance({ inside: 1, waiting: 64 });
  const run: Changes['run'] = async (actor, work) => {
    audit.assertAccepting('read');
    const events: string[] = [];
    const result = await enter(() =>
      sql.transaction(async (tx) => work(await openChange(deps, tx, actor, { outbox, events }))),
    );
    // It is done, and its event is kept beside it: who is told otherwise would do it twice.
    for (const id of events) {
      await outbox.deliver(id).catch((err: unknown) => log.warn('the event of a change waits', { err }));
    }
    return result;
  };
  return {
    run,
    runAs: (principal, work) =>
      run(principal, (context) => {
        assertStillWriter(context.policy, principal);
        return work(context);
      }),
  };
}

/** The route has asked whether it may write; since then a binding may be gone. */
function assertStillWriter(policy: AccessPolicy, { subjects }: Principal): void {
  const permission = 'rbac:write';
  if (hasAnywhere(policy, { subjects, permission })) return;
  throw forbidden(permission, decideAccess(policy, { subjects, permission, resource: GLOBAL }));
}

interface Kept {
  readonly outbox: Pick<Outbox<DraftOf<'rbac.changed'>>, 'put'>;
  /** Ids of the events of the change. */
  readonly events: string[];
}

async function openChange(
  deps: ChangeDeps,
  tx: Queries,
  actor: Actor,
  { outbox, events }: Kept,
): Promise<ChangeContext> {
  const { clock, random } = deps;
  await tx.query('UPDATE rbac_state SET version = version + 1');
  const now = clock.now();
  const newId = <P extends string>(prefix: P) => `${prefix}_${createUuidv7(now, random(16))}` as const;
  return {
    tx,
    now,
    issuer: deps.oidc()?.issuer,
    policy: await readPolicy(tx),
    newId,
    record: async (change, target, detail) => {
      const draft = draftOf(deps, newId('evt'), actor, { change, target, detail });
      await outbox.put(tx, [draft]);
      events.push(draft.id);
    },
  };
}

function draftOf(
  { crypto, random, tenant }: ChangeDeps,
  id: string,
  actor: Actor,
  { change, target, detail }: { change: RbacChange; target: string; detail: object },
): DraftOf<'rbac.changed'> {
  const who =
    actor.kind === 'bootstrap' ? { kind: actor.kind } : { kind: actor.kind, id: actor.id, how: actor.how };
  const sealed = (pointer: string, value: object) => {
    const salt = random(32);
    return {
      commitment: commit(pointer, value, salt, crypto),
      disclosure: disclose(pointer, value, salt),
    };
  };
  const [by, what] = [sealed('/actor', who), sealed('/detail', detail)];
  return {
    id,
    type: 'rbac.changed',
    tenant: tenant(),
    principal: null,
    members: { change, target, actor: by.commitment, detail: what.commitment },
    disclosures: [by.disclosure, what.disclosure],
  };
}

/** @throws {TrustError} NOT_FOUND */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new TrustError('NOT_FOUND', `there is no such ${what}`);
  return value;
}

/** @throws {TrustError} CONFLICT: somebody changed it in between */
export function assertVersion(actual: number, expected: number): void {
  if (actual === expected) return;
  throw new TrustError('CONFLICT', `it was changed meanwhile: it is at version ${actual}`, {
    hint: 'read it again and send its version in If-Match',
  });
}
