import type { WitnessFaultCode } from '@talosprotocol/contracts';
import {
  type CosignatureVerifier,
  formatAddCheckpoint,
  formatNote,
  isTrustError,
  type NoteSignature,
  parseNote,
  parseSignatureLines,
  readCosignatures,
  readDecimal,
} from '@talosprotocol/protocol';
import { startTimeLimit } from '../../platform/time-limit.js';
import type { SignedCheckpoint } from '../checkpoint.js';

/** What a witness said to one request. */
export type WitnessReply =
  | { readonly kind: 'cosigned'; readonly signature: NoteSignature; readonly time: number }
  /** The size it must be led on from. */
  | { readonly kind: 'at'; readonly size: number }
  | WitnessFault;

/** What went wrong. */
export interface WitnessFault {
  readonly kind: 'fault';
  readonly code: WitnessFaultCode;
  readonly detail: string;
  /** Of the code `ahead`: how many events it says it saw. */
  readonly size?: number;
}

export interface WitnessClient {
  /** Asks to cosign a checkpoint that continues the one of `oldSize`. Never throws: what goes wrong is named. */
  ask(
    checkpoint: SignedCheckpoint,
    oldSize: number,
    proof: readonly Uint8Array[],
    stop: AbortSignal,
  ): Promise<WitnessReply>;
}

export interface WitnessClientDeps {
  readonly url: string;
  readonly verifier: CosignatureVerifier;
  readonly timeoutMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly fetch?: typeof fetch;
}

/** Longest answer that is read: as many lines as a note may have, of the longest kind. */
const MAX_ANSWER = 64 * 1024;
/** How far a witness's clock may be off, in seconds. */
const MAX_SKEW = 300;

/** Speaks C2SP tlog-witness with one witness, and believes nothing but its signature. */
export function createWitnessClient(deps: WitnessClientDeps): WitnessClient {
  const target = `${deps.url.replace(/\/+$/, '')}/add-checkpoint`;
  const send = deps.fetch ?? fetch;
  return {
    ask: async (checkpoint, oldSize, proof, stop) => {
      const body = formatAddCheckpoint({ oldSize, proof, checkpoint: checkpoint.note });
      const limit = startTimeLimit(deps.timeoutMs, stop);
      try {
        const answer = await send(target, {
          method: 'POST',
          body,
          headers: { 'content-type': 'text/plain; charset=utf-8' },
          // One that is not followed is named as that, and not as a connection that failed.
          redirect: 'manual',
          signal: limit.signal,
        });
        return readReply(deps, checkpoint, answer, await readText(answer));
      } catch (error) {
        if (limit.isOver()) return fault('timeout', `no answer within ${deps.timeoutMs} ms`);
        return fault('unreachable', reasonOf(error));
      } finally {
        limit.end();
      }
    },
  };
}

function readReply(
  deps: WitnessClientDeps,
  checkpoint: SignedCheckpoint,
  { status, headers }: Response,
  text: string | undefined,
): WitnessReply {
  if (text === undefined) return fault('garbage', 'its answer has no end');
  switch (status) {
    case 200:
      return readCosignature(deps, checkpoint, text);
    case 409:
      return readConflict(headers.get('content-type'), text);
    case 422:
      // Of a tree without leaves nothing can be proven.
      if (checkpoint.size === 0) return fault('garbage', 'it refuses a tree without leaves');
      return fault('forked', 'it refuses a consistency proof that holds');
    case 404:
      return fault('unknown_log', 'it does not follow this log');
    case 403:
      return fault('refuses_key', 'it follows this log under another key');
    default:
      if (status >= 300 && status < 400)
        return fault('garbage', `it redirects (${status}), and redirects are not followed`);
      if (status === 429 || status >= 500) return fault('busy', `it answers ${status}`);
      return fault('garbage', `it answers ${status}`);
  }
}

function readConflict(type: string | null, text: string): WitnessReply {
  // C2SP tlog-witness: without a size, another root was seen at the size of the checkpoint.
  if (type !== 'text/x.tlog.size') return fault('forked', 'it saw another root at this size');
  const size = text.endsWith('\n') ? readDecimal(text.slice(0, -1)) : undefined;
  return size === undefined ? fault('garbage', 'the size it names is none') : { kind: 'at', size };
}

function readCosignature(
  { verifier, now }: WitnessClientDeps,
  { note }: SignedCheckpoint,
  lines: string,
): WitnessReply {
  try {
    const signatures = parseSignatureLines(lines);
    const { text } = parseNote(note);
    const policy = { witnesses: [verifier], quorum: 1 };
    const [cosigned] = readCosignatures(formatNote({ text, signatures }), policy).cosignatures;
    const signature = signatures.find(
      ({ name, keyId }) => name === verifier.name && keyId === verifier.keyId,
    );
    if (cosigned === undefined || signature === undefined)
      return fault('not_cosigned', 'its answer has no signature by its key');
    const { time } = cosigned;
    const skew = time - Math.floor(now() / 1000);
    if (Math.abs(skew) <= MAX_SKEW) return { kind: 'cosigned', signature, time };
    return fault(
      'wrong_time',
      `its cosignature is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} this clock`,
    );
  } catch (error) {
    if (!isTrustError(error)) throw error;
    if (error.code === 'SIGNATURE_INVALID')
      return fault('bad_signature', 'it signed something else than this checkpoint');
    return fault('garbage', error.data.reason ?? error.message);
  }
}

/** The text of an answer; undefined if it goes beyond what is read. */
async function readText(answer: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > MAX_ANSWER) return undefined;
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function fault(code: WitnessFaultCode, detail: string): WitnessFault {
  return { kind: 'fault', code, detail };
}

/** Of a failed connection: what the system said, without addresses. */
function reasonOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const named = [cause?.code, code].find((one) => typeof one === 'string');
  return `the connection failed${named === undefined ? '' : ` (${named})`}`;
}
