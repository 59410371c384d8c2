import {
  type Account,
  accountOfBundle,
  accountOfFailure,
  accountOfReceipt,
  accountOfUntrusted,
  type CryptoProvider,
  checkpointOf,
  inspectBundle,
  isTrustError,
  kindOfFile,
  parseReceipt,
  parseTrustFile,
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
  const isReceipt = kindOfFile(evidence.bytes) === 'receipt';
  if (trust === undefined) return untrusted(evidence, isReceipt, crypto);
  const trusted = named(trust, () => parseTrustFile(trust.bytes, crypto));
  if (isReceipt) return proveReceipt(evidence, trusted, crypto);
  const report = yield* verifyBundleInSteps(evidence.bytes, trusted, crypto);
  const earlier =
    kept === undefined
      ? undefined
      : verifyEarlier(
          report,
          named(kept, () => checkpointOf(kept.bytes)),
          trusted,
          crypto,
        );
  return bundleResult(report, accountOfBundle(report, trusted, earlier));
}

function proveReceipt({ bytes }: GivenFile, trust: Trust, crypto: CryptoProvider): Result {
  const receipt = verifyReceipt(parseReceipt(bytes), trust, crypto);
  return receiptResult(receipt, accountOfReceipt(receipt, trust));
}

function untrusted({ bytes }: GivenFile, isReceipt: boolean, crypto: CryptoProvider): Result {
  if (!isReceipt) return plain(accountOfUntrusted(inspectBundle(bytes, crypto)));
  parseReceipt(bytes);
  return plain(accountOfUntrusted(undefined));
}

/** What is wrong with a file beside the evidence is said of it by its name. */
function named<T>({ name }: GivenFile, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    throw new TrustError(error.code, `${name}: ${error.data.reason ?? error.message}`, {}, error);
  }
}

function plain(account: Account): Result {
  return { account, facts: [], calls: [], more: 0, summed: 0, chains: {} };
}
