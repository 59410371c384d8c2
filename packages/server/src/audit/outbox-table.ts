/** Events of what was erased, until they are in the log. */
export const OUTBOX_TABLE = 'audit_outbox';
