import type { OidcSettings } from '@talosprotocol/contracts';
import type { CryptoProvider } from '@talosprotocol/protocol';
import type { Deps } from '../../platform/deps.js';
import type { Route } from '../../platform/routes.js';
import type { RateLimiter } from '../ports.js';
import type { Access } from './access.js';
import { createBindings } from './bindings.js';
import { createBootstrap } from './bootstrap.js';
import { type ChangeSink, createChanges } from './change.js';
import { createLoginRoutes } from './login-routes.js';
import { createLogins } from './logins.js';
import { createOpenId } from './openid.js';
import { createRoles } from './roles.js';
import { createRbacRoutes } from './routes.js';
import { createServiceAccounts } from './service-accounts.js';

/** What the administration of administrators is built from. `rbacMigrations` must have run. */
export interface RbacDeps extends Pick<Deps, 'sql' | 'clock' | 'random' | 'log'> {
  readonly crypto: CryptoProvider;
  readonly access: Access;
  readonly audit: ChangeSink;
  readonly limiter: RateLimiter;
  /** Of events. */
  readonly tenant: () => string;
  /** The OpenID provider in force; undefined if people do not log in here. */
  readonly oidc: () => OidcSettings | undefined;
  /** Absolute; holds the one-time token of a platform without administrator. */
  readonly keysFolder: string;
}

/** Roles, bindings, service accounts and the first administrator. */
export interface Rbac {
  /** For the kernel's listener only. */
  readonly routes: readonly Route[];
}

/** Builds it; while there never was an administrator this writes a new one-time token (RBAC-14). */
export async function createRbac(deps: RbacDeps): Promise<Rbac> {
  const changes = createChanges(deps);
  const bootstrap = createBootstrap({ ...deps, changes });
  const openId = createOpenId({ monotonic: deps.clock.monotonic });
  const logins = createLogins({ ...deps, changes, openId, settings: deps.oidc });
  await bootstrap.open();
  return {
    routes: [
      ...createRbacRoutes({
        ...deps,
        bootstrap,
        roles: createRoles({ ...deps, changes }),
        bindings: createBindings({ ...deps, changes }),
        accounts: createServiceAccounts({ ...deps, changes }),
      }),
      ...createLoginRoutes({ ...deps, logins, settings: deps.oidc }),
    ],
  };
}
