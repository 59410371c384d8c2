import type { Deps } from '../platform/deps.js';
import { createOutbox } from '../platform/outbox.js';
import type { Route } from '../platform/routes.js';
import type { Secret } from '../platform/secret.js';
import { startTasks } from '../platform/tasks.js';
import { CONFIG_OUTBOX } from './migrations.js';
import { createSealing } from './secrets/sealing.js';
import { createSecretRoutes } from './secrets/secret-routes.js';
import { createSecrets, type SecretDraft, type Secrets } from './secrets/secrets.js';

/** What the configuration room is built from. `CONFIG_MIGRATIONS` must have run. */
export interface ConfigDeps extends Pick<Deps, 'sql' | 'clock' | 'random' | 'crypto' | 'log' | 'metrics'> {
  /** 32 random bytes that encrypt what is kept. */
  readonly kek: Secret<Uint8Array>;
  readonly audit: {
    /** @throws {TrustError} UNAVAILABLE: no event is taken now, so nothing is changed */
    assertAccepting(op: 'read'): void;
    /** @throws {TrustError} UNAVAILABLE | DISK_FULL */
    record(draft: SecretDraft): Promise<unknown>;
  };
  /** Of events. */
  readonly tenant: () => string;
}

/** The configuration room: so far the secrets. */
export interface Config {
  readonly routes: readonly Route[];
  /** For other rooms, which declare what they need of it. */
  readonly secrets: Pick<Secrets, 'reveal'>;
  /** Ends the tasks. */
  close(): Promise<void>;
}

/** Builds it. */
export function createConfig(deps: ConfigDeps): Config {
  const log = deps.log.child({ room: 'config' });
  const record = (draft: SecretDraft) => deps.audit.record(draft);
  const outbox = createOutbox<SecretDraft>({ ...deps, log, table: CONFIG_OUTBOX, record });
  const secrets = createSecrets({
    ...deps,
    log,
    outbox,
    sealing: createSealing(deps.kek, deps.random),
    assertAccepting: () => deps.audit.assertAccepting('read'),
  });
  const tasks = startTasks(deps, 'config', [{ name: 'outbox', everyMs: 5_000, run: outbox.drain }]);
  return { routes: createSecretRoutes(secrets), secrets, close: () => tasks.stop() };
}
