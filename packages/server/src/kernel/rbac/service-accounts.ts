import type {
  Binding,
  NewServiceKey,
  Principal,
  RotateKeyRequest,
  ServiceAccount,
  ServiceAccountPage,
  ServiceAccountRequest,
} from '@talosprotocol/contracts';
import { GLOBAL, TrustError } from '@talosprotocol/protocol';
import type { Queries } from '../../platform/sql.js';
import type { Clock, Random } from '../../platform/system.js';
import {
  addAccount,
  addKey,
  countAccounts,
  findAccount,
  MAX_ACCOUNTS,
  MAX_KEYS,
  readAccounts,
  setDisabled,
} from './account-store.js';
import { assertAdministratorStays, without } from './administrators.js';
import { assertVersion, type ChangeContext, type Changes, found } from './change.js';
import type { PageRequest } from './policy-store.js';
import { assertHolds, assertMayGrant, tooMany } from './roles.js';
import { hashSecret, newServiceKey } from './secret-text.js';

/** Accounts of programs (RBAC-12). What one may do is in its bindings. */
export interface ServiceAccounts {
  list(request: PageRequest): Promise<ServiceAccountPage>;
  /** @throws {TrustError} NOT_FOUND */
  find(id: string): Promise<ServiceAccount>;
  /** Makes an account with its first key. @throws {TrustError} FORBIDDEN | CONFLICT */
  create(by: Principal, request: ServiceAccountRequest): Promise<NewServiceKey>;
  /** Makes another key; the others end after the overlap. Whoever gets the key becomes the account, so that whoever
   *  makes it must hold all the account does. @throws {TrustError} FORBIDDEN | NOT_FOUND | CONFLICT */
  rotate(by: Principal, id: string, request: RotateKeyRequest): Promise<NewServiceKey>;
  /** @throws {TrustError} FORBIDDEN | NOT_FOUND | CONFLICT: changed meanwhile, or the last administrator's */
  setDisabled(by: Principal, id: string, version: number, disabled: boolean): Promise<ServiceAccount>;
}

interface ServiceAccountsDeps {
  readonly sql: Queries;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly random: Random;
}

const DEFAULT_SECONDS = 90 * 86_400;
const DEFAULT_OVERLAP = 3_600;

export function createServiceAccounts({ sql, changes, clock, random }: ServiceAccountsDeps): ServiceAccounts {
  return {
    list: async (request) => {
      const { rows, next } = await readAccounts(sql, request, clock.now());
      return { service_accounts: [...rows], next };
    },
    find: async (id) => found(await findAccount(sql, id, clock.now()), 'service account'),
    create: (by, { name, expires_in = DEFAULT_SECONDS }) =>
      changes.runAs(by, (context) => {
        assertMayGrant(context, by, { allow: [], deny: [] }, GLOBAL);
        return openAccount(context, random, { name, by: by.id, ms: expires_in * 1000 });
      }),
    rotate: (by, id, { expires_in = DEFAULT_SECONDS, overlap = DEFAULT_OVERLAP }) =>
      changes.runAs(by, async (context) => {
        const account = found(await findAccount(context.tx, id, context.now), 'service account');
        assertMayBe(context, by, id);
        if (account.disabled) throw new TrustError('CONFLICT', 'the account is disabled');
        if (account.keys.length >= MAX_KEYS && overlap > 0) throw tooMany('live keys', MAX_KEYS);
        const others = context.now + overlap * 1000;
        return issueKey(context, random, { id, ms: expires_in * 1000, othersEnd: others });
      }),
    setDisabled: (by, id, version, disabled) =>
      changes.runAs(by, async (context) => {
        const account = found(await findAccount(context.tx, id, context.now), 'service account');
        assertVersion(account.version, version);
        assertMayBe(context, by, id);
        if (disabled)
          await assertAdministratorStays(
            context,
            without(context.policy, (binding) => isOf(binding, id)),
          );
        await setDisabled(context.tx, id, disabled);
        await context.record(disabled ? 'account.disabled' : 'account.enabled', id, {});
        return found(await findAccount(context.tx, id, context.now), 'service account');
      }),
  };
}

/** Makes an account with a key, without asking who does it. */
export async function openAccount(
  context: ChangeContext,
  random: Random,
  { name, by, ms }: { readonly name: string; readonly by: string; readonly ms: number },
): Promise<NewServiceKey> {
  const { tx, now } = context;
  if ((await countAccounts(tx)) >= MAX_ACCOUNTS) throw tooMany('service accounts', MAX_ACCOUNTS);
  const id = context.newId('svc');
  await addAccount(tx, { id, name, by, at: now });
  await context.record('account.created', id, { name });
  return issueKey(context, random, { id, ms });
}

async function issueKey(
  context: ChangeContext,
  random: Random,
  { id, ms, othersEnd }: { readonly id: string; readonly ms: number; readonly othersEnd?: number },
): Promise<NewServiceKey> {
  const { tx, now } = context;
  const made = newServiceKey(random);
  await addKey(tx, id, { id: made.id, hash: hashSecret(made.key), at: now, ends: now + ms }, othersEnd);
  await context.record('key.created', id, { key: made.id, ends: now + ms });
  return { service_account: found(await findAccount(tx, id, now), 'service account'), key: made.key };
}

const isOf = ({ subject }: Binding, id: string): boolean => subject.kind === 'service' && subject.id === id;

/** @throws {TrustError} FORBIDDEN */
function assertMayBe(context: ChangeContext, by: Principal, id: string): void {
  const { policy } = context;
  const secret = { kind: 'secret', attributes: { secret_id: id } } as const;
  assertMayGrant(context, by, { allow: [], deny: [] }, secret);
  for (const binding of policy.bindings.filter((one) => isOf(one, id))) {
    const rules = policy.roles.get(binding.role);
    if (rules !== undefined) assertHolds(context, by, rules, binding.scope);
  }
}
