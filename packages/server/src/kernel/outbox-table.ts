/** Events of what the kernel changed, until the log has them. */
export const OUTBOX_TABLE = 'kernel_outbox';

/** Of what a webhook is told. */
export const ALARM_TABLE = 'kernel_alarm_outbox';
