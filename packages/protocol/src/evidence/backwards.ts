/** How far the time of an event may lie before the latest of its emitter, in milliseconds (AUD-21): clocks are set back a little
 *  now and then; more than this is a log that was put together later. */
export const BACKWARDS_MS = 5_000;
