import { MAX_ANCHOR_EVIDENCE_BYTES } from '@talosprotocol/contracts';
import {
  isTrustError,
  parseAnchorEvidence,
  secondOf,
  TrustError,
  type VerifiedAnchorEvidence,
  verifyAnchorEvidence,
} from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { Command } from 'commander';
import { readTrustFile } from '../../../anchors-file.js';
import { parseNamed, readBoundedFile } from '../../../bounded-file.js';
import { defineCommand, type Handler, type Shell } from '../../../define-command.js';
import { EXIT } from '../../../exit-code.js';
import { parseCount } from '../../../grant/duration.js';
import type { Output } from '../../../output.js';
import { UsageError } from '../../../usage-error.js';
import { reportFailure } from '../report.js';
import { lookUpBlock } from './chain-look.js';

interface Options {
  readonly trust?: string;
  readonly rpc?: string;
  readonly confirmations?: string;
}

/** `talos audit anchor verify`: offline, with the blocks of the trust file; or by an endpoint's word for the block. */
export function addAnchorVerify(anchor: Command, shell: Shell): void {
  const text = {
    usage: 'verify <file>',
    summary: 'verify an anchor offline, against a trust file of your own, or against a chain',
    examples: [
      'talos audit anchor verify anchor.json --trust trust.json',
      'talos audit anchor verify anchor.json --trust trust.json --rpc https://rpc.example --confirmations 12',
    ],
    notes: [
      'The trust file names the log, the contract with its anchorer (both as talos audit export --trust-out writes them) and, without',
      '--rpc, the block: look its hash up in an explorer of the chain, and add it. What is missing is named. With --rpc the endpoint',
      'says which block the chain has; everything else is verified here.',
      'Exit code 0 proven, 3 not proven, 1 the files cannot be read or the call is wrong, 4 the endpoint does not answer.',
    ],
  };
  const verify: Handler<Options> = async ({ io, output, args, options }) => {
    const [file = ''] = args;
    const { rpc, confirmations = '12' } = options;
    if (options.trust === undefined)
      throw new UsageError('whom to trust?', 'add --trust <file>, got by another way than the anchor');
    const crypto = await createFastestCrypto();
    const trust = await readTrustFile(io, options.trust, crypto);
    const bytes = await readBoundedFile(io, file, MAX_ANCHOR_EVIDENCE_BYTES);
    try {
      const evidence = parseNamed(file, () => parseAnchorEvidence(bytes));
      const wanted = parseCount(confirmations, 1, '--confirmations');
      const looked = rpc === undefined ? undefined : await lookUpBlock(io, rpc, evidence.anchor, wanted);
      const chains =
        looked === undefined ? trust.chains : { ...trust.chains, blockAt: () => ({ hash: hashOf(looked) }) };
      report(output, verifyAnchorEvidence(evidence, { ...trust, chains }, crypto), rpc !== undefined);
      return EXIT.ok;
    } catch (error) {
      if (!isTrustError(error) || !NOT_PROVEN.has(error.code)) throw error;
      reportFailure(output, asNotProven(error));
      return EXIT.proofInvalid;
    }
  };
  defineCommand(anchor, shell, text, verify)
    .option('--trust <file>', 'whom you trust, got by another way than the anchor')
    .option('--rpc <url>', 'ask this endpoint which block the chain has')
    .option(
      '--confirmations <number>',
      'with --rpc: blocks that must be on it, its own included (default: 12)',
    );
}

const NOT_PROVEN: ReadonlySet<string> = new Set(['PROOF_NOT_PROVEN', 'SIGNATURE_INVALID', 'MALFORMED']);

function asNotProven(error: TrustError): TrustError {
  const { reason = error.message, ...facts } = error.data;
  return error.code === 'PROOF_NOT_PROVEN'
    ? error
    : new TrustError('PROOF_NOT_PROVEN', `${reason} (${error.code})`, facts, error);
}

function hashOf(block: { readonly hash: string } | { readonly header: string }): string {
  return 'hash' in block ? block.hash : '';
}

/** A chain may say any second of its blocks, also one that no date can hold. */
function timeOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? secondOf(seconds) : date.toISOString();
}

function report(output: Output, { anchor, checkpoint }: VerifiedAnchorEvidence, isOnline: boolean): void {
  const { kind, chain, number, time, size, origin } = anchor;
  const at = timeOf(time);
  output.result(
    {
      ok: true,
      proven: true,
      kind,
      chain,
      block: number,
      time: at,
      origin,
      size,
      checkpoint: checkpoint.size,
    },
    () => {
      output.line(output.color.green('PROVEN'));
      output.line(
        `The first ${size} events of ${origin} existed before block ${number} of ${chain} (${at}),`,
      );
      output.line(
        `and the checkpoint of size ${checkpoint.size} continues them: none of them was changed since.`,
      );
      output.line('Not proven by it: who did what (verify a bundle), and that every event was logged.');
      if (isOnline) output.line('Which block the chain has is the word of the endpoint.');
    },
  );
}
