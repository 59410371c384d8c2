import type { Sql } from '../platform/sql.js';
import { clock, random } from '../platform/system.js';
import type { AuditPort } from './audit-link/audit-link.js';
import type { Foundation } from './foundation.js';
import type { Policies } from './policy.js';

// By name of their module: a static import would load the room into every process.
type Access = import('../kernel/rbac/access.js').Access;
type Rbac = import('../kernel/rbac/service.js').Rbac;
type RbacDeps = import('../kernel/rbac/service.js').RbacDeps;

export interface GuardOptions {
  readonly sql: Sql;
  readonly policies: Pick<Policies, 'current' | 'kernel'>;
  readonly sink: Pick<AuditPort, 'recordDenial'>;
}

/** Who may call what on the admin surface of this process: every process has its own guard on the shared database. */
export async function createGuard(
  { crypto, log }: Foundation,
  { sql, policies, sink }: GuardOptions,
): Promise<Access> {
  const [{ createAccess }, { createRefusals }] = await Promise.all([
    import('../kernel/rbac/access.js'),
    import('../kernel/rbac/refusals.js'),
  ]);
  const audit = { recordDenial: sink.recordDenial };
  const refusals = createRefusals({ audit, policy: policies.kernel, crypto, clock, random });
  return createAccess({ sql, clock, log, refusals, oidc: () => policies.current().document.oidc });
}

export interface AdministrationOptions {
  readonly sql: Sql;
  readonly access: Access;
  readonly policies: Pick<Policies, 'current' | 'tenant'>;
  readonly sink: AuditPort;
  readonly limiter: RbacDeps['limiter'];
}

/** The administration of administrators, for the process that is the kernel. Without an administrator it writes a new
 *  one-time token (RBAC-14). */
export async function createAdministration(
  { crypto, log, folder }: Foundation,
  { sql, access, policies, sink, limiter }: AdministrationOptions,
): Promise<Rbac> {
  const { createRbac } = await import('../kernel/rbac/service.js');
  return createRbac({
    sql,
    clock,
    random,
    log,
    crypto,
    access,
    limiter,
    keysFolder: folder.keys,
    audit: { record: (draft) => sink.record(draft), assertAccepting: sink.assertAccepting },
    tenant: () => policies.tenant,
    oidc: () => policies.current().document.oidc,
  });
}
