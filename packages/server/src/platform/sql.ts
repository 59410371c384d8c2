import { TrustError } from '@talosprotocol/protocol';
import { Client, type ClientConfig, Pool, type PoolClient, types } from 'pg';
import type { Secret } from './secret.js';
import { fromSqlError, SqlError, unavailable } from './sql-error.js';

/** A value PostgreSQL takes as a parameter. */
export type SqlValue = string | number | bigint | boolean | null | Date | Uint8Array | readonly SqlValue[];

/** SQL text, or for hot queries a text with the name of its prepared statement (unique within the process). */
export type SqlText = string | { readonly name: string; readonly text: string };

/** Something that runs queries: the pool, a transaction or a session. Parameters are `$1`, `$2`, ...
 *  `bigint` columns arrive as `number` (RangeError beyond 2^53 - 1), `bytea` as `Uint8Array`, times as `Date`.
 *  Fails with TrustError UNAVAILABLE when the database cannot be reached or does not answer in time, DISK_FULL
 *  when it has no room, and SqlError (with SQLSTATE) otherwise; none of them carries SQL text or values. */
export interface Queries {
  query<T extends object = Record<string, unknown>>(
    text: SqlText,
    values?: readonly SqlValue[],
  ): Promise<T[]>;
}

/** A connection of one's own, for advisory locks that outlive a transaction. */
export interface SqlSession extends Queries {
  /** Settles when the connection is gone, whoever ended it: locks it held are gone too. */
  readonly lost: Promise<void>;
  close(): Promise<void>;
}

/** What a session may be told. */
export interface SqlSessionOptions {
  /** Called with the payload of each notification, on any channel this session listens to. */
  readonly onNotification?: (payload: string) => void;
}

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

/** The database. */
export interface Sql extends Queries {
  /** Runs `work` in one transaction; commits when it resolves, rolls back when it rejects. */
  transaction<T>(work: (tx: Queries) => Promise<T>, isolation?: Isolation): Promise<T>;
  /** Runs `work` on a connection of its own, outside the pool and without a statement time limit. */
  session<T>(work: (session: SqlSession) => Promise<T>): Promise<T>;
  /** Opens a session that lives until closed. */
  openSession(options?: SqlSessionOptions): Promise<SqlSession>;
  /** Connections of the pool, and callers that wait for one. */
  load(): SqlLoad;
  /** Waits for running queries, then closes every connection. */
  close(): Promise<void>;
}

/** How busy a pool is. */
export interface SqlLoad {
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
  /** Callers that were refused so far because too many waited. */
  readonly refused: number;
}

/** Where the database is: a URL of one's own PostgreSQL, or the socket of the embedded one. */
export type SqlAddress =
  | { readonly url: Secret<string> }
  | {
      readonly socketFolder: string;
      readonly port: number;
      readonly user: string;
      readonly password: Secret<string>;
      readonly database: string;
    };

export interface SqlOptions {
  readonly address: SqlAddress;
  /** Connections in the pool; 12 by default. */
  readonly poolSize?: number;
  /** Callers that may wait for a connection before the next is refused; 500 by default. */
  readonly maxWaiting?: number;
  /** Longest run of one statement; 10 s by default. */
  readonly statementTimeoutMs?: number;
  /** Longest wait for a connection; 5 s by default. */
  readonly connectTimeoutMs?: number;
  /** Told when an idle connection breaks; the pool mends itself. */
  readonly onIdleError?: (error: Error) => void;
}

/** Opens a bounded pool. Connects lazily: the first query meets an unreachable database. */
export function createSql(options: SqlOptions): Sql {
  let isClosed = false;
  let refused = 0;
  // The pool forgets its connections before their ends arrived: what breaks then is what was wanted.
  const onIdleError = (error: Error): void => void (isClosed || options.onIdleError?.(error));
  const pool = createPool({ ...options, onIdleError });
  const maxWaiting = options.maxWaiting ?? 500;
  const acquire = async (): Promise<PoolClient> => {
    if (pool.waitingCount >= maxWaiting) {
      refused += 1;
      throw unavailable('too many callers wait for the database');
    }
    return pool.connect().catch((error: unknown) => Promise.reject(fromSqlError(error)));
  };
  const openSession = (session?: SqlSessionOptions) =>
    connectSession({ ...clientConfig(options), statement_timeout: 0 }, session);
  return {
    query: async (text, values) => runOnce(await acquire(), text, values),
    transaction: async (work, isolation = 'read committed') =>
      runTransaction(await acquire(), work, isolation),
    openSession,
    session: async (work) => {
      const session = await openSession();
      return work(session).finally(() => session.close());
    },
    load: () => ({ open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount, refused }),
    close: () => {
      isClosed = true;
      return pool.end();
    },
  };
}

function createPool(options: SqlOptions): Pool {
  const pool = new Pool({
    ...clientConfig(options),
    max: options.poolSize ?? 12,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 3600,
  });
  // Without a listener a broken idle connection would end the process.
  pool.on('error', (error) => options.onIdleError?.(error));
  // So would one that breaks while it is in use: its queries reject, which is how we hear of it.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

function clientConfig(options: SqlOptions): ClientConfig {
  const statementTimeout = options.statementTimeoutMs ?? 10_000;
  return {
    ...connection(options.address),
    application_name: 'talos',
    types: { getTypeParser },
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    statement_timeout: statementTimeout,
    // A server that vanished from the network answers nothing at all: our own limit lies just behind its.
    query_timeout: statementTimeout + 2_000,
    idle_in_transaction_session_timeout: statementTimeout,
    keepAlive: true,
  };
}

function connection(address: SqlAddress): ClientConfig {
  if ('url' in address) return { connectionString: address.url.reveal() };
  const { socketFolder, port, user, database, password } = address;
  return { host: socketFolder, port, user, database, password: password.reveal() };
}

const INT8 = 20;

/** The driver's parsers, except that `bigint` becomes a number. */
const getTypeParser: typeof types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === INT8 && format !== 'binary' ? parseInt8 : types.getTypeParser(oid, format as 'text');

function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint of the database exceeds 2^53 - 1');
  return value;
}

async function runOnce<T extends object>(
  client: PoolClient,
  text: SqlText,
  values: readonly SqlValue[] | undefined,
): Promise<T[]> {
  let broken: Error | undefined;
  try {
    return await run<T>(client, text, values);
  } catch (error) {
    // After a refused statement the connection is sound; after anything else nobody knows its state.
    broken = error instanceof SqlError ? undefined : (error as Error);
    throw error;
  } finally {
    client.release(broken);
  }
}

async function run<T extends object>(
  runner: Pick<Client, 'query'>,
  text: SqlText,
  values: readonly SqlValue[] = [],
): Promise<T[]> {
  const statement = typeof text === 'string' ? { text } : text;
  try {
    const result = await runner.query<T>({ values: values.map(toParameter), ...statement });
    return result.rows;
  } catch (error) {
    throw fromSqlError(error);
  }
}

/** The driver knows Buffer only; a plain Uint8Array would be sent as JSON. */
function toParameter(value: SqlValue): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(toParameter);
  return typeof value === 'bigint' ? value.toString() : value;
}

async function runTransaction<T>(
  client: PoolClient,
  work: (tx: Queries) => Promise<T>,
  isolation: Isolation,
): Promise<T> {
  let broken: Error | undefined;
  try {
    await run(client, `BEGIN ISOLATION LEVEL ${isolation}`);
    const result = await work({ query: (text, values) => run(client, text, values) });
    await commit(client);
    return result;
  } catch (error) {
    broken = await rollBack(client);
    throw error;
  } finally {
    client.release(broken);
  }
}

/** A transaction in which a statement failed is rolled back by COMMIT, which says so and is no error: whoever swallowed
 *  that failure must not be told that something was kept. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT').catch((error: unknown) => {
    throw fromSqlError(error);
  });
  if (command !== 'COMMIT') throw new TrustError('INTERNAL', 'a transaction was rolled back at its end');
}

/** Gives the reason why the connection must not go back to the pool, if there is one. */
async function rollBack(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

async function connectSession(
  config: ClientConfig,
  { onNotification }: SqlSessionOptions = {},
): Promise<SqlSession> {
  const { query_timeout: _, ...unlimited } = config;
  const client = new Client(unlimited);
  let closing: Promise<void> | undefined;
  const lost = new Promise<void>((resolve) => client.once('end', resolve));
  // A broken connection also ends: `lost` tells.
  client.on('error', () => undefined);
  if (onNotification !== undefined) client.on('notification', ({ payload = '' }) => onNotification(payload));
  await client.connect().catch((error: unknown) => Promise.reject(fromSqlError(error)));
  return {
    query: (text, values) => run(client, text, values),
    lost,
    close: () => {
      closing ??= endClient(client);
      return closing;
    },
  };
}

/** How long a server has to take leave. */
const END_MS = 1_000;

/** One that does not answer is left without. */
async function endClient(client: Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), END_MS);
  await client.end().finally(() => clearTimeout(timer));
}
