import type { Sql } from '../platform/sql.js';
import { type CapabilityStore, createCapabilityStore } from './capability/store.js';
import { createIdentityStore, type IdentityStore } from './identity/store.js';
import { createStatusStore, type StatusStore } from './revocation/status-store.js';
import { createRevocationStore, type RevocationStore } from './revocation/store.js';

/** The kernel's SQL, but for the ledger's. */
export interface KernelStore extends IdentityStore, CapabilityStore, RevocationStore, StatusStore {}

/** Builds it. `now` is the moment by the clock of the database, in SQL. */
export function createKernelStore(sql: Sql, now?: string): KernelStore {
  return {
    ...createIdentityStore(sql),
    ...createCapabilityStore(sql),
    ...createRevocationStore(sql, now),
    ...createStatusStore(sql),
  };
}
