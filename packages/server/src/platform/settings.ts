import { decodeBase64url, TrustError } from '@talosprotocol/protocol';
import { defaultDataFolder, type Machine } from '@talosprotocol/sdk/keys';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { LOG_LEVELS, type LogLevel } from './log.js';
import { createSecret, type Secret } from './secret.js';
import {
  type TelemetrySettings,
  telemetryFaults,
  telemetrySettings,
} from './telemetry/telemetry-settings.js';
import type { WebhookSettings } from './webhook.js';

/** What a process reads at start, checked. */
export interface Settings {
  /** Production refuses what only a laptop may do: plain key files, the embedded database, an open port that answers
   *  to no name of its own. */
  readonly environment: 'development' | 'production';
  /** Absolute. */
  readonly dataFolder: string;
  /** Bytes that must stay free on the data folder's file system; below it writes are refused. */
  readonly diskReserve: number;
  /** A PostgreSQL of the operator's own; absent: the embedded one. */
  readonly databaseUrl: Secret<string> | undefined;
  /** A Redis in which all nodes count rates together; absent: each process counts by itself. */
  readonly redisUrl: Secret<string> | undefined;
  /** Where budgets are told of that are used up to a mark. */
  readonly webhook: WebhookSettings | undefined;
  /** The unprivileged user the embedded PostgreSQL runs as when the platform is started by root. */
  readonly postgresUser: string | undefined;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly ports: {
    readonly kernel: number;
    readonly gateway: number;
    readonly audit: number;
    /** Where other nodes of the same database call this one. */
    readonly node: number;
  };
  /** Of a witness, which is a process of its own. */
  readonly witnessPort: number;
  /** The URL under which other nodes reach this one; absent: only those on this machine do. */
  readonly nodeUrl: string | undefined;
  /** Threads that verify signatures besides the main one. */
  readonly workers: number;
  /** Names besides loopback under which we answer, `host` or `host:port`. */
  readonly allowedHosts: readonly string[];
  /** Browser origins besides loopback that may call us. */
  readonly allowedOrigins: readonly string[];
  readonly logLevel: LogLevel;
  readonly logFormat: 'json' | 'short';
  /** Path of talos.yaml. */
  readonly configFile: string | undefined;
  /** Encrypts key files at rest. */
  readonly keyPassphrase: Secret<string> | undefined;
  /** Encrypts secrets at rest: 32 bytes; absent: a key of the data folder. */
  readonly kek: Secret<Uint8Array> | undefined;
  /** The keys to the bucket that talos.yaml names; absent: what the AWS SDK finds by itself. */
  readonly bucketCredentials: BucketCredentials | undefined;
  /** Where spans are sent; absent: none are made. */
  readonly telemetry: TelemetrySettings | undefined;
}

export interface BucketCredentials {
  readonly accessKeyId: Secret<string>;
  readonly secretAccessKey: Secret<string>;
  readonly sessionToken: Secret<string> | undefined;
}

/** This machine. */
export function currentMachine(): Machine {
  return { platform: process.platform, uid: process.getuid?.() ?? -1 };
}

const text = (expected: string, pattern: string) =>
  Type.Optional(Type.String({ description: expected, pattern, maxLength: 4096 }));
const oneOf = (...values: string[]) => text(`one of ${values.join(', ')}`, `^(${values.join('|')})$`);
const PORT = '^([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$';
const NODE_URL = '^https?://([A-Za-z0-9.\\-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$';
const BYTES_32 = '[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]';
const HOST_LIST = '^[A-Za-z0-9.\\-_:\\[\\]]+(,[A-Za-z0-9.\\-_:\\[\\]]+)*$';
const ORIGIN_LIST = '^https?://[A-Za-z0-9.\\-:\\[\\]]+(,https?://[A-Za-z0-9.\\-:\\[\\]]+)*$';

/** Every variable we know; `description` completes "<NAME> must be ...". An empty variable counts as absent. */
const Variables = Type.Object(
  {
    TALOS_ENV: oneOf('development', 'production'),
    TALOS_DATA: text('an absolute path', '^/'),
    TALOS_DISK_RESERVE: text('a number of bytes', '^[0-9]{1,15}$'),
    TALOS_DATABASE_URL: text('a URL postgres://user@host/database', '^postgres(ql)?://[^\\s]+$'),
    TALOS_REDIS_URL: text(
      'a URL such as rediss://user:password@host:port, with rediss+cluster: of a Redis Cluster',
      '^rediss?(\\+cluster)?://[^\\s]+$',
    ),
    TALOS_ALERT_WEBHOOK: text('an https URL, or http on this machine', '^https?://[^\\s@]+$'),
    TALOS_ALERT_WEBHOOK_SECRET: text(
      'whsec_ and 24 to 64 bytes in base64',
      '^whsec_(?=.{32,88}$)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
    ),
    TALOS_POSTGRES_USER: text('the name of a user of this machine', '^[a-z_][a-z0-9_-]{0,31}$'),
    TALOS_HOST: text('an address or host name', '^[A-Za-z0-9.:_-]+$'),
    TALOS_KERNEL_PORT: text('a port, 0 to 65535', PORT),
    TALOS_GATEWAY_PORT: text('a port, 0 to 65535', PORT),
    TALOS_AUDIT_PORT: text('a port, 0 to 65535', PORT),
    TALOS_NODE_PORT: text('a port, 0 to 65535', PORT),
    TALOS_WITNESS_PORT: text('a port, 0 to 65535', PORT),
    TALOS_NODE_URL: text('a URL such as http://10.0.0.7:8003, without a path', NODE_URL),
    TALOS_WORKERS: text('a number of threads, 0 to 64', '^([0-9]|[1-5][0-9]|6[0-4])$'),
    TALOS_ALLOWED_HOSTS: text('host names, separated by commas', HOST_LIST),
    TALOS_ALLOWED_ORIGINS: text('origins such as https://app.example, separated by commas', ORIGIN_LIST),
    TALOS_LOG_LEVEL: oneOf(...LOG_LEVELS),
    TALOS_LOG_FORMAT: oneOf('json', 'short'),
    TALOS_CONFIG: text('the path of a talos.yaml', '^.+$'),
    TALOS_KEY_PASSPHRASE: text('a passphrase of at least 12 characters', '^.{12,}$'),
    TALOS_KEK: text('32 bytes in base64url without padding, 43 characters', `^${BYTES_32}$`),
    TALOS_S3_ACCESS_KEY_ID: text('the id of an access key', '^[!-~]{1,256}$'),
    TALOS_S3_SECRET_ACCESS_KEY: text('the secret of an access key', '^[!-~]{1,1024}$'),
    TALOS_S3_SESSION_TOKEN: text('the token of temporary credentials', '^[!-~]+$'),
    // Makes tests fail instead of skip; of no meaning to the platform.
    TALOS_CI: text('0 or 1', '^[01]$'),
    // Where tests find a Redis; of no meaning to the platform.
    TALOS_TEST_REDIS_URL: text('a URL redis://host:port', '^rediss?://[^\\s]+$'),
  },
  { additionalProperties: false },
);
type Variables = Static<typeof Variables>;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings out of an environment; nothing else is looked at.
 *  Throws TrustError SETTINGS_INVALID that names every fault at once, never a value. */
export function readSettings(env: Environment, machine: Machine): Settings {
  const ours = Object.entries(env).filter(([name, value]) => name.startsWith('TALOS_') && value);
  const variables = Object.fromEntries(ours) as Variables;
  const folder = variables.TALOS_DATA ?? defaultDataFolder(env, machine);
  const faults = [
    ...variableFaults(variables),
    ...contradictions(variables),
    ...unfitForProduction(variables),
    ...telemetryFaults(env, variables.TALOS_ENV === 'production'),
  ];
  if (folder === undefined) faults.push('TALOS_DATA must be set: there is no home folder to use');
  if (faults.length > 0 || folder === undefined) {
    throw new TrustError('SETTINGS_INVALID', faults.join('; '), {
      hint: `the variables are ${Object.keys(Variables.properties).join(', ')}`,
    });
  }
  return { ...toSettings(variables, folder), telemetry: telemetrySettings(env) };
}

function variableFaults(variables: Variables): string[] {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(variables)) {
    const schema = (Variables.properties as Record<string, { description?: string }>)[name];
    if (schema === undefined) faults.push(`${name} is not a setting`);
    else if (!Value.Check(schema, value)) faults.push(`${name} must be ${schema.description}`);
  }
  return faults;
}

function contradictions(variables: Variables): string[] {
  const faults: string[] = [];
  const fixed = Object.values(portsOf(variables)).filter((port) => port !== 0);
  if (new Set(fixed).size !== fixed.length)
    faults.push('the kernel, gateway, audit and node ports must differ');
  const node = variables.TALOS_NODE_URL;
  if (node !== undefined && !URL.canParse(node))
    faults.push('TALOS_NODE_URL must have a host and a port of its own');
  const redis = variables.TALOS_REDIS_URL;
  if (redis !== undefined && !(URL.canParse(redis) && new URL(redis).hostname !== ''))
    faults.push('TALOS_REDIS_URL must have a host and a port of its own');
  if (node !== undefined && variables.TALOS_DATABASE_URL === undefined) {
    faults.push('TALOS_NODE_URL is for nodes that share a database: set TALOS_DATABASE_URL too');
  }
  if (variables.TALOS_DATABASE_URL !== undefined && variables.TALOS_POSTGRES_USER !== undefined) {
    faults.push('TALOS_POSTGRES_USER is for the embedded database, TALOS_DATABASE_URL replaces it: set one');
  }
  faults.push(...webhookFaults(variables));
  const isHalf =
    (variables.TALOS_S3_ACCESS_KEY_ID === undefined) !== (variables.TALOS_S3_SECRET_ACCESS_KEY === undefined);
  if (isHalf) faults.push('TALOS_S3_ACCESS_KEY_ID and TALOS_S3_SECRET_ACCESS_KEY must be set together');
  if (variables.TALOS_S3_SESSION_TOKEN !== undefined && variables.TALOS_S3_ACCESS_KEY_ID === undefined) {
    faults.push('TALOS_S3_SESSION_TOKEN belongs to TALOS_S3_ACCESS_KEY_ID: set that too');
  }
  return faults;
}

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|::1)$/i;

/** True for a URL on which others can read along. */
function isOpenHttp(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'http:' && !LOOPBACK.test(hostname.replace(/^\[|\]$/g, ''));
}

/** What is convenient on a laptop and must not slip into production. */
function unfitForProduction(variables: Variables): string[] {
  if (variables.TALOS_ENV !== 'production') return [];
  const faults: string[] = [];
  if (variables.TALOS_KEY_PASSPHRASE === undefined) {
    faults.push('TALOS_KEY_PASSPHRASE must be set in production: without it the keys lie in plain files');
  }
  if (variables.TALOS_DATABASE_URL === undefined) {
    faults.push('TALOS_DATABASE_URL must be set in production: the embedded database is for development');
  }
  const node = variables.TALOS_NODE_URL;
  if (node !== undefined && isOpenHttp(node)) {
    faults.push('TALOS_NODE_URL must be https in production: what nodes pass on is not encrypted otherwise');
  }
  const isOpen = !LOOPBACK.test(variables.TALOS_HOST ?? '127.0.0.1');
  if (isOpen && variables.TALOS_ALLOWED_HOSTS === undefined) {
    faults.push('TALOS_ALLOWED_HOSTS must be set in production where TALOS_HOST is not loopback');
  }
  return faults;
}

const DISK_RESERVE = 256 * 1024 * 1024;

function portsOf(variables: Variables): Settings['ports'] {
  return {
    kernel: Number(variables.TALOS_KERNEL_PORT ?? 8000),
    gateway: Number(variables.TALOS_GATEWAY_PORT ?? 8001),
    audit: Number(variables.TALOS_AUDIT_PORT ?? 8002),
    node: Number(variables.TALOS_NODE_PORT ?? 0),
  };
}

function webhookFaults({
  TALOS_ALERT_WEBHOOK: url,
  TALOS_ALERT_WEBHOOK_SECRET: text,
}: Variables): readonly string[] {
  if ((url === undefined) !== (text === undefined))
    return ['TALOS_ALERT_WEBHOOK and TALOS_ALERT_WEBHOOK_SECRET must be set together'];
  if (url !== undefined && (!URL.canParse(url) || isOpenHttp(url)))
    return ['TALOS_ALERT_WEBHOOK must be https: others could read along'];
  return [];
}

function webhookOf({
  TALOS_ALERT_WEBHOOK: url,
  TALOS_ALERT_WEBHOOK_SECRET: text,
}: Variables): WebhookSettings | undefined {
  if (url === undefined || text === undefined) return undefined;
  const bytes = new Uint8Array(Buffer.from(text.slice('whsec_'.length), 'base64'));
  return { url: createSecret(url), secret: createSecret(bytes) };
}

function toSettings(variables: Variables, dataFolder: string): Omit<Settings, 'telemetry'> {
  const environment = (variables.TALOS_ENV ?? 'development') as Settings['environment'];
  const format = environment === 'production' ? 'json' : 'short';
  return {
    environment,
    dataFolder,
    diskReserve: Number(variables.TALOS_DISK_RESERVE ?? DISK_RESERVE),
    databaseUrl: secret(variables.TALOS_DATABASE_URL),
    redisUrl: secret(variables.TALOS_REDIS_URL),
    webhook: webhookOf(variables),
    postgresUser: variables.TALOS_POSTGRES_USER,
    host: variables.TALOS_HOST ?? '127.0.0.1',
    ports: portsOf(variables),
    witnessPort: Number(variables.TALOS_WITNESS_PORT ?? 8004),
    nodeUrl: variables.TALOS_NODE_URL,
    workers: Number(variables.TALOS_WORKERS ?? 0),
    allowedHosts: list(variables.TALOS_ALLOWED_HOSTS),
    allowedOrigins: list(variables.TALOS_ALLOWED_ORIGINS),
    logLevel: (variables.TALOS_LOG_LEVEL ?? 'info') as LogLevel,
    logFormat: (variables.TALOS_LOG_FORMAT ?? format) as Settings['logFormat'],
    configFile: variables.TALOS_CONFIG,
    keyPassphrase: secret(variables.TALOS_KEY_PASSPHRASE),
    kek: variables.TALOS_KEK === undefined ? undefined : createSecret(decodeBase64url(variables.TALOS_KEK)),
    bucketCredentials: bucketCredentials(variables),
  };
}

function bucketCredentials(variables: Variables): BucketCredentials | undefined {
  const accessKeyId = secret(variables.TALOS_S3_ACCESS_KEY_ID);
  const secretAccessKey = secret(variables.TALOS_S3_SECRET_ACCESS_KEY);
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: secret(variables.TALOS_S3_SESSION_TOKEN) };
}

function secret(value: string | undefined): Secret<string> | undefined {
  return value === undefined ? undefined : createSecret(value);
}

function list(value: string | undefined): string[] {
  return value === undefined ? [] : value.toLowerCase().split(',');
}
