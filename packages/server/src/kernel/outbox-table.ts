/** Events of what the kernel changed, until the log has them. */
export const OUTBOX_TABLE = 'kernel_outbox';
