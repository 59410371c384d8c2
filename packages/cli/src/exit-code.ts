import { isTrustError } from '@talosprotocol/protocol';

/** The exit codes of every command; they are API. */
export const EXIT = { ok: 0, usage: 1, denied: 2, proofInvalid: 3, unavailable: 4 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const UNAVAILABLE = new Set([
  'UNAVAILABLE',
  'DISK_FULL',
  'UPSTREAM_FAILED',
  'TIMEOUT',
  'INTERNAL',
  'LOG_CORRUPT',
  'SESSION_ELSEWHERE',
]);
const USAGE = new Set(['SETTINGS_INVALID', 'MALFORMED', 'NOT_FOUND', 'CONFLICT', 'TOO_LARGE']);

/** The exit code an error deserves: a refused call is 2, evidence that proves nothing 3, a part that is down 4,
 *  a wrong call 1. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!isTrustError(error)) return EXIT.unavailable;
  if (error.code === 'PROOF_NOT_PROVEN') return EXIT.proofInvalid;
  if (UNAVAILABLE.has(error.code)) return EXIT.unavailable;
  return USAGE.has(error.code) ? EXIT.usage : EXIT.denied;
}
