import type { SplitView } from '@talosprotocol/contracts';
import {
  type AddCheckpoint,
  type Cosigner,
  type CryptoProvider,
  canonicalBytes,
  createTreeHasher,
  formatNote,
  formatSignatureLines,
  isTrustError,
  parseAddCheckpoint,
  type TreeHasher,
  type TrustedLog,
  type VerifiedCheckpoint,
  verifyCheckpoint,
  verifyNote,
  verifySplitView,
} from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import type { Sql } from '../platform/sql.js';
import type { Clock } from '../platform/system.js';
import { judge, type Verdict } from './judge.js';
import { createWitnessStore, type LastSeen, type SeenLog, type Step } from './store.js';

/** What the witness room needs of its process. */
export interface WitnessDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly log: Log;
  readonly crypto: CryptoProvider;
  /** Its key, which signs nothing else. */
  readonly cosigner: Cosigner;
  /** The logs it follows now, by origin. */
  readonly logs: () => ReadonlyMap<string, TrustedLog>;
}

/** What a log is answered (C2SP tlog-witness): cosignature lines, the size it must go on from, or a refusal. */
export type WitnessAnswer =
  | { readonly status: 200; readonly lines: string }
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404 | 409 | 422; readonly reason: string };

/** A witness: it remembers the last checkpoint of each log, and signs only what continues it. */
export interface Witness {
  readonly name: string;
  readonly vkey: string;
  /** Answers a request; the checkpoint is durable before its cosignature is given out.
   *  @throws {TrustError} UNAVAILABLE | DISK_FULL: nothing was signed, or nothing of it was given out */
  addCheckpoint(text: string): Promise<WitnessAnswer>;
  /** What it saw last of each log it follows, or did. */
  seen(): Promise<SeenLog[]>;
  /** Proofs that a log showed two histories. */
  splitViews(origin: string): Promise<SplitView[]>;
}

/** Builds the room. Needs the tables of `WITNESS_MIGRATIONS`. */
export function createWitness(deps: WitnessDeps): Witness {
  const { cosigner } = deps;
  const hasher = createTreeHasher((data) => deps.crypto.sha256(data));
  const store = createWitnessStore(deps.sql, hasher.empty());
  return {
    name: cosigner.name,
    vkey: cosigner.vkey,
    addCheckpoint: async (text) => {
      const asked = read(deps, text);
      if ('status' in asked) return asked;
      const { origin } = asked.checkpoint;
      const verdict = await store.advance(origin, (last) => stepOf(deps, hasher, asked, last));
      return answerTo(verdict, deps.log.child({ origin }));
    },
    seen: store.logs,
    splitViews: store.splitViews,
  };
}

/** A request that is well-formed, about a log we follow, and signed by it. */
interface Asked {
  readonly request: AddCheckpoint;
  readonly checkpoint: VerifiedCheckpoint;
  readonly trusted: TrustedLog;
}

function read({ logs }: WitnessDeps, text: string): Asked | WitnessAnswer {
  const request = orReason(() => parseAddCheckpoint(text));
  if (typeof request === 'string') return { status: 400, reason: `malformed request: ${request}` };
  const note = request.checkpoint;
  const trusted = logs().get(note.slice(0, Math.max(note.indexOf('\n'), 0)));
  if (trusted === undefined) return { status: 404, reason: 'unknown log' };
  // Whatever is wrong with its signatures, the log did not sign this.
  const signed = orReason(() => verifyNote(note, trusted.keys));
  if (typeof signed === 'string') return { status: 403, reason: 'invalid signature' };
  const checkpoint = orReason(() => verifyCheckpoint(note, trusted));
  if (typeof checkpoint === 'string') return { status: 400, reason: `malformed request: ${checkpoint}` };
  if (request.oldSize <= checkpoint.size) return { request, checkpoint, trusted };
  return { status: 400, reason: 'the old size is above that of the checkpoint' };
}

function orReason<T extends object>(parse: () => T): T | string {
  try {
    return parse();
  } catch (error) {
    if (isTrustError(error)) return error.data.reason ?? error.message;
    throw error;
  }
}

type Signed = { readonly kind: 'signed'; readonly lines: string };
type Outcome = Exclude<Verdict, { kind: 'follows' }> | Signed;

function stepOf(deps: WitnessDeps, hasher: TreeHasher, asked: Asked, last: LastSeen): Step<Outcome> {
  const { request, checkpoint, trusted } = asked;
  const { text, signatures } = checkpoint.note;
  // Lines of others are not ours to keep.
  const note = formatNote({ text, signatures });
  const verdict = judge(hasher, last, request, checkpoint, note);
  if (verdict.kind !== 'follows') {
    const { splitView } = verdict;
    if (splitView === undefined) return { answer: verdict };
    // What we accuse somebody of must be what others can check.
    verifySplitView(splitView, trusted, hasher);
    const hash = deps.crypto.sha256Hex(canonicalBytes(splitView));
    return { answer: verdict, splitView: { hash, evidence: splitView } };
  }
  // Of the time between the two transactions that see it as the last: what the cosignature says is true then. A clock
  // that went back makes no cosignature that is older than one it follows.
  const time = Math.max(last.time, Math.floor(deps.clock.now() / 1000));
  const cosignature = deps.cosigner.cosign(text, time);
  return {
    answer: { kind: 'signed', lines: formatSignatureLines([cosignature]) },
    keep: {
      size: checkpoint.size,
      root: checkpoint.root,
      time,
      note: formatNote({ text, signatures: [...signatures, cosignature] }),
    },
  };
}

function answerTo(outcome: Outcome, log: Log): WitnessAnswer {
  if (outcome.kind === 'signed') return { status: 200, lines: outcome.lines };
  if (outcome.splitView !== undefined)
    log.error('a log showed two histories; the proof is kept', { code: 'SPLIT_VIEW' });
  switch (outcome.kind) {
    case 'elsewhere':
      return { status: 409, size: outcome.size };
    case 'contradicts':
      return { status: 409, reason: 'another root was seen at this size' };
    case 'unproven':
      return { status: 422, reason: 'the consistency proof does not hold' };
  }
}
