import { isTrustError } from '@talosprotocol/protocol';
import { CommanderError } from 'commander';
import { StoppedError } from './stopped-error.js';
import { UsageError } from './usage-error.js';

/** The exit codes of every command; they are API. */
export const EXIT = { ok: 0, usage: 1, denied: 2, proofInvalid: 3, unavailable: 4 } as const;

/** One of ours, or the shell's code of the signal that ended the command. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT] | StoppedError['exitCode'];

const PROOF = new Set(['PROOF_NOT_PROVEN', 'PROOF_INVALID', 'SIGNATURE_INVALID']);
const UNAVAILABLE = new Set([
  'UNAVAILABLE',
  'DISK_FULL',
  'UPSTREAM_FAILED',
  'TIMEOUT',
  'INTERNAL',
  'LOG_CORRUPT',
  'SESSION_ELSEWHERE',
]);
const USAGE = new Set([
  'SETTINGS_INVALID',
  'MALFORMED',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'CONFLICT',
  'TOO_LARGE',
]);

/** The exit code an error deserves: a refusal is 2, a signature or evidence that proves nothing 3, a part that is
 *  down (or a fault of ours) 4, a wrong call 1. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof StoppedError) return error.exitCode;
  if (error instanceof UsageError || error instanceof CommanderError) return EXIT.usage;
  if (!isTrustError(error)) return EXIT.unavailable;
  if (PROOF.has(error.code)) return EXIT.proofInvalid;
  if (UNAVAILABLE.has(error.code)) return EXIT.unavailable;
  return USAGE.has(error.code) ? EXIT.usage : EXIT.denied;
}
