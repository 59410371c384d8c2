import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Binding, BootstrapAnswer, BootstrapRequest, Subject } from '@talosprotocol/contracts';
import { GLOBAL, TrustError } from '@talosprotocol/protocol';
import { readKeyFile, writeKeyFile } from '../../platform/key-file.js';
import type { Log } from '../../platform/log.js';
import type { Queries, Sql } from '../../platform/sql.js';
import type { Clock, Random } from '../../platform/system.js';
import { bind } from './bindings.js';
import type { ChangeContext, Changes } from './change.js';
import { hashSecret, isSecret, newSecret } from './secret-text.js';
import { openAccount } from './service-accounts.js';

/** How the first administrator comes to be (RBAC-14). */
export interface Bootstrap {
  /** Writes a new token while there never was an administrator; any older one counts no more. */
  open(): Promise<void>;
  /** @throws {TrustError} UNAUTHENTICATED: not from here, not this token, too late, or there is an administrator */
  redeem(request: IncomingMessage, body: BootstrapRequest): Promise<BootstrapAnswer>;
}

interface BootstrapDeps {
  readonly sql: Sql;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absolute; mode 0700. */
  readonly keysFolder: string;
}

const TOKEN_FILE = 'bootstrap.token';
/** Outlives the database: an older copy of it must not make another first administrator. */
const DONE_FILE = 'bootstrap.done';
const TOKEN_MS = 15 * 60_000;
/** The first key is how a machine's owner administers; it is rotated like every other. */
const KEY_MS = 3_650 * 86_400_000;

interface StateRow {
  readonly administrator: boolean;
  readonly boot_hash: Uint8Array | null;
  readonly boot_ends: number | null;
}

export function createBootstrap(deps: BootstrapDeps): Bootstrap {
  const { sql, changes, clock, random, log, keysFolder } = deps;
  const isDone = async (): Promise<boolean> => (await readKeyFile(keysFolder, DONE_FILE)) !== undefined;
  const finish = async (): Promise<void> => {
    if (!(await isDone())) await writeKeyFile(keysFolder, DONE_FILE, 'There was an administrator.\n');
    await rm(join(keysFolder, TOKEN_FILE), { force: true });
  };
  return {
    open: async () => {
      const state = await readState(sql);
      if (state.administrator) return finish();
      if (await isDone()) {
        log.error('there was an administrator once, but this database knows none: nobody can become one', {
          hint: `restore the right database; to start over, remove ${join(keysFolder, DONE_FILE)} and start again`,
        });
        return;
      }
      const token = newSecret('tal_boot_', random);
      // Under the lock of the row: of several nodes that start at once the last one's token is in the table and the file.
      await sql.transaction(async (tx) => {
        await tx.query('UPDATE rbac_state SET boot_hash = $1, boot_ends = $2 WHERE NOT administrator', [
          hashSecret(token),
          clock.now() + TOKEN_MS,
        ]);
        await writeKeyFile(keysFolder, TOKEN_FILE, `${token}\n`);
      });
    },
    redeem: async (request, body) => {
      if (!isFromHere(request) || (await isDone())) throw refused();
      const answer = await changes.run({ kind: 'bootstrap' }, async (context) => {
        await assertToken(context, body.token);
        return makeAdministrator(context, random, body);
      });
      await finish();
      return answer;
    },
  };
}

async function readState(db: Queries): Promise<StateRow> {
  const [state] = await db.query<StateRow>('SELECT administrator, boot_hash, boot_ends FROM rbac_state');
  if (state === undefined) throw new TypeError('the table rbac_state is empty');
  return state;
}

/** Under the lock of the change: of two who send the token one is the first. */
async function assertToken({ tx, now }: ChangeContext, token: string): Promise<void> {
  const { administrator, boot_hash, boot_ends } = await readState(tx);
  const isRight = isSecret(token, boot_hash);
  if (!isRight || administrator || now >= (boot_ends ?? 0)) throw refused();
}

async function makeAdministrator(
  context: ChangeContext,
  random: Random,
  { name = 'first administrator', person }: BootstrapRequest,
): Promise<BootstrapAnswer> {
  await context.tx.query('UPDATE rbac_state SET administrator = true, boot_hash = NULL, boot_ends = NULL');
  if (person !== undefined) return { binding: await bindFirst(context, { kind: 'person', ...person }) };
  const made = await openAccount(context, random, { name, by: 'bootstrap', ms: KEY_MS });
  const subject: Subject = { kind: 'service', id: made.service_account.id };
  return { binding: await bindFirst(context, subject), key: made.key };
}

async function bindFirst(context: ChangeContext, subject: Subject): Promise<Binding> {
  const binding = await bind(context, { role: 'platform-admin', subject, scope: GLOBAL });
  await context.record('bootstrapped', binding.id, { subject });
  return binding;
}

const LOOPBACK = /^(?:127\.[0-9.]+|::1|::ffff:127\.[0-9.]+)$/;
/** A proxy on this machine makes every caller look like one of this machine; it says so in these. */
const FORWARDED = /^(?:forwarded|via|x-forwarded-.*|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip)$/;

function isFromHere({ socket, headers }: IncomingMessage): boolean {
  if (!LOOPBACK.test(socket.remoteAddress ?? '')) return false;
  return !Object.keys(headers).some((name) => FORWARDED.test(name));
}

const refused = (): TrustError =>
  new TrustError('UNAUTHENTICATED', 'there is nothing to bootstrap with this', {
    hint: 'a platform without administrator writes keys/bootstrap.token at each start, good for 15 minutes, from this machine',
  });
