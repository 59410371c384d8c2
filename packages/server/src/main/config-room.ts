import type { Sql } from '../platform/sql.js';
import { clock, random } from '../platform/system.js';
import type { AuditPort } from './audit-link/audit-link.js';
import type { Foundation } from './foundation.js';

// By name of its module: a static import would load the room into every process.
type Config = import('../config/service.js').Config;

/** The configuration room, for every process whose roles administer or use secrets. */
export async function buildConfig(
  { crypto, log, metrics, keys, settings }: Foundation,
  { sql, sink, tenant }: { readonly sql: Sql; readonly sink: AuditPort; readonly tenant: string },
): Promise<Config> {
  const { createConfig } = await import('../config/service.js');
  return createConfig({
    sql,
    clock,
    random,
    crypto,
    log,
    metrics,
    kek: settings.kek ?? (await keys.loadOrCreateSeed('kek')),
    audit: { assertAccepting: sink.assertAccepting, record: (draft) => sink.record(draft) },
    tenant: () => tenant,
  });
}
