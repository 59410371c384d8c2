import type { Sql } from '../platform/sql.js';
import { type CapabilityStore, createCapabilityStore } from './capability/store.js';
import { createIdentityStore, type IdentityStore } from './identity/store.js';
import { createStatusStore, type StatusStore } from './revocation/status-store.js';
import { createRevocationStore, type RevocationStore } from './revocation/store.js';

/** The kernel's SQL, but for the ledger's. */
export interface KernelStore extends IdentityStore, CapabilityStore, RevocationStore, StatusStore {}

export function createKernelStore(sql: Sql): KernelStore {
  return {
    ...createIdentityStore(sql),
    ...createCapabilityStore(sql),
    ...createRevocationStore(sql),
    ...createStatusStore(sql),
  };
}
