import {
  type Account,
  accountOfBundle,
  accountOfFailure,
  accountOfReceipt,
  accountOfUntrusted,
  type CryptoProvider,
  checkpointOf,
  failedEvidence,
  findMisplaced,
  inspectBundle,
  isTrustError,
  kindOfFile,
  type NamedFile,
  parseReceipt,
  parseTrustFile,
  readBeside,
  type Trust,
  TrustError,
  type VerifyProgress,
  verifyBundleInSteps,
  verifyEarlier,
  verifyReceipt,
} from '@talosprotocol/protocol';
import type { Ask, GivenFile, Result } from './result.js';
import { bundleResult, receiptResult } from './rows.js';

/** Verifies what was given, in steps. Whatever is refused becomes a result that says so; only a fault of ours is thrown. */
export function* verifyInSteps(ask: Ask, crypto: CryptoProvider): Generator<VerifyProgress, Result> {
  try {
    return yield* proveInSteps(ask, crypto);
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return plain(accountOfFailure(error));
  }
}

function* proveInSteps(
  { evidence, trust, kept }: Ask,
  crypto: CryptoProvider,
): Generator<VerifyProgress, Result> {
  const misplaced = findMisplaced(kindOf(evidence), trust && kindOf(trust));
  if (misplaced !== undefined) throw new TrustError('MALFORMED', misplaced.fault, { caveat: 'places' });
  const trusted = trust && readBeside(trust.name, 'trust', () => parseTrustFile(trust.bytes, crypto));
  const note = kept && readBeside(kept.name, 'kept', () => checkpointOf(kept.bytes));
  try {
    return trusted === undefined
      ? untrusted(evidence, crypto)
      : yield* proveEvidence(evidence, { trust: trusted, note, crypto });
  } catch (error) {
    throw failedEvidence(evidence.name, error);
  }
}

interface Beside {
  readonly trust: Trust;
  /** The state of the log that the auditor kept. */
  readonly note: string | undefined;
  readonly crypto: CryptoProvider;
}

function* proveEvidence(
  { bytes }: GivenFile,
  { trust, note, crypto }: Beside,
): Generator<VerifyProgress, Result> {
  if (kindOfFile(bytes) === 'receipt') {
    const receipt = verifyReceipt(parseReceipt(bytes), trust, crypto);
    return receiptResult(receipt, besideKept(accountOfReceipt(receipt, trust), note));
  }
  const report = yield* verifyBundleInSteps(bytes, trust, crypto);
  const earlier = note === undefined ? undefined : verifyEarlier(report, note, trust, crypto);
  return bundleResult(report, accountOfBundle(report, trust, earlier));
}

/** A receipt has no proof that leads from one state of the log to another. */
function besideKept(account: Account, note: string | undefined): Account {
  if (note === undefined) return account;
  const unsaid =
    'that the history that you kept is the beginning of this log: that is shown with a bundle, not with a receipt';
  return { ...account, notShown: [unsaid, ...account.notShown] };
}

function untrusted({ bytes }: GivenFile, crypto: CryptoProvider): Result {
  if (kindOfFile(bytes) !== 'receipt') return plain(accountOfUntrusted(inspectBundle(bytes, crypto)));
  parseReceipt(bytes);
  return plain(accountOfUntrusted(undefined));
}

function kindOf({ name, bytes }: GivenFile): NamedFile {
  return { name, kind: kindOfFile(bytes) };
}

function plain(account: Account): Result {
  return { account, facts: [], calls: [], more: 0, summed: 0, chains: {} };
}
