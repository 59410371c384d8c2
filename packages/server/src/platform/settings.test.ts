import { isTrustError } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { readSettings } from './settings.js';

const user = { platform: 'linux', uid: 1000 } as const;
const HOME = '/home/ann';

function faultsOf(env: Record<string, string>): string {
  try {
    readSettings({ HOME, ...env }, user);
  } catch (error) {
    if (isTrustError(error) && error.code === 'SETTINGS_INVALID') return error.message;
    throw error;
  }
  return 'none';
}

describe('settings', () => {
  it('have defaults that listen on loopback only', () => {
    expect(readSettings({ HOME, PATH: '/bin' }, user)).toMatchObject({
      environment: 'development',
      dataFolder: '/home/ann/.local/share/talos',
      diskReserve: 268_435_456,
      host: '127.0.0.1',
      ports: { kernel: 8000, gateway: 8001, audit: 8002, node: 0 },
      nodeUrl: undefined,
      workers: 0,
      logLevel: 'info',
      databaseUrl: undefined,
    });
  });

  it.each([
    [{ HOME: '/root' }, { platform: 'linux', uid: 0 }, '/var/lib/talos'],
    [{ HOME, XDG_DATA_HOME: '/data/ann' }, user, '/data/ann/talos'],
    [{ HOME, XDG_DATA_HOME: 'relative' }, user, '/home/ann/.local/share/talos'],
    [
      { HOME: '/Users/ann' },
      { platform: 'darwin', uid: 501 },
      '/Users/ann/Library/Application Support/talos',
    ],
    [{ HOME, TALOS_DATA: '/srv/talos' }, { platform: 'linux', uid: 0 }, '/srv/talos'],
  ] as const)('find the data folder for %o', (env, machine, folder) => {
    expect(readSettings(env, machine).dataFolder).toBe(folder);
  });

  it('report all faults together and none of the values', () => {
    const said = faultsOf({
      TALOS_KERNEL_PORT: '65536',
      TALOS_LOG_LEVEL: 'chatty',
      TALOS_DATA: 'relative',
      TALOS_TYPO: 'x',
      TALOS_KEY_PASSPHRASE: 'hunter2',
    });
    for (const name of [
      'TALOS_KERNEL_PORT',
      'TALOS_LOG_LEVEL',
      'TALOS_DATA',
      'TALOS_TYPO',
      'TALOS_KEY_PASSPHRASE',
    ]) {
      expect(said).toContain(name);
    }
    expect(said).not.toMatch(/hunter2|chatty/);
  });

  it.each([
    ['equal ports', { TALOS_KERNEL_PORT: '9000', TALOS_AUDIT_PORT: '9000' }, /must differ/],
    ['a default port taken twice', { TALOS_KERNEL_PORT: '8001' }, /must differ/],
    [
      'two databases',
      { TALOS_DATABASE_URL: 'postgres://u@h/d', TALOS_POSTGRES_USER: 'pg' },
      /TALOS_POSTGRES_USER/,
    ],
    ['a database URL of another kind', { TALOS_DATABASE_URL: 'mysql://u:p@h/d' }, /TALOS_DATABASE_URL/],
    ['an origin with a path', { TALOS_ALLOWED_ORIGINS: 'https://a.example/x' }, /TALOS_ALLOWED_ORIGINS/],
    [
      'a node URL without a database to share',
      { TALOS_NODE_URL: 'http://127.0.0.1:8003' },
      /TALOS_DATABASE_URL/,
    ],
    ['a node URL with a path', { TALOS_NODE_URL: 'http://10.0.0.7:8003/x' }, /TALOS_NODE_URL/],
    ['a node URL with a password', { TALOS_NODE_URL: 'http://u:p@10.0.0.7' }, /TALOS_NODE_URL/],
    ['a node URL with no such port', { TALOS_NODE_URL: 'http://10.0.0.7:99999' }, /TALOS_NODE_URL/],
    ["a node port that is the kernel's", { TALOS_NODE_PORT: '8000' }, /must differ/],
    ['no number of threads', { TALOS_WORKERS: '1.5' }, /TALOS_WORKERS/],
    ['too many threads', { TALOS_WORKERS: '65' }, /TALOS_WORKERS/],
    ['a port with a sign', { TALOS_GATEWAY_PORT: '+80' }, /TALOS_GATEWAY_PORT/],
    ['a webhook without its secret', { TALOS_ALERT_WEBHOOK: 'https://h/x' }, /must be set together/],
    [
      'a webhook on which others read along',
      { TALOS_ALERT_WEBHOOK: 'http://h/x', TALOS_ALERT_WEBHOOK_SECRET: `whsec_${'A'.repeat(44)}` },
      /must be https/,
    ],
    [
      'a secret of a webhook that is none',
      { TALOS_ALERT_WEBHOOK: 'https://h', TALOS_ALERT_WEBHOOK_SECRET: 'whsec_AAAA' },
      /TALOS_ALERT_WEBHOOK_SECRET must be whsec_/,
    ],
    ['a Redis URL of another kind', { TALOS_REDIS_URL: 'http://h' }, /TALOS_REDIS_URL must be a URL/],
    ['a Redis URL without a host', { TALOS_REDIS_URL: 'redis://:pw@' }, /TALOS_REDIS_URL must have a host/],
    ['half a key of a bucket', { TALOS_S3_ACCESS_KEY_ID: 'AKIA' }, /must be set together/],
    ['the other half', { TALOS_S3_SECRET_ACCESS_KEY: 's3cret' }, /must be set together/],
    ['a session token alone', { TALOS_S3_SESSION_TOKEN: 'x' }, /TALOS_S3_SESSION_TOKEN belongs/],
  ])('refuse %s', (_, env, expected) => {
    expect(faultsOf(env)).toMatch(expected);
  });

  it('keep the way to Redis as a secret', () => {
    const { redisUrl } = readSettings({ HOME, TALOS_REDIS_URL: 'rediss://u:hunter2@h:6380' }, user);
    expect(redisUrl?.reveal()).toBe('rediss://u:hunter2@h:6380');
    expect(JSON.stringify({ redisUrl })).not.toContain('hunter2');
    expect(faultsOf({ TALOS_REDIS_URL: 'redis+cluster://h:6379' })).toBe('none');
    expect(readSettings({ HOME }, user).redisUrl).toBeUndefined();
  });

  it('keep the keys to a bucket as secrets', () => {
    const env = {
      TALOS_S3_ACCESS_KEY_ID: 'AKIA',
      TALOS_S3_SECRET_ACCESS_KEY: 's3cret',
      TALOS_S3_SESSION_TOKEN: 't0ken',
    };
    const { bucketCredentials } = readSettings({ HOME, ...env }, user);
    expect(bucketCredentials?.secretAccessKey.reveal()).toBe('s3cret');
    expect(`${JSON.stringify(bucketCredentials)}`).not.toMatch(/AKIA|s3cret|t0ken/);
    expect(readSettings({ HOME }, user).bucketCredentials).toBeUndefined();
  });

  describe('in production', () => {
    const fit = {
      TALOS_ENV: 'production',
      TALOS_KEY_PASSPHRASE: 'a long passphrase',
      TALOS_DATABASE_URL: 'postgres://u@h/d',
    };

    it('are taken when nothing of a laptop is left, and log JSON', () => {
      expect(faultsOf(fit)).toBe('none');
      expect(readSettings({ HOME, ...fit }, user)).toMatchObject({
        environment: 'production',
        logFormat: 'json',
      });
    });

    it('refuse to pass on between machines what everybody can read', () => {
      const on = (TALOS_NODE_URL: string) => faultsOf({ ...fit, TALOS_NODE_URL });
      expect(on('http://10.0.0.7:8003')).toContain('TALOS_NODE_URL');
      expect(on('http://[fd00::7]:8003')).toContain('TALOS_NODE_URL');
      expect(on('http://127.0.0.1:8003')).toBe('none');
      expect(on('http://[::1]:8003')).toBe('none');
      expect(on('https://node-7.internal:8003')).toBe('none');
    });

    it('refuse plain keys, the embedded database and an open port without a name, all at once', () => {
      const said = faultsOf({ TALOS_ENV: 'production', TALOS_HOST: '0.0.0.0', TALOS_TYPO: 'x' });
      for (const name of ['KEY_PASSPHRASE', 'DATABASE_URL', 'ALLOWED_HOSTS', 'TYPO']) {
        expect(said).toContain(`TALOS_${name}`);
      }
      expect(faultsOf({ TALOS_HOST: '0.0.0.0' })).toBe('none');
    });

    it.each(['TALOS_KEY_PASSPHRASE', 'TALOS_DATABASE_URL'] as const)(
      'refuse an empty %s like none',
      (name) => {
        expect(faultsOf({ ...fit, [name]: '' })).toContain(`${name} must be set in production`);
      },
    );

    it.each(['127.0.0.1', '127.0.0.2', '::1', 'localhost'])('know %s as loopback', (host) => {
      expect(faultsOf({ ...fit, TALOS_HOST: host })).toBe('none');
    });

    it.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'localhost.example', 'gateway'])(
      'ask for the names under which %s is called',
      (host) => {
        expect(faultsOf({ ...fit, TALOS_HOST: host })).toMatch(/TALOS_ALLOWED_HOSTS/);
        expect(faultsOf({ ...fit, TALOS_HOST: host, TALOS_ALLOWED_HOSTS: 'talos.example' })).toBe('none');
      },
    );
  });

  it('let the system choose several ports', () => {
    expect(faultsOf({ TALOS_KERNEL_PORT: '0', TALOS_GATEWAY_PORT: '0', TALOS_AUDIT_PORT: '0' })).toBe('none');
  });

  it('never print the secrets they hold', () => {
    const settings = readSettings(
      { HOME, TALOS_DATABASE_URL: 'postgres://u:hunter2@h/d', TALOS_KEY_PASSPHRASE: 'hunter2hunter2' },
      user,
    );
    expect(JSON.stringify(settings)).not.toContain('hunter2');
    expect(settings.databaseUrl?.reveal()).toContain('hunter2');
  });

  it('refuse to guess a data folder without a home', () => {
    expect(() => readSettings({}, user)).toThrow(/TALOS_DATA must be set/);
  });
});
