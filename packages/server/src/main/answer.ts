import { isTrustError } from '@talosprotocol/protocol';

/** One JSON document a line on standard output: what the starter of this process reads. */
export function answer(document: object): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

/** A failure in the same form: code, reason and hint, never a stack. */
export function answerFailure(error: unknown): void {
  if (isTrustError(error)) {
    const { reason = error.message, hint } = error.data;
    answer({ error: { code: error.code, reason, ...(hint === undefined ? {} : { hint }) } });
    return;
  }
  const reason = error instanceof Error ? error.message : String(error);
  answer({ error: { code: 'INTERNAL', reason } });
}
